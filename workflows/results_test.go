package workflows_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

const completed, corrected = lifecycle.Completed, lifecycle.Corrected

const otherResults = `{"observations":[{"test_name":"Cholesterol","result":"Detected","result_value":"190",
	"assay_datetime":"2054-03-12T10:00:00Z","units":"mg/dL","reference_range":"100-200","loinc":"2093-3"}]}`

// recordedAt returns when the newest event was recorded, after day0.
func (w *orderHarness) recordedAt() time.Duration {
	events := w.order().Events
	return events[len(events)-1].RecordedAt.Sub(day0)
}

// TestFetchingSchedule: attempts 0, 1, 5, 15 and 60 minutes after the announcement, then hourly for a day.
func TestFetchingSchedule(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		results  time.Duration // after the announcement
		attempts int
		at       time.Duration
	}{
		"there before the announcement": {-hour, 1, 0},
		"a little late":                 {30 * time.Second, 2, time.Minute},
		"a quarter of an hour":          {14 * time.Minute, 4, 15 * time.Minute},
		"sixteen minutes":               {16 * time.Minute, 5, hour},
		"three and a half hours":        {3*hour + 30*time.Minute, 8, 4 * hour},
		"the last attempt":              {24*hour + time.Minute, 29, 25 * hour},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.factAt(8*day, order.FactKitReceived)
			w.factAt(9*day, order.FactReportReady)
			w.resultsAt(9*day+test.results, `{}`)
			w.run()
			require.Equal(t, []lifecycle.LowStatus{ordered, created, received, completed}, w.statusHistory())
			require.Equal(t, (9*day + test.at).String(), w.recordedAt().String())
			require.Equal(t, day0.Add(9*day), w.order().Events[3].OccurredAt, "the order was done when its report was")
			require.Len(t, w.labCalls("Results"), test.attempts)
			require.Empty(t, w.attention())
		})
	}
}

func TestResultsThatNeverCome(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.factAt(9*day, order.FactReportReady)
	w.at(12*day, func() {
		w.requireMarkSince(10*day+hour, order.AttentionResultsUnfetched)
		require.Len(t, w.labCalls("Results"), 29)
		require.Equal(t, []lifecycle.LowStatus{ordered, created}, w.statusHistory(),
			"an announcement without results proves nothing to the client")
	})
	w.resultsAt(12*day+hour, `{}`)
	w.factAt(12*day+2*hour, order.FactReportReady)
	w.run()
	require.Equal(t, []lifecycle.LowStatus{ordered, created, received, completed}, w.statusHistory())
	require.Empty(t, w.attention())
}

// TestReportWithoutObservations: a lab report without observations counts as none yet.
func TestReportWithoutObservations(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.resultsAt(8*day, `{"observations":[]}`)
	w.factAt(9*day, order.FactReportReady)
	w.resultsAt(9*day+10*time.Minute, `{}`)
	w.run()
	require.Equal(t, completed, w.order().Status)
	require.Equal(t, (9*day + 15*time.Minute).String(), w.recordedAt().String())
}

// TestNewerAnnouncement: an announcement while an older one is being fetched restarts the schedule.
func TestNewerAnnouncement(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.factAt(9*day, order.FactReportReady)
	w.factAt(9*day+2*hour+30*time.Minute, order.FactReportReady)
	w.resultsAt(9*day+2*hour+34*time.Minute, `{}`)
	w.run()
	require.Equal(t, (9*day + 2*hour + 35*time.Minute).String(), w.recordedAt().String())
	require.Equal(t, day0.Add(9*day+2*hour+30*time.Minute), w.order().Events[3].OccurredAt)
	require.Equal(t, completed, w.order().Status)
}

func TestAfterCompletion(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		happen  func(w *orderHarness)
		then    []lifecycle.LowStatus
		version int
		fetches int
	}{
		"corrected": {func(w *orderHarness) {
			w.resultsAt(12*day, otherResults)
			w.factAt(13*day, order.FactReportReady)
		}, []lifecycle.LowStatus{corrected}, 2, 2},
		"announced again, the same": {func(w *orderHarness) { w.factAt(13*day, order.FactReportReady) }, nil, 1, 2},
		"corrected twice": {func(w *orderHarness) {
			w.resultsAt(12*day, otherResults)
			w.factAt(13*day, order.FactReportReady)
			w.resultsAt(14*day, `{}`)
			w.factAt(15*day, order.FactReportReady)
		}, []lifecycle.LowStatus{corrected, corrected}, 3, 3},
		"the correction takes its time": {func(w *orderHarness) {
			w.factAt(13*day, order.FactReportReady)
			w.factAt(13*day+time.Minute, order.FactReportReady)
			w.resultsAt(13*day+2*time.Minute, otherResults)
			w.factAt(13*day+3*time.Minute, order.FactReportReady)
		}, []lifecycle.LowStatus{corrected}, 2, 4},
		"an older announcement": {func(w *orderHarness) {
			w.resultsAt(12*day, otherResults)
			w.factAt(13*day, order.FactReportReady, withSentAt(9*day))
		}, nil, 1, 1},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.resultsAt(9*day, `{}`)
			w.factAt(10*day, order.FactReportReady)
			test.happen(w)
			w.run()
			require.Equal(t, append([]lifecycle.LowStatus{ordered, created, received, completed}, test.then...),
				w.statusHistory())
			require.Equal(t, test.version, w.order().Results.Version)
			require.Len(t, w.labCalls("Results"), test.fetches)
			require.Empty(t, w.attention())
			require.Greater(t, w.runs, 1, "a correction is a new run")
		})
	}
}

// TestFactsAfterCompletion: facts about a completed order are late, or raise contradictory_fact.
func TestFactsAfterCompletion(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		kind      order.FactKind
		edit      []func(*order.Fact)
		fate      string
		attention []order.AttentionReason
	}{
		"an old notice": {order.FactKitReceived, []func(*order.Fact){withSentAt(8 * day)}, "kit_received: late",
			[]order.AttentionReason{}},
		"the parcel's way": {order.FactKitShipped, []func(*order.Fact){withSentAt(day)}, "kit_shipped: late",
			[]order.AttentionReason{}},
		"rejected finally": {order.FactKitRejected, []func(*order.Fact){withRecoverable(false)},
			"kit_rejected: refused", []order.AttentionReason{order.AttentionContradictoryFact}},
		"rejected, recoverable": {order.FactKitRejected, []func(*order.Fact){withRecoverable(true)}, "kit_rejected: refused",
			[]order.AttentionReason{order.AttentionContradictoryFact}},
		"received, says the lab": {order.FactKitReceived, nil, "kit_received: refused",
			[]order.AttentionReason{order.AttentionContradictoryFact}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.resultsAt(9*day, `{}`)
			w.factAt(10*day, order.FactReportReady)
			w.factAt(12*day, test.kind, test.edit...)
			w.run()
			require.Equal(t, []lifecycle.LowStatus{ordered, created, received, completed}, w.statusHistory())
			require.Equal(t, []string{"report_ready: applied", test.fate}, w.factOutcomes())
			require.Equal(t, test.attention, w.attention())
		})
	}
}

// TestReportOnAnOrderThatEndedOtherwise: the results are stored, and not shown.
func TestReportOnAnOrderThatEndedOtherwise(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		end  func(w *orderHarness)
		last lifecycle.LowStatus
	}{
		"failed": {func(w *orderHarness) { w.factAt(9*day, order.FactKitRejected, withRecoverable(false)) },
			lifecycle.SampleError},
		"cancelled": {func(w *orderHarness) { w.demandAt(hour, cancelDemand()) }, lifecycle.Cancelled},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			test.end(w)
			w.resultsAt(10*day, `{}`)
			w.factAt(11*day, order.FactReportReady)
			w.run()
			o := w.order()
			require.Equal(t, test.last, o.Status)
			require.Nil(t, o.Results)
			require.Equal(t, 1, o.State.Fetch.StoredVersions, "the report is stored")
			require.Len(t, w.labCalls("Results"), 1)
			_, err := w.store.NewestResult(context.Background(), o.TeamID, o.ID)
			require.ErrorIs(t, err, store.ErrNotFound, "and not shown")
			w.requireMarkSince(11*day, order.AttentionResultAfterEnd)
		})
	}
}
