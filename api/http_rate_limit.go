package api

import (
	"context"
	"log/slog"
	"math"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/aliquot-labs/aliquot/store"
)

const (
	burstWindowSeconds = 10     // after a pause, the requests that this time allows may come at once
	blocksPerSecond    = 10     // a block has the tokens of one second divided by this number
	maxTokenBlocks     = 10_000 // token blocks that a process holds at most

	tokenWait = time.Second     // for the store's answer; requests of the same bucket wait together
	tokenHold = 5 * time.Second // after a failure, in which requests have no limit and do not wait
)

// rateLimiter limits the requests per second of each bucket, over all processes. The store holds the tokens. A process
// takes a block of tokens at a time. While a bucket is empty, the process does not query the store, so a flood of
// requests costs the store little.
type rateLimiter struct {
	takeTokens func(ctx context.Context, bucket string, n int, rate store.RateLimit) (time.Duration, error)
	rate       store.RateLimit
	blockSize  int

	mu          sync.Mutex
	tokenBlocks map[string]*tokenBlock
}

// tokenBlock holds the tokens of one bucket that a process has taken.
type tokenBlock struct {
	mu         sync.Mutex
	tokensLeft int
	emptyUntil time.Time // the store has no tokens before
	freeUntil  time.Time // the store has not answered, and is not asked before
}

// newRateLimiter returns a limiter, or nil, which allows all requests, when perSecond is 0.
func newRateLimiter(s *store.Store, perSecond int) *rateLimiter {
	if perSecond <= 0 {
		return nil
	}
	return &rateLimiter{
		takeTokens: s.TakeRateTokens, rate: store.RateLimit{PerSecond: perSecond, Burst: perSecond * burstWindowSeconds},
		blockSize: max(1, perSecond/blocksPerSecond), tokenBlocks: map[string]*tokenBlock{},
	}
}

// waitTime takes a token of the bucket and returns 0, or returns how long a request has to wait for one. A store that
// fails is not asked again for a while, and requests have no limit.
func (l *rateLimiter) waitTime(ctx context.Context, bucket string) (time.Duration, error) {
	if l == nil {
		return 0, nil
	}
	held := l.tokenBlockOf(bucket)
	held.mu.Lock()
	defer held.mu.Unlock()
	if held.tokensLeft > 0 {
		held.tokensLeft--
		return 0, nil
	}
	now := time.Now()
	if wait := held.emptyUntil.Sub(now); wait > 0 {
		return wait, nil
	}
	if now.Before(held.freeUntil) {
		return 0, nil
	}
	ctx, cancel := context.WithTimeout(ctx, tokenWait)
	defer cancel()
	wait, err := l.takeTokens(ctx, bucket, l.blockSize, l.rate)
	if err != nil {
		held.freeUntil = time.Now().Add(tokenHold)
		return 0, err
	}
	if wait > 0 {
		held.emptyUntil = now.Add(wait)
		return wait, nil
	}
	held.tokensLeft = l.blockSize - 1
	return 0, nil
}

// tokenBlockOf returns the token block of a bucket. When there are maxTokenBlocks it drops all of them, with their
// tokens.
func (l *rateLimiter) tokenBlockOf(bucket string) *tokenBlock {
	l.mu.Lock()
	defer l.mu.Unlock()
	held := l.tokenBlocks[bucket]
	if held == nil {
		if len(l.tokenBlocks) >= maxTokenBlocks {
			clear(l.tokenBlocks)
		}
		held = &tokenBlock{}
		l.tokenBlocks[bucket] = held
	}
	return held
}

// checkRate returns the 429 answer to a request over the limit of its bucket, or nil. When the store fails it logs the
// error and allows the request.
func (s *server) checkRate(ctx context.Context, l *rateLimiter, bucket string) *Error {
	wait, err := l.waitTime(ctx, bucket)
	if err != nil {
		s.Logger.LogAttrs(ctx, slog.LevelWarn, "a rate limit was not applied", slog.Any("error", err))
	}
	if wait <= 0 {
		return nil
	}
	e := newError(http.StatusTooManyRequests, "Too many requests")
	e.header = http.Header{
		"Retry-After":       {strconv.Itoa(int(math.Ceil(wait.Seconds())))},
		"X-Ratelimit-Reset": {strconv.FormatInt(time.Now().Add(wait).Unix()+1, 10)},
	}
	return e
}

// limitAddressRate limits the requests of a network address, with or without credentials. Health checks and metrics
// have no limit. Partners are answered 503, as for every inbound message that is not stored (molecular-api#d11),
// because some never send again after a 4xx.
func (s *server) limitAddressRate(c *gin.Context) {
	if c.FullPath() == pathHealth || c.FullPath() == pathReady || c.FullPath() == pathMetrics {
		return
	}
	refused := s.checkRate(c.Request.Context(), s.addressLimiter, "address:"+rateLimitNetwork(c.ClientIP()))
	if refused == nil {
		return
	}
	if strings.HasPrefix(c.FullPath(), "/webhooks/") {
		refused.status = http.StatusServiceUnavailable
	}
	abortWithError(c, refused)
}

// rateLimitNetwork returns the address, or for IPv6 its /64 network, which belongs to one subscriber.
func rateLimitNetwork(address string) string {
	a, err := netip.ParseAddr(address)
	if err != nil || a.Unmap().Is4() {
		return address
	}
	return netip.PrefixFrom(a.WithZone(""), 64).Masked().String()
}
