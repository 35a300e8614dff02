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

// recordedAt is when the newest event was recorded, after day0.
func (w *world) recordedAt() time.Duration {
	events := w.order().Events
	return events[len(events)-1].RecordedAt.Sub(day0)
}

// Attempts are made 0, 1, 5, 15 and 60 minutes after the announcement, then hourly for a day.
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
			w.fact(8*day, order.KitReceived)
			w.fact(9*day, order.ReportReady)
			w.results(9*day+test.results, `{}`)
			w.run()
			require.Equal(t, []lifecycle.Low{ordered, created, received, completed}, w.history())
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
	w.fact(9*day, order.ReportReady)
	w.at(12*day, func() {
		w.requireSince(10*day+hour, order.ResultsUnfetched)
		require.Len(t, w.labCalls("Results"), 29)
		require.Equal(t, []lifecycle.Low{ordered, created}, w.history(), "an announcement without results proves nothing to the client")
	})
	w.results(12*day+hour, `{}`)
	w.fact(12*day+2*hour, order.ReportReady)
	w.run()
	require.Equal(t, []lifecycle.Low{ordered, created, received, completed}, w.history())
	require.Empty(t, w.attention())
}

// A report without observations is none yet.
func TestReportWithoutObservations(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.results(8*day, `{"observations":[]}`)
	w.fact(9*day, order.ReportReady)
	w.results(9*day+10*time.Minute, `{}`)
	w.run()
	require.Equal(t, completed, w.order().Status)
	require.Equal(t, (9*day + 15*time.Minute).String(), w.recordedAt().String())
}

// A report that is announced while an older one is still to be fetched begins the schedule anew.
func TestNewerAnnouncement(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fact(9*day, order.ReportReady)
	w.fact(9*day+2*hour+30*time.Minute, order.ReportReady)
	w.results(9*day+2*hour+34*time.Minute, `{}`)
	w.run()
	require.Equal(t, (9*day + 2*hour + 35*time.Minute).String(), w.recordedAt().String())
	require.Equal(t, day0.Add(9*day+2*hour+30*time.Minute), w.order().Events[3].OccurredAt)
	require.Equal(t, completed, w.order().Status)
}

func TestAfterCompletion(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		happen  func(w *world)
		then    []lifecycle.Low
		version int
		fetches int
	}{
		"corrected": {func(w *world) {
			w.results(12*day, otherResults)
			w.fact(13*day, order.ReportReady)
		}, []lifecycle.Low{corrected}, 2, 2},
		"announced again, the same": {func(w *world) { w.fact(13*day, order.ReportReady) }, nil, 1, 2},
		"corrected twice": {func(w *world) {
			w.results(12*day, otherResults)
			w.fact(13*day, order.ReportReady)
			w.results(14*day, `{}`)
			w.fact(15*day, order.ReportReady)
		}, []lifecycle.Low{corrected, corrected}, 3, 3},
		"the correction takes its time": {func(w *world) {
			w.fact(13*day, order.ReportReady)
			w.fact(13*day+time.Minute, order.ReportReady)
			w.results(13*day+2*time.Minute, otherResults)
			w.fact(13*day+3*time.Minute, order.ReportReady)
		}, []lifecycle.Low{corrected}, 2, 4},
		"an older announcement": {func(w *world) {
			w.results(12*day, otherResults)
			w.fact(13*day, order.ReportReady, sentAt(9*day))
		}, nil, 1, 1},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.results(9*day, `{}`)
			w.fact(10*day, order.ReportReady)
			test.happen(w)
			w.run()
			require.Equal(t, append([]lifecycle.Low{ordered, created, received, completed}, test.then...), w.history())
			require.Equal(t, test.version, w.order().Results.Version)
			require.Len(t, w.labCalls("Results"), test.fetches)
			require.Empty(t, w.attention())
			require.Greater(t, w.runs, 1, "a correction is a new run")
		})
	}
}

// What the lab says about a kit whose order is done is history, or a contradiction.
func TestFactsAfterCompletion(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		kind      order.FactKind
		edit      []func(*order.Fact)
		fate      string
		attention []order.AttentionReason
	}{
		"an old notice":          {order.KitReceived, []func(*order.Fact){sentAt(8 * day)}, "kit_received: late", []order.AttentionReason{}},
		"the parcel's way":       {order.KitShipped, []func(*order.Fact){sentAt(day)}, "kit_shipped: late", []order.AttentionReason{}},
		"rejected for good":      {order.KitRejected, []func(*order.Fact){recoverable(false)}, "kit_rejected: refused", []order.AttentionReason{order.ContradictoryFact}},
		"rejected, recoverable":  {order.KitRejected, []func(*order.Fact){recoverable(true)}, "kit_rejected: refused", []order.AttentionReason{order.ContradictoryFact}},
		"received, says the lab": {order.KitReceived, nil, "kit_received: refused", []order.AttentionReason{order.ContradictoryFact}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.results(9*day, `{}`)
			w.fact(10*day, order.ReportReady)
			w.fact(12*day, test.kind, test.edit...)
			w.run()
			require.Equal(t, []lifecycle.Low{ordered, created, received, completed}, w.history())
			require.Equal(t, []string{"report_ready: applied", test.fate}, w.fates())
			require.Equal(t, test.attention, w.attention())
		})
	}
}

// Results for an order that ended otherwise are stored, and not shown.
func TestReportOnAnOrderThatEndedOtherwise(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		end  func(w *world)
		last lifecycle.Low
	}{
		"failed":    {func(w *world) { w.fact(9*day, order.KitRejected, recoverable(false)) }, lifecycle.SampleError},
		"cancelled": {func(w *world) { w.demand(hour, cancel()) }, lifecycle.Cancelled},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			test.end(w)
			w.results(10*day, `{}`)
			w.fact(11*day, order.ReportReady)
			w.run()
			o := w.order()
			require.Equal(t, test.last, o.Status)
			require.Nil(t, o.Results)
			require.Equal(t, 1, o.State.Fetch.Versions, "the report is stored")
			require.Len(t, w.labCalls("Results"), 1)
			_, err := w.store.NewestResult(context.Background(), o.TeamID, o.ID)
			require.ErrorIs(t, err, store.ErrNotFound, "and not shown")
			w.requireSince(11*day, order.ResultAfterEnd)
		})
	}
}
