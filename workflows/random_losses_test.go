package workflows_test

import (
	"bytes"
	"context"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/labs/simlab"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

// injectedLoss is what a run does not learn about one of its recordings.
type injectedLoss int

const (
	lostAnswer injectedLoss = iota // that it was made
	lostReport                     // nor that a fact was recorded after it
	lostDemand                     // nor a demand, which is repeated
	lostUpdate                     // nor a demand that is not repeated, so that the run is woken
	behind                         // it knows the recording, and not the fact after it
	lossKinds                      // this and higher numbers: nothing is lost
)

// withEveryCall gives the account all calls that the lab may have.
func withEveryCall(_ *simlab.Config, a *store.LabAccount) {
	a.Settings = bytes.Replace(a.Settings, []byte("{"), []byte(`{"cancel":true,"correct":true,`), 1)
}

// TestRandomTimelinesWithLostRecordings: whichever tasks of an order's run are lost with their workers, the order goes
// on from what is recorded, and every caller gets an answer.
func TestRandomTimelinesWithLostRecordings(t *testing.T) {
	t.Parallel()
	c := newLabHarness(t, withNeutralLab, withEveryCall)
	rapid.Check(t, func(rt *rapid.T) { c.checkRandomLifeWithLosses(rt) })
}

func (c *labHarness) checkRandomLifeWithLosses(t *rapid.T) {
	name := rapid.SampledFrom(slices.Sorted(maps.Keys(orderKinds))).Draw(t, "order")
	scripts := []string{"silent", "silent", "fail-place-7", "refuse-place", "fail-book-3", "fail-book-1000",
		"book-pending"}
	manners := append(slices.Clone(orderKinds[name]), withScript(rapid.SampledFrom(scripts).Draw(t, "script")))
	if rapid.Bool().Draw(t, "scheduled") {
		manners = append(manners, withActivateBy(march(6), time.UTC))
	}
	l := &randomLife{orderHarness: c.newWorld(t, manners...), t: t}
	l.onSettle = l.loseSomeSettlings(rapid.SliceOfN(rapid.IntRange(0, 2*int(lossKinds)), 40, 40).Draw(t, "losses"))
	for range rapid.IntRange(1, 14).Draw(t, "what happens") {
		l.n++
		l.at += rapid.SampledFrom([]time.Duration{0, 0, time.Second, time.Minute, hour, 9 * hour, day, 5 * day,
			40 * day}).Draw(t, "later")
		l.orderHarness.at(l.at, l.drawEvent())
	}
	l.runUntil(l.at + 60*day)
	l.checkLife()
	o := l.order()
	require.Nil(t, o.State.PendingCancellation, "a lab has been asked for 60 days")
	require.Equal(t, o.State.Terminal(), !l.open, "the run of an order that is %s", o.Status)
}

// loseSomeSettlings loses something after each settling, as drawn.
func (l *randomLife) loseSomeSettlings(
	drawn []int,
) func(context.Context, dispatch.SettleInput, settleFunc) (dispatch.SettledOrder, error) {
	var mu sync.Mutex
	n := 0
	return func(ctx context.Context, in dispatch.SettleInput, settle settleFunc) (dispatch.SettledOrder, error) {
		mu.Lock()
		defer mu.Unlock()
		before := l.order().Revision
		out, err := settle(ctx, in)
		if err != nil || out.Agenda.Revision == before || n == len(drawn) {
			return out, err
		}
		what := injectedLoss(drawn[n])
		n++
		l.checkHistory(l.order())
		switch what {
		case lostReport, behind:
			kinds := []order.FactKind{order.FactKitShipped, order.FactKitReceived, order.FactKitRejected, order.FactReportReady,
				order.FactDrawCompleted}
			l.settleFactElsewhere(order.Fact{Kind: kinds[n%len(kinds)], SentAt: l.now(), Accession: "M000412207"})
		case lostDemand, lostUpdate:
			kinds := []order.DemandKind{order.DemandCancel, order.DemandActivate, order.DemandPlace, order.DemandDoNotProcess}
			l.settleDemandElsewhere(kinds[n%len(kinds)], what == lostDemand)
		}
		if what <= lostUpdate {
			return dispatch.SettledOrder{}, errOutage
		}
		return out, nil
	}
}

// settleDemandElsewhere settles a demand as another run of the order would. It is then repeated, or the run is woken.
func (l *randomLife) settleDemandElsewhere(kind order.DemandKind, again bool) {
	ctx := context.Background()
	r := l.newReply()
	d := order.Demand{ID: r.id, Kind: kind, By: lifecycle.Client}
	if kind == order.DemandPlace || kind == order.DemandDoNotProcess {
		d.By = lifecycle.Operations
	}
	require.NoError(l.t, l.store.AddDemand(ctx, store.DemandRow{ID: d.ID, OrderID: l.orderID, Kind: d.Kind, By: d.By,
		Request: d}))
	if state, err := l.store.State(ctx, l.orderID); err == nil && state.CheckDemand(d, l.now()) == "" {
		l.settleElsewhere(order.Cause{Demand: &d})
	}
	if again {
		l.env.UpdateWorkflow(dispatch.UpdateDemand, d.ID, r, d)
		return
	}
	r.Answered = true
	l.env.SignalWorkflow(dispatch.SignalWake, nil)
}
