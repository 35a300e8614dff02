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
	burstSeconds = 10     // after a rest, what is allowed in this time may come at once
	blockPart    = 10     // a process takes the tokens of this part of a second at once from the store
	maxLeases    = 10_000 // buckets that a process remembers
)

// limiter allows so many requests a second to each bucket, over all processes. Tokens are in the store; a process takes a block of them
// at a time, and asks no more while there are none, so that a flood costs the store little.
type limiter struct {
	take  func(ctx context.Context, bucket string, n int, rate store.Rate) (time.Duration, error)
	rate  store.Rate
	block int

	mu     sync.Mutex
	leases map[string]*lease
}

// lease is what a process holds of a bucket.
type lease struct {
	mu    sync.Mutex
	left  int
	empty time.Time // there are no tokens before
}

// newLimiter is nil, which allows all, when perSecond is 0.
func newLimiter(s *store.Store, perSecond int) *limiter {
	if perSecond <= 0 {
		return nil
	}
	return &limiter{
		take: s.TakeTokens, rate: store.Rate{PerSecond: perSecond, Burst: perSecond * burstSeconds},
		block: max(1, perSecond/blockPart), leases: map[string]*lease{},
	}
}

// wait is how long a request of the bucket has to wait; 0: it may go on.
func (l *limiter) wait(ctx context.Context, bucket string) (time.Duration, error) {
	if l == nil {
		return 0, nil
	}
	held := l.lease(bucket)
	held.mu.Lock()
	defer held.mu.Unlock()
	if held.left > 0 {
		held.left--
		return 0, nil
	}
	now := time.Now()
	if wait := held.empty.Sub(now); wait > 0 {
		return wait, nil
	}
	wait, err := l.take(ctx, bucket, l.block, l.rate)
	if err != nil {
		return 0, err
	}
	if wait > 0 {
		held.empty = now.Add(wait)
		return wait, nil
	}
	held.left = l.block - 1
	return 0, nil
}

// lease finds what is held of a bucket. When there are too many all are given up, with the tokens in them.
func (l *limiter) lease(bucket string) *lease {
	l.mu.Lock()
	defer l.mu.Unlock()
	held := l.leases[bucket]
	if held == nil {
		if len(l.leases) >= maxLeases {
			clear(l.leases)
		}
		held = &lease{}
		l.leases[bucket] = held
	}
	return held
}

// limited is the refusal of a request that is one too many. A request is not refused because the store cannot tell.
func (s *server) limited(ctx context.Context, l *limiter, bucket string) *Error {
	wait, err := l.wait(ctx, bucket)
	if err != nil {
		s.Logger.LogAttrs(ctx, slog.LevelWarn, "a rate limit is not applied", slog.Any("error", err))
	}
	if wait <= 0 {
		return nil
	}
	e := fail(http.StatusTooManyRequests, "Too many requests")
	e.header = http.Header{
		"Retry-After":       {strconv.Itoa(int(math.Ceil(wait.Seconds())))},
		"X-Ratelimit-Reset": {strconv.FormatInt(time.Now().Add(wait).Unix()+1, 10)},
	}
	return e
}

// limitAddress refuses what an address asks too often, whoever asks. Health is told always. A partner is asked to send again by 503, as
// for any report that is not kept (molecular-api#d11): there are some that give up at any 4xx.
func (s *server) limitAddress(c *gin.Context) {
	if c.FullPath() == pathHealth || c.FullPath() == pathReady || c.FullPath() == pathMetrics {
		return
	}
	refused := s.limited(c.Request.Context(), s.addresses, "address:"+network(c.ClientIP()))
	if refused == nil {
		return
	}
	if strings.HasPrefix(c.FullPath(), "/webhooks/") {
		refused.status = http.StatusServiceUnavailable
	}
	abortWith(c, refused)
}

// network is the address, or for IPv6 the /64 that one subscriber has to himself.
func network(address string) string {
	a, err := netip.ParseAddr(address)
	if err != nil || a.Unmap().Is4() {
		return address
	}
	return netip.PrefixFrom(a.WithZone(""), 64).Masked().String()
}
