package api

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/order"
)

func TestAMetricForEveryAttentionReason(t *testing.T) {
	t.Parallel()
	m := newAttentionMetric(func(context.Context) (map[string]int, error) { return map[string]int{"visit_overdue": 3}, nil })
	r := prometheus.NewRegistry()
	require.NoError(t, r.Register(m))
	require.Equal(t, len(order.AllAttentionReasons()), testutil.CollectAndCount(m))
	families, err := r.Gather()
	require.NoError(t, err)
	require.Len(t, families, 1)
	for _, metric := range families[0].GetMetric() {
		want := 0.0
		if metric.GetLabel()[0].GetValue() == "visit_overdue" {
			want = 3
		}
		require.Equal(t, want, metric.GetGauge().GetValue())
	}
	problems, err := testutil.CollectAndLint(m)
	require.NoError(t, err)
	require.Empty(t, problems)
}

func TestAttentionThatCannotBeCounted(t *testing.T) {
	t.Parallel()
	m := newAttentionMetric(func(context.Context) (map[string]int, error) { return nil, errors.New("away") })
	err := testutil.CollectAndCompare(m, strings.NewReader(""))
	require.ErrorContains(t, err, "away")
}
