package dispatch_test

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
)

// TestTemporalReportsToPrometheus checks that names and labels are those of dashboards for the SDK.
func TestTemporalReportsToPrometheus(t *testing.T) {
	t.Parallel()
	r := prometheus.NewRegistry()
	handler, err := dispatch.NewMetrics(r)
	require.NoError(t, err)
	tagged := handler.WithTags(map[string]string{"operation": "PollWorkflowTaskQueue"})
	tagged.Counter("temporal_request").Inc(2)
	tagged.Timer("temporal_request_latency").Record(20 * time.Millisecond)
	handler.WithTags(map[string]string{"task_queue": dispatch.QueueOrders}).Gauge("temporal_num_pollers").Update(8)

	require.NoError(t, testutil.GatherAndCompare(r, strings.NewReader(`
# HELP temporal_num_pollers 
# TYPE temporal_num_pollers gauge
temporal_num_pollers{task_queue="aliquot-orders"} 8
# HELP temporal_request_total 
# TYPE temporal_request_total counter
temporal_request_total{operation="PollWorkflowTaskQueue"} 2
`), "temporal_num_pollers", "temporal_request_total"))
	families, err := r.Gather()
	require.NoError(t, err)
	var buckets []float64
	for _, family := range families {
		if family.GetName() == "temporal_request_latency_seconds" {
			for _, b := range family.GetMetric()[0].GetHistogram().GetBucket() {
				buckets = append(buckets, b.GetUpperBound())
			}
		}
	}
	require.Contains(t, buckets, .025, "in seconds")
}
