package api

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

// newTestMetric returns a metric whose reading has a value for everything, and a function that moves its clock.
func newTestMetric(t *testing.T) (m *openWorkMetric, readings *int, clock *time.Time) {
	t.Helper()
	at, n := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC), 0
	m = newOpenWorkMetric(func(_ context.Context, now time.Time) (store.OpenWork, error) {
		n++
		return store.OpenWork{
			UnfinishedOrders:  map[lifecycle.Status]int{"received.testkit.ordered": 4},
			AttentionMarks:    map[string]int{"visit_overdue": 3},
			InboxItems:        map[string]int{store.InboxReceived: 2},
			OldestInboxItemAt: now.Add(-time.Minute),
			DeliveryLag:       store.DeliveryLag{Pending: 7, OldestDueAt: now.Add(-2 * time.Minute)},
			Partitions:        store.PartitionState{Ahead: 4, StrayRows: 2},
			CourierRefusals:   []store.CourierRefusal{{Service: "easypost", Since: now.Add(-time.Hour), Status: 401}},
		}, nil
	}, func() time.Time { return at })
	return m, &n, &at
}

func TestOpenWorkMetric(t *testing.T) {
	t.Parallel()
	m, _, _ := newTestMetric(t)
	require.NoError(t, testutil.CollectAndCompare(m, strings.NewReader(`
# HELP aliquot_audit_unsealed_seconds Seconds since the oldest audit row was added that is not sealed yet.
# TYPE aliquot_audit_unsealed_seconds gauge
aliquot_audit_unsealed_seconds 0
# HELP aliquot_courier_account_refused_seconds Seconds since a tracking service has refused our account, or 0.
# TYPE aliquot_courier_account_refused_seconds gauge
aliquot_courier_account_refused_seconds 3600
# HELP aliquot_deliveries_behind_seconds Seconds since the longest overdue webhook delivery was due.
# TYPE aliquot_deliveries_behind_seconds gauge
aliquot_deliveries_behind_seconds 120
# HELP aliquot_deliveries_pending Webhook deliveries that have not succeeded and are still attempted.
# TYPE aliquot_deliveries_pending gauge
aliquot_deliveries_pending 7
# HELP aliquot_inbox_waiting_seconds Seconds that the oldest unprocessed inbox item has waited for its order.
# TYPE aliquot_inbox_waiting_seconds gauge
aliquot_inbox_waiting_seconds 60
# HELP aliquot_partition_stray_rows Rows outside of the partitions of their times, counted up to 1000 of each table.
# TYPE aliquot_partition_stray_rows gauge
aliquot_partition_stray_rows 2
# HELP aliquot_partitions_ahead Partitions after the present one, of the table of the database that has the fewest.
# TYPE aliquot_partitions_ahead gauge
aliquot_partitions_ahead 4
`), "aliquot_audit_unsealed_seconds", "aliquot_courier_account_refused_seconds",
		"aliquot_deliveries_behind_seconds", "aliquot_deliveries_pending",
		"aliquot_inbox_waiting_seconds", "aliquot_partition_stray_rows", "aliquot_partitions_ahead"))
	require.Equal(t, len(lifecycle.Statuses()), testutil.CollectAndCount(m, "aliquot_orders_open"))
	require.Equal(t, len(store.UnprocessedInboxStates()), testutil.CollectAndCount(m, "aliquot_inbox_waiting"))
	problems, err := testutil.CollectAndLint(m)
	require.NoError(t, err)
	require.Empty(t, problems)
}

func TestAMetricForEveryAttentionReason(t *testing.T) {
	t.Parallel()
	m, _, _ := newTestMetric(t)
	r := prometheus.NewRegistry()
	require.NoError(t, r.Register(m))
	require.Equal(t, len(order.AllAttentionReasons()), testutil.CollectAndCount(m, "aliquot_orders_attention"))
	families, err := r.Gather()
	require.NoError(t, err)
	for _, family := range families {
		if family.GetName() != "aliquot_orders_attention" {
			continue
		}
		for _, metric := range family.GetMetric() {
			want := 0.0
			if metric.GetLabel()[0].GetValue() == "visit_overdue" {
				want = 3
			}
			require.Equal(t, want, metric.GetGauge().GetValue())
		}
	}
}

// Frequent scrapes share one reading of the store; waiting times still increase between readings.
func TestAFreshReadingIsReused(t *testing.T) {
	t.Parallel()
	m, readings, clock := newTestMetric(t)
	behind := func() float64 {
		r := prometheus.NewPedanticRegistry()
		require.NoError(t, r.Register(m))
		families, err := r.Gather()
		require.NoError(t, err)
		for _, family := range families {
			if family.GetName() == "aliquot_deliveries_behind_seconds" {
				return family.GetMetric()[0].GetGauge().GetValue()
			}
		}
		return 0
	}
	require.Equal(t, 120.0, behind())
	*clock = clock.Add(openWorkMaxAge - time.Second)
	require.Equal(t, 134.0, behind())
	require.Equal(t, 1, *readings)
	*clock = clock.Add(time.Second)
	require.Equal(t, 120.0, behind())
	require.Equal(t, 2, *readings)
}

func TestAFailedReadingIsAnError(t *testing.T) {
	t.Parallel()
	m := newOpenWorkMetric(func(context.Context, time.Time) (store.OpenWork, error) {
		return store.OpenWork{}, errors.New("away")
	}, time.Now)
	err := testutil.CollectAndCompare(m, strings.NewReader(""))
	require.ErrorContains(t, err, "away")
}
