package store

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

func TestAReplacementIsANewOrderInTheTransaction(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		forward := stopClock(s)
		team := addTeam(t, s).ID
		endpoint := addEndpoint(t, s, team)
		o := addOrderOf(t, s, team, func(o *order.Order) {
			o.Registrable, o.Registered = true, true
			o.ActivateBy = &order.Date{Year: 2020, Month: time.May, Day: 4}
		})
		applyRequisitionTaken(t, s, o.ID, "A1")
		forward(time.Hour)
		moveTo(t, s, o.ID, lifecycle.Lost)
		require.Equal(t, order.TransactionCompleted, getOrder(t, s, o.ID).Transaction.Status)
		forward(time.Hour)

		out := demand(t, s, o.ID, order.Demand{Kind: order.DemandReplace}, nil)
		require.Equal(t, order.OutcomeApplied, out.Outcome)
		require.NotEmpty(t, out.ReplacementID)
		require.Equal(t, []string{endpoint}, out.EndpointsToNudge)

		parent, child := getOrder(t, s, o.ID), getOrder(t, s, out.ReplacementID)
		require.Equal(t, order.TransactionActive, parent.Transaction.Status, "reopened")
		require.Equal(t, parent.Transaction, child.Transaction)
		require.Equal(t, []string{o.ID, child.ID}, []string{parent.Transaction.Orders[0].ID, parent.Transaction.Orders[1].ID})
		require.Equal(t, o.ID, parent.Transaction.Orders[1].ParentID)
		require.True(t, parent.State.Replaced)

		want := *parent
		want.ID, want.Number, want.ModalityPartID = child.ID, child.Number, child.ModalityPartID
		want.ParentID, want.Origin, want.ReplacementDepth = o.ID, order.OriginRecreation, 1
		want.Registrable, want.Registered = false, false
		want.Status, want.Accession, want.SampleID, want.ActivateBy = lifecycle.Ordered, "", "", nil
		want.Sequence, want.Revision, want.CreatedAt, want.UpdatedAt = 1, 1, s.now(), s.now()
		want.Events = []order.Event{{
			Sequence: 1, Status: "received.testkit.ordered", Cause: "parent:" + o.ID, OccurredAt: s.now(), RecordedAt: s.now(),
		}}
		want.State = child.State
		require.Equal(t, &want, child)
		require.NotEqual(t, o.Number, child.Number)
		require.NotEqual(t, o.ModalityPartID, child.ModalityPartID)
		require.Equal(t, o.State.Policy, child.State.Policy)
		require.Equal(t, order.PlacementStarted, child.State.Placement.State, "it is placed at once")
		require.ElementsMatch(t, []string{o.ID, child.ID}, ordersFoundBy(t, s, searchFullName, "ada lovelace"))
		require.Len(t, dueBodies(t, s, endpoint, child.ID), 1)

		refused := demand(t, s, o.ID, order.Demand{Kind: order.DemandReplace}, nil)
		require.Equal(t, order.ReasonAlreadyReplaced, refused.Reason)
	})
}

func TestAnUnregisteredKitIsReplacedByARegistrable(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		o := addOrder(t, s, func(o *order.Order) { o.Registrable, o.Patient, o.Address = true, nil, nil })
		out, err := recordUntil(t, s, order.Recording{OrderID: o.ID, Cause: "timer:lost:1"},
			func(st order.State) order.Decision {
				d := decisionWithSteps(st, s.now(), lifecycle.Lost)
				d.CreateReplacement = true
				return d
			})
		require.NoError(t, err)
		child := getOrder(t, s, out.ReplacementID)
		require.Equal(t, []bool{true, false}, []bool{child.Registrable, child.Registered})
		require.Nil(t, child.Patient)
	})
}

// There is one replacement, however often and by however many processes it is requested.
func TestAnOrderIsReplacedOnce(t *testing.T) {
	t.Parallel()
	forEachEngineShared(t, func(t *testing.T, open func() *Store) {
		stores := []*Store{open(), open()}
		o := addOrder(t, stores[0])
		moveTo(t, stores[0], o.ID, lifecycle.SampleError)
		children := make([]string, 8)
		var g errgroup.Group
		for i := range children {
			s := stores[i%2]
			g.Go(func() error {
				// The decision does not know of the existing replacement.
				out, err := recordUntil(t, s, order.Recording{OrderID: o.ID, Cause: order.CauseDemand(sqldb.NewID())},
					func(st order.State) order.Decision {
						return order.Decision{Outcome: order.OutcomeApplied, From: st.Status, Next: st, CreateReplacement: true}
					})
				children[i] = out.ReplacementID
				return err
			})
		}
		require.NoError(t, g.Wait())
		for _, id := range children {
			require.Equal(t, children[0], id)
		}
		require.Len(t, getOrder(t, stores[0], o.ID).Transaction.Orders, 2)
		require.Len(t, getOrder(t, stores[0], children[0]).Events, 1)

		// Of concurrent recordings at one revision, one succeeds.
		st := state(t, stores[0], o.ID)
		errs := make([]error, 4)
		for i := range errs {
			g.Go(func() error {
				d := order.Decision{Outcome: order.OutcomeApplied, From: st.Status, Next: st, CreateReplacement: true}
				_, errs[i] = stores[i%2].Record(t.Context(), order.Recording{OrderID: o.ID, Revision: st.Revision,
					Cause: order.CauseDemand(sqldb.NewID()), Decision: d})
				return nil
			})
		}
		require.NoError(t, g.Wait())
		recorded := 0
		for _, err := range errs {
			if err == nil {
				recorded++
			} else {
				require.ErrorIs(t, err, ErrStale)
			}
		}
		require.Equal(t, 1, recorded)
	})
}
