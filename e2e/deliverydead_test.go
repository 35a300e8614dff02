package e2e

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/dispatch"
)

// recovering is a receiver that refuses everything until it comes back.
type recovering struct {
	url     string
	mu      sync.Mutex
	back    bool
	refused map[string]bool
	got     []string // message ids, in order of arrival
}

func newRecovering(t testing.TB) *recovering {
	t.Helper()
	r := &recovering{refused: map[string]bool{}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		_, _ = io.Copy(io.Discard, req.Body)
		r.mu.Lock()
		defer r.mu.Unlock()
		if !r.back {
			r.refused[req.Header.Get("svix-id")] = true
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		r.got = append(r.got, req.Header.Get("svix-id"))
	}))
	t.Cleanup(server.Close)
	r.url = server.URL
	return r
}

func (r *recovering) comeBack() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.back = true
}

// counts are how many messages were refused, and how many taken.
func (r *recovering) counts() (refused, got int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.refused), len(r.got)
}

// firstTries are the messages that arrived without having been refused before: those that were wait for their next attempt, as the
// schedule says.
func (r *recovering) firstTries() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []string
	for _, id := range r.got {
		if !r.refused[id] {
			out = append(out, id)
		}
	}
	return out
}

// displacement is the furthest that a message arrived before one that is older, counted in messages.
func displacement(arrived, byAge []string) int {
	age := map[string]int{}
	for i, id := range byAge {
		age[id] = i
	}
	most, newest := 0, -1
	for _, id := range arrived {
		most, newest = max(most, newest-age[id]), max(newest, age[id])
	}
	return most
}

// dead is a system with an endpoint that is dead and has a backlog, and one that is well.
type dead struct {
	*system
	well     *counter
	deadOne  *recovering
	endpoint string   // the one that is well
	backlog  []string // by age
	began    time.Time
}

func newDead(t testing.TB, backlog int) *dead {
	t.Helper()
	d := &dead{system: newSystem(t, options{workers: noWorkers}), well: newCounter(t), deadOne: newRecovering(t)}
	ids := []string{d.addEndpoints(d.deadOne.url, 1)[0], d.addEndpoints(d.well.url, 1)[0]}
	d.endpoint = ids[1]
	d.startWorker()
	d.backlog = d.fill(ids[:1], backlog, time.Now().Add(-time.Hour))
	d.began = time.Now()
	require.NoError(t, dispatch.NewClient(d.client).NudgeDeliveries(context.Background(), ids[0]))
	require.Eventually(t, func() bool { n, _ := d.deadOne.counts(); return n > 20 }, time.Minute, 10*time.Millisecond)
	return d
}

// wellRate is how many messages a second the other endpoint gets.
func (s *system) wellRate(well *counter, endpoint string, n int) float64 {
	s.t.Helper()
	s.fill([]string{endpoint}, n, time.Now())
	began, all := time.Now(), well.got.Load()+int64(n)
	require.NoError(s.t, dispatch.NewClient(s.client).NudgeDeliveries(context.Background(), endpoint))
	require.Eventually(s.t, func() bool { return well.got.Load() >= all }, 2*time.Minute, 5*time.Millisecond)
	return float64(n) / time.Since(began).Seconds()
}

// A dead endpoint is tried at a low rate, the others get their messages, and when it comes back it gets its own in order of age.
func TestADeadEndpointDelaysNobody(t *testing.T) {
	t.Parallel()
	const backlog = 2000
	d := newDead(t, backlog)
	d.wellRate(d.well, d.endpoint, 100)
	refused, _ := d.deadOne.counts()
	require.Less(t, float64(refused), 20+16+21*time.Since(d.began).Seconds(), "20 a second, after the first 20 and what was under way")
	d.deadOne.comeBack()
	require.Eventually(t, func() bool {
		refused, got := d.deadOne.counts()
		return got >= backlog-refused
	}, time.Minute, 20*time.Millisecond)
	// 16 are under way together, and one that has to make a connection first is overtaken by many through those that are there.
	require.Less(t, displacement(d.deadOne.firstTries(), d.backlog), backlog/4)
}

// The control: messages out of order are found.
func TestDisplacement(t *testing.T) {
	t.Parallel()
	byAge := []string{"a", "b", "c", "d", "e"}
	for want, arrived := range map[int][]string{0: {"a", "c", "d"}, 1: {"b", "a", "c"}, 4: {"b", "e", "a"}, 3: {"a", "b", "e", "d", "c", "b"}} {
		require.Equal(t, want, displacement(arrived, byAge))
	}
}

// BenchmarkDeadEndpoint compares what a healthy endpoint gets with and without a dead one beside it that has 100,000 messages to come:
// ratio; and says how fast that one recovers, and how far messages overtake older ones then.
func BenchmarkDeadEndpoint(b *testing.B) {
	const backlog, messages = 100_000, 3000
	for b.Loop() {
		alone := newSystem(b, options{workers: noWorkers})
		alone.startWorker()
		receiver := newCounter(b)
		undisturbed := alone.wellRate(receiver, alone.addEndpoints(receiver.url, 1)[0], messages)

		d := newDead(b, backlog)
		disturbed := d.wellRate(d.well, d.endpoint, messages)
		d.deadOne.comeBack()
		began := time.Now()
		require.Eventually(b, func() bool {
			refused, got := d.deadOne.counts()
			return got >= backlog-refused
		}, 10*time.Minute, 50*time.Millisecond)
		b.ReportMetric(disturbed, "deliveries/s")
		b.ReportMetric(disturbed/undisturbed, "ratio")
		b.ReportMetric(backlog/time.Since(began).Seconds(), "recovered/s")
		b.ReportMetric(float64(displacement(d.deadOne.firstTries(), d.backlog)), "displacement")
	}
	b.ReportMetric(0, "ns/op")
}
