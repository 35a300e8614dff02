package store

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/aliquot-labs/aliquot/internal/junction"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store/sqldb"
	"github.com/aliquot-labs/aliquot/webhooks"
)

func TestRecordAdvancesTheOrder(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		forward := stopClock(s)
		o := addOrder(t, s)
		created := s.now()
		forward(time.Hour)
		applyRequisitionTaken(t, s, o.ID, "A1")
		requested := s.now()

		got := getOrder(t, s, o.ID)
		require.Equal(t, lifecycle.RequisitionCreated, got.Status)
		require.Equal(t, []int64{2, 2}, []int64{got.Sequence, got.Revision})
		require.Equal(t, "A1", got.Accession)
		require.Equal(t, "A1", got.SampleID, "the sample id is the lab's number")
		require.Equal(t, requested, got.UpdatedAt)
		require.Equal(t, created, got.CreatedAt)
		require.Equal(t, order.Event{
			Sequence: 2, Status: "received.testkit.requisition_created", Cause: "call:place-" + o.ID, OccurredAt: requested,
			RecordedAt: requested,
		}, got.Events[1])
		require.Equal(t, requested, got.Transaction.Orders[0].StatusAt)

		forward(time.Hour)
		_, err := recordUntil(t, s, order.Recording{OrderID: o.ID, Cause: order.CauseCall("tracked")},
			func(st order.State) order.Decision { return st.ApplyTrackersCreated(time.Time{}, s.now()) })
		require.NoError(t, err)
		got = getOrder(t, s, o.ID)
		require.Equal(t, []int64{2, 3}, []int64{got.Sequence, got.Revision})
		require.Equal(t, requested, got.UpdatedAt, "nothing changed that the client sees")

		// The workflow loads the state that was recorded.
		st := state(t, s, o.ID)
		require.Equal(t, []int64{2, 3}, []int64{st.Sequence, st.Revision})
		require.Equal(t, order.PlacementDone, st.Placement.State)
		require.Equal(t, st, got.State)
		_, err = s.State(t.Context(), sqldb.NewID())
		require.ErrorIs(t, err, ErrNotFound)
	})
}

func TestRecordComparesTheRevision(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		o := addOrder(t, s)
		addEndpoint(t, s, o.TeamID)
		st := state(t, s, o.ID)
		moveTo(t, s, o.ID, lifecycle.RequisitionCreated)
		before := rowCounts(t, s)
		for _, revision := range []int64{st.Revision, st.Revision + 5} {
			_, err := s.Record(t.Context(), order.Recording{
				OrderID: o.ID, Revision: revision, Cause: order.CauseCall(sqldb.NewID()),
				Decision: decisionWithSteps(st, s.now(), lifecycle.Cancelled),
			})
			require.ErrorIs(t, err, ErrStale)
		}
		require.Equal(t, before, rowCounts(t, s))
		require.Equal(t, lifecycle.RequisitionCreated, getOrder(t, s, o.ID).Status)
		_, err := s.Record(t.Context(), order.Recording{OrderID: sqldb.NewID(), Cause: "c",
			Decision: decisionWithSteps(st, s.now(), lifecycle.Cancelled)})
		require.ErrorIs(t, err, ErrNotFound)
	})
}

func TestACauseIsRecordedOnce(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		o := addOrder(t, s)
		addEndpoint(t, s, o.TeamID)
		st := state(t, s, o.ID)
		r := order.Recording{OrderID: o.ID, Revision: st.Revision, Cause: "call:once",
			Decision: decisionWithSteps(st, s.now(), lifecycle.RequisitionCreated)}
		r.Decision.Reason = order.ReasonRepeated
		first, err := s.Record(t.Context(), r)
		require.NoError(t, err)
		require.False(t, first.Duplicate)
		moveTo(t, s, o.ID, lifecycle.TransitCustomer)
		before := rowCounts(t, s)

		want := first.RecordingResult
		want.Duplicate = true
		// The cause is recorded again, with the same revision and with the revision of a run that has loaded the order since.
		for _, revision := range []int64{st.Revision, st.Revision + 2} {
			r.Revision = revision
			again, err := s.Record(t.Context(), r)
			require.NoError(t, err)
			require.Equal(t, want, again.RecordingResult)
		}
		require.Equal(t, before, rowCounts(t, s))
	})
}

// Twenty causes are recorded concurrently by three processes.
func TestConcurrentRecordingsLeaveNoGap(t *testing.T) {
	t.Parallel()
	const causes = 20
	forEachEngineShared(t, func(t *testing.T, open func() *Store) {
		stores := []*Store{open(), open(), open()}
		o := addOrder(t, stores[0])
		endpoint := addEndpoint(t, stores[0], o.TeamID)
		var stale atomic.Int64
		var g errgroup.Group
		for i := range causes {
			s := stores[i%len(stores)]
			g.Go(func() error {
				cause := order.CauseCall(sqldb.NewID())
				for {
					st, err := s.State(t.Context(), o.ID)
					if err != nil {
						return err
					}
					r := order.Recording{OrderID: o.ID, Revision: st.Revision, Cause: cause,
						Decision: decisionWithSteps(st, s.now(), lifecycle.TransitCustomer)}
					out, err := s.Record(t.Context(), r)
					if errors.Is(err, ErrStale) {
						stale.Add(1)
						continue
					}
					if err == nil && out.Duplicate {
						return errors.New("a first recording was answered as a repeated one")
					}
					return err
				}
			})
		}
		require.NoError(t, g.Wait())
		t.Logf("%d recordings were stale and decided again", stale.Load())

		got := getOrder(t, stores[0], o.ID)
		require.Equal(t, []int64{1 + causes, 1 + causes}, []int64{got.Sequence, got.Revision})
		require.Len(t, got.Events, 1+causes)
		seen := map[string]bool{}
		for i, e := range got.Events {
			require.Equal(t, int64(i+1), e.Sequence)
			require.False(t, seen[e.Cause])
			seen[e.Cause] = true
		}
		require.Len(t, dueMessages(t, stores[0], endpoint), causes, "one message per event")
	})
}

func TestTheSameCauseAtOnceIsRecordedOnce(t *testing.T) {
	t.Parallel()
	forEachEngineShared(t, func(t *testing.T, open func() *Store) {
		stores := []*Store{open(), open(), open()}
		o := addOrder(t, stores[0])
		st := state(t, stores[0], o.ID)
		r := order.Recording{OrderID: o.ID, Revision: st.Revision, Cause: "timer:x:1",
			Decision: decisionWithSteps(st, st.CreatedAt, lifecycle.RequisitionCreated)}
		out := make([]RecordResult, 12)
		var g errgroup.Group
		for i := range out {
			g.Go(func() (err error) {
				out[i], err = stores[i%len(stores)].Record(t.Context(), r)
				return err
			})
		}
		require.NoError(t, g.Wait())
		firsts := 0
		for _, got := range out {
			if !got.Duplicate {
				firsts++
			}
			require.Equal(t, []int64{2, 2}, []int64{got.Revision, got.Sequence})
			require.Equal(t, order.OutcomeApplied, got.Outcome)
		}
		require.Equal(t, 1, firsts)
		require.Len(t, getOrder(t, stores[0], o.ID).Events, 2)
	})
}

// Each change makes the recording fail at another point of its transaction, most of them late.
func TestAFailingRecordingLeavesNothing(t *testing.T) {
	t.Parallel()
	boom := errors.New("boom")
	forEachEngine(t, func(t *testing.T, s *Store) {
		o := addOrder(t, s)
		addEndpoint(t, s, o.TeamID)
		applyRequisitionTaken(t, s, o.ID, "A1")
		in := receiveFact(t, s, o.Number, order.Fact{Kind: order.FactKitShipped, OutboundNumber: "9400100000000000000001"})
		stranger := receiveFact(t, s, addOrder(t, s).Number, order.Fact{Kind: order.FactKitShipped})
		render := s.renderOrder

		tests := map[string]func(*order.Recording){
			"rendering": func(*order.Recording) {
				s.renderOrder = func(order.Order) ([]byte, error) {
					return nil,
						boom
				}
			},
			"an unknown status":      func(r *order.Recording) { r.Decision.Steps[0].To = lifecycle.RedrawAvailable },
			"no such result":         func(r *order.Recording) { r.ResultID = sqldb.NewID() },
			"another order's report": func(r *order.Recording) { r.Fact = stranger.Fact },
			"the second message":     func(*order.Recording) { s.renderOrder = renderUntil(2, boom) },
			"the replacement's": func(r *order.Recording) {
				r.Decision.CreateReplacement, s.renderOrder = true,
					renderUntil(1, boom)
			},
			"after the replacement": func(r *order.Recording) {
				r.Decision.CreateReplacement, s.renderOrder = true,
					renderUntil(2, boom)
			},
			"a sibling with its event": func(r *order.Recording) { r.Decision.Steps[1].To = "no_such_status" },
		}
		before, document := rowCounts(t, s), getOrder(t, s, o.ID)
		for name, spoil := range tests {
			st := state(t, s, o.ID)
			r := order.Recording{
				OrderID: o.ID, Revision: st.Revision, Cause: order.CauseInbox(in.ID), Fact: in.Fact,
				Decision: decisionWithSteps(st, s.now(), lifecycle.DeliveredToLab, lifecycle.SampleError),
			}
			r.Decision.StoreShipment = true
			spoil(&r)
			_, err := s.Record(t.Context(), r)
			s.renderOrder = render
			require.Error(t, err, name)
			require.NotErrorIs(t, err, ErrNotFound, name+": the order is not unknown")
			require.Equal(t, before, rowCounts(t, s), name)
			require.Equal(t, document, getOrder(t, s, o.ID), name)
			require.Equal(t, InboxReceived, inboxState(t, s, in.ID), name)
		}
		// Control: without the change it is recorded.
		recordFact(t, s, o.ID, *in.Fact)
		require.NotEqual(t, before, rowCounts(t, s))
	})
}

// renderUntil returns a renderer that fails from the n-th call on.
func renderUntil(n int, err error) func(order.Order) ([]byte, error) {
	return func(o order.Order) ([]byte, error) {
		if n--; n == 0 {
			return nil, err
		}
		return junction.RenderOrder(o)
	}
}

// Each webhook message contains the order as it was at its event. The newest one contains the order as the API returns
// it.
func TestMessagesShowTheOrderAtTheirEvent(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		forward := stopClock(s)
		team := addTeam(t, s).ID
		endpoint := addEndpoint(t, s, team)
		o := addOrderOf(t, s, team)
		var want []*order.Order
		want = append(want, o)
		forward(time.Minute)
		applyRequisitionTaken(t, s, o.ID, "A1")
		want = append(want, getOrder(t, s, o.ID))
		forward(time.Minute)

		// A final rejection proves that the kit was at the lab, and causes a replacement: two events and a new order.
		st := state(t, s, o.ID)
		d := decisionWithSteps(st, s.now(), lifecycle.DeliveredToLab, lifecycle.SampleError)
		d.CreateReplacement, d.Next.Replaced = true, true
		out, err := s.Record(t.Context(), order.Recording{OrderID: o.ID, Revision: st.Revision, Cause: "call:x", Decision: d})
		require.NoError(t, err)
		require.Equal(t, []string{endpoint}, out.EndpointsToNudge)
		now := getOrder(t, s, o.ID)
		require.Len(t, now.Transaction.Orders, 2)
		implied := *now
		implied.Events, implied.Sequence = now.Events[:3], 3
		implied.Transaction = order.Transaction{ID: now.TransactionID, Status: order.TransactionActive,
			Orders: []order.TransactionOrder{now.Transaction.Orders[0]}}
		implied.Transaction.Orders[0].Status = lifecycle.DeliveredToLab
		want = append(want, &implied, now)

		bodies := dueBodies(t, s, endpoint, o.ID)
		require.Len(t, bodies, 4)
		requireMessageOf(t, bodies[1], webhooks.OrderCreated, want[0])
		for sequence := int64(2); sequence <= 4; sequence++ {
			requireMessageOf(t, bodies[sequence], webhooks.OrderUpdated, want[sequence-1])
		}
		bodies = dueBodies(t, s, endpoint, out.ReplacementID)
		require.Len(t, bodies, 1)
		requireMessageOf(t, bodies[1], webhooks.OrderCreated, getOrder(t, s, out.ReplacementID))
	})
}

// dueBodies returns the bodies of the webhook messages about an order that are due at an endpoint, by the event's
// number.
func dueBodies(t *testing.T, s *Store, endpoint, orderID string) map[int64][]byte {
	t.Helper()
	messages, err := s.DueDeliveries(t.Context(), DueQuery{EndpointID: endpoint, Now: s.now(), Limit: 100})
	require.NoError(t, err)
	log, err := loadDeliveryLog(t.Context(), s.db.Reader, orderID)
	require.NoError(t, err)
	bodies := map[int64][]byte{}
	for _, l := range log {
		for _, m := range messages {
			if m.MessageID == l.MessageID {
				bodies[l.Sequence] = m.Body
			}
		}
	}
	return bodies
}

func TestPartialResultsAreSentToTeamsThatAsk(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		team := addTeam(t, s).ID
		endpoint := addEndpoint(t, s, team, orderUpdated)
		for _, asks := range []bool{false, true} {
			n := newOrder(s, team, func(o *order.Order) { o.Modality = lifecycle.WalkIn })
			n.Order.State.Policy.PartialResultWebhooks = asks
			c, err := s.CreateOrder(t.Context(), n)
			require.NoError(t, err)
			before := len(dueMessages(t, s, endpoint))
			out := moveTo(t, s, c.Order.ID, lifecycle.PartialResults)
			require.Equal(t, asks, len(out.EndpointsToNudge) == 1)
			require.Equal(t, asks, len(dueMessages(t, s, endpoint)) == before+1)
			silent := state(t, s, c.Order.ID).Sequence
			moveTo(t, s, c.Order.ID, lifecycle.Completed)
			bodies := dueBodies(t, s, endpoint, c.Order.ID)
			require.Equal(t, asks, bodies[silent] != nil, "the silent event leaves a gap in the sequence")
			require.NotNil(t, bodies[silent+1])
			require.Contains(t, string(bodies[silent+1]), "partial_results", "the events of the next message have it")
		}
	})
}

func TestResultsAreVisibleByTheirRecording(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		team := addTeam(t, s).ID
		endpoint := addEndpoint(t, s, team, orderUpdated)
		o := addOrderOf(t, s, team)
		v, _ := storeReport(t, s, o.ID, 1, "4.5", nil)
		require.Nil(t, getOrder(t, s, o.ID).Results)
		st := state(t, s, o.ID)
		_, err := s.Record(t.Context(), order.Recording{
			OrderID: o.ID, Revision: st.Revision, Cause: "call:fetch", ResultID: v.ID,
			Decision: decisionWithSteps(st, s.now(), lifecycle.DeliveredToLab, lifecycle.Completed),
		})
		require.NoError(t, err)
		got := getOrder(t, s, o.ID)
		require.Equal(t, &order.ResultSummary{Version: 1, Interpretation: order.InterpretationAbnormal}, got.Results)
		newest, err := s.NewestResult(t.Context(), team, o.ID)
		require.NoError(t, err)
		require.Equal(t, v.ID, newest.ID)
		require.Equal(t, []string{o.ID}, ordersFoundBy(t, s, searchInterpretation, "abnormal"))

		bodies := dueBodies(t, s, endpoint, o.ID)
		require.Len(t, bodies, 2)
		require.Nil(t, jsonPath(t, bodies[2], "data", "interpretation"), "the implied step precedes the results")
		require.Equal(t, "abnormal", jsonPath(t, bodies[3], "data", "interpretation"))
	})
}
