package e2e

import (
	"context"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/store"
)

// longestStall is how long the deliveries of an endpoint may stand still after kill -9 of their worker: until the lease
// of the batch expires, at most 17 s, and a little for the next batch.
const longestStall = 20 * time.Second

// limitRate gives the endpoint a rate limit.
func (k *workerKillSystem) limitRate(perSecond int) {
	k.t.Helper()
	_, err := k.store.ChangeEndpoint(context.Background(), k.endpoint, func(e *store.Endpoint) { e.RateLimit = perSecond })
	require.NoError(k.t, err)
}

// awaitMoreRequests waits until the receiver has got more than n requests.
func (k *workerKillSystem) awaitMoreRequests(n int) {
	k.t.Helper()
	require.Eventually(k.t, func() bool { return k.receiver.count() > n }, 2*timeout, 10*time.Millisecond,
		"no message after request %d", n)
}

// TestTheStallAfterAWorkerWasKilled measures how long an endpoint gets nothing after kill -9 of the worker that
// delivers to it, while another worker runs. The lease of the dead batch does not make it much longer than Temporal
// takes to notice the death.
func TestTheStallAfterAWorkerWasKilled(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, o options) {
		k := newWorkerKillSystem(t, o, buildAliquot(t))
		k.limitRate(10)
		k.startWorker(1_000)
		for range 2 {
			k.awaitMoreRequests(k.receiver.count() + 5)
			next := k.startProcess(k.binary)
			k.awaitMoreRequests(k.receiver.count() + 20) // the next worker polls by then
			k.worker.kill(t)
			killed, before := time.Now(), k.receiver.count()
			k.awaitMoreRequests(before)
			stall := time.Since(killed)
			t.Logf("no delivery for %v", stall.Round(10*time.Millisecond))
			require.Less(t, stall, longestStall)
			k.worker = next
		}
	})
}

// TestAWorkerThatStandsStill stops a worker's process between two messages for longer than its lease, and lets it go on
// while another worker delivers. Every message arrives once: the first worker finds that it has lost its lease, or
// learns from Temporal that its batch was replaced.
func TestAWorkerThatStandsStill(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, o options) {
		k := newWorkerKillSystem(t, o, buildAliquot(t))
		k.limitRate(1)
		k.startWorker(12)
		stopped := k.stopBetweenMessages(k.worker)
		k.startProcess(k.binary)
		k.awaitMoreRequests(stopped + 1)
		require.NoError(t, k.worker.cmd.Process.Signal(syscall.SIGCONT))
		require.Eventually(t, func() bool { return len(k.delivered()) == len(k.messages) }, 2*timeout, 50*time.Millisecond,
			"not every message is delivered")
		require.Empty(t, k.observe().discrepancies())
		require.Equal(t, len(k.messages), k.receiver.count())
	})
}

// stopBetweenMessages stops the process while all messages that it has posted are recorded. It returns their number.
func (k *workerKillSystem) stopBetweenMessages(p *process) int {
	k.t.Helper()
	for {
		k.awaitMoreRequests(k.receiver.count())
		sent := k.receiver.count()
		k.await(func() bool { return len(k.delivered()) == sent }, "message %d is not recorded", sent)
		require.NoError(k.t, p.cmd.Process.Signal(syscall.SIGSTOP))
		if n := k.receiver.count(); n == len(k.delivered()) {
			require.Less(k.t, n, len(k.messages)/2, "too few are left")
			return n
		}
		require.NoError(k.t, p.cmd.Process.Signal(syscall.SIGCONT))
	}
}
