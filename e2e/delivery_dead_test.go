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

	"github.com/aliquot-labs/aliquot/internal/dispatch"
)

// recoveringReceiver refuses all messages until it recovers.
type recoveringReceiver struct {
	url      string
	mu       sync.Mutex
	healthy  bool
	refused  map[string]bool
	accepted []string // message ids, in order of arrival
}

func newRecoveringReceiver(t testing.TB) *recoveringReceiver {
	t.Helper()
	r := &recoveringReceiver{refused: map[string]bool{}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		_, _ = io.Copy(io.Discard, req.Body)
		r.mu.Lock()
		defer r.mu.Unlock()
		if !r.healthy {
			r.refused[req.Header.Get("svix-id")] = true
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		r.accepted = append(r.accepted, req.Header.Get("svix-id"))
	}))
	t.Cleanup(server.Close)
	r.url = server.URL
	return r
}

func (r *recoveringReceiver) recover() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.healthy = true
}

// counts returns the numbers of refused and of accepted messages.
func (r *recoveringReceiver) counts() (refused, got int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.refused), len(r.accepted)
}

// acceptedAtFirst lists the messages that were accepted and never refused. Refused messages wait for their next
// scheduled attempt.
func (r *recoveringReceiver) acceptedAtFirst() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []string
	for _, id := range r.accepted {
		if !r.refused[id] {
			out = append(out, id)
		}
	}
	return out
}

// maxOvertaking returns the largest number of older messages that a message arrived before.
func maxOvertaking(arrived, byAge []string) int {
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

// deadEndpointSystem is a system with a dead endpoint, which has a backlog, and a healthy one.
type deadEndpointSystem struct {
	*system
	healthyReceiver *countingReceiver
	deadReceiver    *recoveringReceiver
	endpoint        string   // the healthy one
	backlog         []string // oldest first
	began           time.Time
}

func newDeadEndpointSystem(t testing.TB, backlog int) *deadEndpointSystem {
	t.Helper()
	d := &deadEndpointSystem{system: newSystem(t, options{workers: noWorkers}), healthyReceiver: newCountingReceiver(t),
		deadReceiver: newRecoveringReceiver(t)}
	ids := []string{d.addEndpoints(d.deadReceiver.url, 1)[0], d.addEndpoints(d.healthyReceiver.url, 1)[0]}
	d.endpoint = ids[1]
	d.startWorker()
	d.backlog = d.insertDueMessages(ids[:1], backlog, time.Now().Add(-time.Hour))
	d.began = time.Now()
	require.NoError(t, dispatch.NewClient(d.client).NudgeDeliveries(context.Background(), ids[0]))
	require.Eventually(t, func() bool { n, _ := d.deadReceiver.counts(); return n > 20 }, time.Minute, 10*time.Millisecond)
	return d
}

// healthyRate returns how many messages a second the healthy endpoint gets.
func (s *system) healthyRate(well *countingReceiver, endpoint string, n int) float64 {
	s.t.Helper()
	s.insertDueMessages([]string{endpoint}, n, time.Now())
	began, all := time.Now(), well.received.Load()+int64(n)
	require.NoError(s.t, dispatch.NewClient(s.client).NudgeDeliveries(context.Background(), endpoint))
	require.Eventually(s.t, func() bool { return well.received.Load() >= all }, 2*time.Minute, 5*time.Millisecond)
	return float64(n) / time.Since(began).Seconds()
}

// TestADeadEndpointDelaysNobody shows that a dead endpoint is tried at a low rate, that other endpoints get their
// messages, and that after its recovery the dead endpoint gets its messages in order of age.
func TestADeadEndpointDelaysNobody(t *testing.T) {
	t.Parallel()
	const backlog = 2000
	d := newDeadEndpointSystem(t, backlog)
	d.healthyRate(d.healthyReceiver, d.endpoint, 100)
	refused, _ := d.deadReceiver.counts()
	require.Less(t, float64(refused), 20+16+21*time.Since(d.began).Seconds(),
		"20 a second, after the first 20 and the attempts in progress")
	d.deadReceiver.recover()
	require.Eventually(t, func() bool {
		refused, got := d.deadReceiver.counts()
		return got >= backlog-refused
	}, time.Minute, 20*time.Millisecond)
	// 16 attempts run at the same time. Attempts on open connections overtake one that has to open a connection.
	require.Less(t, maxOvertaking(d.deadReceiver.acceptedAtFirst(), d.backlog), backlog/4)
}

// TestMaxOvertaking is the control: messages out of order are found.
func TestMaxOvertaking(t *testing.T) {
	t.Parallel()
	byAge := []string{"a", "b", "c", "d", "e"}
	for want, arrived := range map[int][]string{0: {"a", "c", "d"}, 1: {"b", "a", "c"}, 4: {"b", "e", "a"},
		3: {"a", "b", "e", "d", "c", "b"}} {
		require.Equal(t, want, maxOvertaking(arrived, byAge))
	}
}

// BenchmarkDeadEndpoint compares the rate of a healthy endpoint with and without a dead endpoint that has a backlog of
// 100,000 messages (ratio). It also reports how fast the dead endpoint catches up after its recovery, and how far
// messages overtake older ones.
func BenchmarkDeadEndpoint(b *testing.B) {
	const backlog, messages = 100_000, 3000
	for b.Loop() {
		alone := newSystem(b, options{workers: noWorkers})
		alone.startWorker()
		receiver := newCountingReceiver(b)
		undisturbed := alone.healthyRate(receiver, alone.addEndpoints(receiver.url, 1)[0], messages)

		d := newDeadEndpointSystem(b, backlog)
		disturbed := d.healthyRate(d.healthyReceiver, d.endpoint, messages)
		d.deadReceiver.recover()
		began := time.Now()
		require.Eventually(b, func() bool {
			refused, got := d.deadReceiver.counts()
			return got >= backlog-refused
		}, 10*time.Minute, 50*time.Millisecond)
		b.ReportMetric(disturbed, "deliveries/s")
		b.ReportMetric(disturbed/undisturbed, "ratio")
		b.ReportMetric(backlog/time.Since(began).Seconds(), "recovered/s")
		b.ReportMetric(float64(maxOvertaking(d.deadReceiver.acceptedAtFirst(), d.backlog)), "displacement")
	}
	b.ReportMetric(0, "ns/op")
}
