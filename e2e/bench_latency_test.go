package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	sdkworker "go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
)

// The numbers of measurements.
const (
	benchProbes = 40  // orders and bare workflows
	benchFacts  = 480 // facts of the lab: 12 for each order
)

// BenchmarkLatency measures two latencies, in turn with a bare workflow on the same machine. ack-p99-ratio compares the
// response to a lab's webhook with the acknowledgement of a signal. through-p50-ratio compares the time from a lab's
// webhook to the client's webhook with the time until a signal is applied.
func BenchmarkLatency(b *testing.B) {
	benchEngines(b, func(b *testing.B, o func() options) {
		b.Helper()
		s := newSystem(b, o())
		p := s.newBareWorkflows(b)
		ids := make([]string, benchProbes)
		for i := range ids {
			ids[i] = s.placeAndAwait()
			s.awaitWebhooks(ids[i])
		}
		var acks, signals, through, applied []time.Duration
		for i := range benchFacts {
			body := s.shipmentBody(ids[i%benchProbes], i)
			began := time.Now()
			require.Equal(b, http.StatusOK, s.labWebhook(body).Status)
			acks = append(acks, time.Since(began))
			signals = append(signals, p.acknowledgeTime(i))
		}
		for i, id := range ids {
			s.await(func() bool { return s.order(id).Sequence >= 3 }, "order %s is not shipped", id)
			s.awaitWebhooks(id)
			body, sequence := s.receiptBody(id), s.order(id).Sequence+1
			began := time.Now()
			require.Equal(b, http.StatusOK, s.labWebhook(body).Status)
			require.Eventually(b, func() bool { return !s.receiver.forOrder(id)[sequence].At.IsZero() }, timeout,
				time.Millisecond)
			through = append(through, s.receiver.forOrder(id)[sequence].At.Sub(began))
			applied = append(applied, p.applyTime(i))
		}
		report := func(name string, ours, bare []time.Duration, part float64) {
			b.ReportMetric(quantile(ours, part).Seconds()*1000, name+"-ms")
			b.ReportMetric(quantile(bare, part).Seconds()*1000, name+"-bare-ms")
			b.ReportMetric(float64(quantile(ours, part))/float64(quantile(bare, part)), name+"-ratio")
		}
		report("ack-p50", acks, signals, 0.5)
		report("ack-p99", acks, signals, 0.99)
		report("through-p50", through, applied, 0.5)
	})
}

func quantile(all []time.Duration, part float64) time.Duration {
	slices.Sort(all)
	return all[min(int(part*float64(len(all))), len(all)-1)]
}

// shipmentBody is the body of the lab's nth fact that the kit was shipped.
func (s *system) shipmentBody(id string, n int) []byte {
	return s.labFactBody(id, "kit_shipped", "ship_info", map[string]any{
		"outbound": fmt.Sprintf("94001%017d", n), "inbound": "9400100000000000000017", "shipped_datetime": labTime(),
	})
}

// receiptBody is the body of the lab's fact that the kit was received.
func (s *system) receiptBody(id string) []byte {
	return s.labFactBody(id, "kit_received", "rcvd_info", map[string]any{"received_datetime": labTime()})
}

// labTime returns the current time in the lab's format.
func labTime() string { return time.Now().UTC().Format(time.RFC3339Nano) }

func (s *system) labFactBody(id, kind, info string, body map[string]any) []byte {
	s.t.Helper()
	encoded, err := json.Marshal(map[string]any{"order_number": s.labOrderNumber(id), "accession_number": "", "type": kind,
		info: body})
	require.NoError(s.t, err)
	return encoded
}

// bareWorkflows are workflows that apply each signal by a no-op local activity.
type bareWorkflows struct {
	b       *testing.B
	client  client.Client
	name    string
	applied chan time.Time
}

func (s *system) newBareWorkflows(b *testing.B) *bareWorkflows {
	b.Helper()
	p := &bareWorkflows{b: b, client: s.client, name: "probe-" + uuid.NewString(),
		applied: make(chan time.Time, benchFacts+benchProbes)}
	w := sdkworker.New(s.client, p.name, sdkworker.Options{MaxConcurrentWorkflowTaskPollers: 8})
	w.RegisterWorkflowWithOptions(bareWorkflow, workflow.RegisterOptions{Name: "probe"})
	w.RegisterActivityWithOptions(func(context.Context) error { p.applied <- time.Now(); return nil },
		activity.RegisterOptions{Name: "apply"})
	require.NoError(b, w.Start())
	b.Cleanup(w.Stop)
	for i := range benchProbes {
		_, err := s.client.ExecuteWorkflow(b.Context(), client.StartWorkflowOptions{ID: p.id(i), TaskQueue: p.name}, "probe")
		require.NoError(b, err)
	}
	return p
}

func (p *bareWorkflows) id(i int) string { return fmt.Sprintf("%s-%d", p.name, i%benchProbes) }

// acknowledgeTime measures how long Temporal takes to acknowledge a signal.
func (p *bareWorkflows) acknowledgeTime(i int) time.Duration {
	began := time.Now()
	require.NoError(p.b, p.client.SignalWorkflow(p.b.Context(), p.id(i), "", "fact", i))
	took := time.Since(began)
	<-p.applied
	return took
}

// applyTime measures how long a workflow takes to apply a signal.
func (p *bareWorkflows) applyTime(i int) time.Duration {
	began := time.Now()
	require.NoError(p.b, p.client.SignalWorkflow(p.b.Context(), p.id(i), "", "fact", i))
	return (<-p.applied).Sub(began)
}

func bareWorkflow(ctx workflow.Context) error {
	ctx = workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{StartToCloseTimeout: 5 * time.Second})
	for facts := workflow.GetSignalChannel(ctx, "fact"); ; {
		facts.Receive(ctx, nil)
		if err := workflow.ExecuteLocalActivity(ctx, "apply").Get(ctx, nil); err != nil {
			return err
		}
	}
}
