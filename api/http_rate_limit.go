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
	burstWindowSeconds = 10     // after a rest, what is allowed in this time may come at once
	blocksPerSecond    = 10     // a process takes the tokens of this part of a second at once from the store
	maxLeases          = 10_000 // buckets that a process remembers
)

// rateLimiter allows so many requests a second to each bucket, over all processes. Tokens are in the store; a process takes a block of them
// at a time, and asks no more while there are none, so that a flood costs the store little.
type rateLimiter struct {
	takeTokens func(ctx context.Context, bucket string, n int, rate store.RateLimit) (time.Duration, error)
	rate       store.RateLimit
	blockSize  int

	mu          sync.Mutex
	tokenBlocks map[string]*tokenBlock
}

// tokenBlock is what a process holds of a bucket.
type tokenBlock struct {
	mu         sync.Mutex
	tokensLeft int
	emptyUntil time.Time // there are no tokens before
}

// newRateLimiter is nil, which allows all, when perSecond is 0.
func newRateLimiter(s *store.Store, perSecond int) *rateLimiter {
	if perSecond <= 0 {
		return nil
	}
	return &rateLimiter{
		takeTokens: s.TakeRateTokens, rate: store.RateLimit{PerSecond: perSecond, Burst: perSecond * burstWindowSeconds},
		blockSize: max(1, perSecond/blocksPerSecond), tokenBlocks: map[string]*tokenBlock{},
	}
}

// waitTime is how long a request of the bucket has to wait; 0: it may go on.
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
	wait, err := l.takeTokens(ctx, bucket, l.blockSize, l.rate)
	if err != nil {
		return 0, err
	}
	if wait > 0 {
		held.emptyUntil = now.Add(wait)
		return wait, nil
	}
	held.tokensLeft = l.blockSize - 1
	return 0, nil
}

// tokenBlockOf finds what is held of a bucket. When there are too many all are given up, with the tokens in them.
func (l *rateLimiter) tokenBlockOf(bucket string) *tokenBlock {
	l.mu.Lock()
	defer l.mu.Unlock()
	held := l.tokenBlocks[bucket]
	if held == nil {
		if len(l.tokenBlocks) >= maxLeases {
			clear(l.tokenBlocks)
		}
		held = &tokenBlock{}
		l.tokenBlocks[bucket] = held
	}
	return held
}

// checkRate is the refusal of a request that is one too many. A request is not refused because the store cannot tell.
func (s *server) checkRate(ctx context.Context, l *rateLimiter, bucket string) *Error {
	wait, err := l.waitTime(ctx, bucket)
	if err != nil {
		s.Logger.LogAttrs(ctx, slog.LevelWarn, "a rate limit is not applied", slog.Any("error", err))
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

// limitAddressRate refuses what an address asks too often, whoever asks. Health is told always. A partner is asked to send again by 503, as
// for any report that is not kept (molecular-api#d11): there are some that give up at any 4xx.
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

// rateLimitNetwork is the address, or for IPv6 the /64 that one subscriber has to himself.
func rateLimitNetwork(address string) string {
	a, err := netip.ParseAddr(address)
	if err != nil || a.Unmap().Is4() {
		return address
	}
	return netip.PrefixFrom(a.WithZone(""), 64).Masked().String()
}
