package store

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

func TestAnItemIsStoredVerbatimAndMatched(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		o := addOrder(t, s)
		sent := s.now().Add(-time.Minute)
		r := labReport(o.Number, order.Fact{Kind: order.FactKitShipped, SentAt: sent, OutboundNumber: outboundNumber})
		r.Body, r.ReceivedAt = []byte("{\"né\":\"\x00\xff\"}"), s.now()
		in, err := s.StoreInboxItem(t.Context(), r)
		require.NoError(t, err)
		require.Equal(t, ReceivedItem{ID: in.ID, OrderID: o.ID, State: InboxReceived, Fact: &order.Fact{
			InboxID: in.ID, Kind: order.FactKitShipped, SentAt: sent, ReceivedAt: r.ReceivedAt, OutboundNumber: outboundNumber,
		}}, in)

		row, err := s.InboxItem(t.Context(), in.ID)
		require.NoError(t, err)
		require.Equal(t, InboxItem{
			ID: in.ID, Partner: r.Partner, DedupKey: r.DedupKey, BodyHash: r.BodyHash, Kind: r.Kind, OrderNumber: o.Number,
			OrderID: o.ID, State: InboxReceived,
			TimesSent: 1, Fact: in.Fact, ReceivedAt: r.ReceivedAt, StateChangedAt: row.StateChangedAt,
			Headers: r.Headers, Body: r.Body, PartnerReason: r.PartnerReason,
		}, row)
		_, err = s.InboxItem(t.Context(), sqldb.NewID())
		require.ErrorIs(t, err, ErrNotFound)
	})
}

func TestARepeatedItemIsOnlyCounted(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		o := addOrder(t, s)
		applyRequisitionTaken(t, s, o.ID, "A1")
		r := labReport(o.Number, order.Fact{Kind: order.FactKitShipped})
		first, err := s.StoreInboxItem(t.Context(), r)
		require.NoError(t, err)
		recordFact(t, s, o.ID, *first.Fact)

		again, err := s.StoreInboxItem(t.Context(), r)
		require.NoError(t, err)
		require.True(t, again.Duplicate)
		require.Equal(t, first.ID, again.ID)
		require.Equal(t, InboxApplied, again.State, "its outcome stays")
		row, err := s.InboxItem(t.Context(), first.ID)
		require.NoError(t, err)
		require.Equal(t, 2, row.TimesSent)

		other := r
		other.Partner = "another"
		in, err := s.StoreInboxItem(t.Context(), other)
		require.NoError(t, err)
		require.False(t, in.Duplicate, "each partner has its own keys")
		require.False(t, in.Fact.Amendment)
	})
}

func TestAnAmendmentHasTheKeyAndOtherContent(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		o := addOrder(t, s)
		r := labReport(o.Number, order.Fact{Kind: order.FactKitShipped})
		first, err := s.StoreInboxItem(t.Context(), r)
		require.NoError(t, err)
		require.False(t, first.Fact.Amendment)
		for _, hash := range []string{"second", "third"} {
			r.BodyHash = hash
			amended, err := s.StoreInboxItem(t.Context(), r)
			require.NoError(t, err)
			require.False(t, amended.Duplicate)
			require.NotEqual(t, first.ID, amended.ID)
			require.True(t, amended.Fact.Amendment)
			row, err := s.InboxItem(t.Context(), amended.ID)
			require.NoError(t, err)
			require.True(t, row.Amendment)
		}
	})
}

// Several processes store the same item and an amendment at the same time. Each gets one row, and only one caller is
// the first.
func TestConcurrentItemsAreDistinguished(t *testing.T) {
	t.Parallel()
	forEachEngineShared(t, func(t *testing.T, open func() *Store) {
		stores := []*Store{open(), open(), open()}
		o := addOrder(t, stores[0])
		r := labReport(o.Number, order.Fact{Kind: order.FactKitShipped})
		hashes := []string{"a", "b"}
		out := make([]ReceivedItem, 12)
		var g errgroup.Group
		for i := range out {
			g.Go(func() (err error) {
				mine := r
				mine.BodyHash = hashes[i%2]
				out[i], err = stores[i%3].StoreInboxItem(t.Context(), mine)
				return err
			})
		}
		require.NoError(t, g.Wait())
		rows, total, err := stores[0].InboxItems(t.Context(), InboxQuery{OrderID: o.ID})
		require.NoError(t, err)
		require.Equal(t, 2, total)
		require.Equal(t, 12, rows[0].TimesSent+rows[1].TimesSent)
		require.NotEqual(t, rows[0].Amendment, rows[1].Amendment)
		firsts := 0
		for _, in := range out {
			if !in.Duplicate {
				firsts++
			}
		}
		require.Equal(t, 2, firsts)
	})
}

func TestAParkedFactIsLoadedUntilItsTurn(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		forward := stopClock(s)
		o := addOrder(t, s)
		applyRequisitionTaken(t, s, o.ID, "A1")
		applyFact(t, s, o, order.Fact{Kind: order.FactKitReceived})
		_, out := applyFact(t, s, o, order.Fact{Kind: order.FactKitReceived})
		require.Equal(t, order.ReasonRepeated, out.Reason)
		forward(time.Minute)

		// After the kit is at the lab, a shipment to the patient is not allowed.
		in, out := applyFact(t, s, o, order.Fact{Kind: order.FactKitShipped})
		require.Equal(t, order.OutcomeParked, out.Outcome)
		row, err := s.InboxItem(t.Context(), in.ID)
		require.NoError(t, err)
		require.Equal(t, []string{InboxParked, string(order.ReasonNoEdge)}, []string{row.State, row.ReasonCode})
		st := state(t, s, o.ID)
		require.Equal(t, []order.Fact{*in.Fact}, st.ParkedFacts)
		require.Empty(t, getOrder(t, s, o.ID).State.ParkedFacts, "only the inbox stores parked facts")

		// A parked fact has no final outcome: a caller with an outdated revision has to load the state.
		_, err = s.Record(t.Context(), order.Recording{
			OrderID: o.ID, Revision: st.Revision - 1, Cause: order.CauseInbox(in.ID), Fact: in.Fact,
			Decision: decisionWithSteps(st, s.now()),
		})
		require.ErrorIs(t, err, ErrStale)

		// It can be parked again, and is applied under the same cause later.
		require.Equal(t, order.OutcomeParked, recordFact(t, s, o.ID, *in.Fact).Outcome)
		final, err := recordUntil(t, s, order.Recording{OrderID: o.ID, Cause: order.CauseInbox(in.ID), Fact: in.Fact},
			func(st order.State) order.Decision {
				return decisionWithSteps(st, s.now(), lifecycle.LabProcessingBlocked)
			})
		require.NoError(t, err)
		require.False(t, final.Duplicate)
		require.Equal(t, InboxApplied, inboxState(t, s, in.ID))
		require.Empty(t, state(t, s, o.ID).ParkedFacts)
		again, err := recordUntil(t, s, order.Recording{OrderID: o.ID, Cause: order.CauseInbox(in.ID), Fact: in.Fact},
			func(st order.State) order.Decision { return decisionWithSteps(st, s.now(), lifecycle.SampleError) })
		require.NoError(t, err)
		require.True(t, again.Duplicate)

		story, err := s.Story(t.Context(), o.ID)
		require.NoError(t, err)
		var outcomes []order.Outcome
		for _, d := range story.Decisions {
			if d.Cause == order.CauseInbox(in.ID) {
				outcomes = append(outcomes, d.Outcome)
			}
		}
		require.Equal(t, []order.Outcome{order.OutcomeParked, order.OutcomeParked, order.OutcomeApplied}, outcomes)
	})
}

// A parked fact that proves an implied step has events of one cause twice.
func TestAParkedFactMayHaveStepsTwice(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		o := addOrder(t, s)
		in := receiveFact(t, s, o.Number, order.Fact{Kind: order.FactKitReceived})
		r := order.Recording{OrderID: o.ID, Cause: order.CauseInbox(in.ID), Fact: in.Fact}
		_, err := recordUntil(t, s, r, func(st order.State) order.Decision {
			d := decisionWithSteps(st, s.now(), lifecycle.RequisitionCreated)
			d.Outcome = order.OutcomeParked
			return d
		})
		require.NoError(t, err)
		_, err = recordUntil(t, s, r, func(st order.State) order.Decision {
			return decisionWithSteps(st, s.now(), lifecycle.TransitCustomer, lifecycle.DeliveredToLab)
		})
		require.NoError(t, err)
		var counted []int
		for _, e := range getOrder(t, s, o.ID).Events[1:] {
			require.Equal(t, r.Cause, e.Cause)
			counted = append(counted, e.StepIndex)
		}
		require.Equal(t, []int{0, 1, 2}, counted)
	})
}

func TestItemsThatAreNoFactsAreStored(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		o := addOrder(t, s)
		for _, st := range []string{InboxIncomplete, InboxUnknown, InboxQuarantined} {
			r := labReport(o.Number, order.Fact{})
			r.Fact, r.State = nil, st
			in, err := s.StoreInboxItem(t.Context(), r)
			require.NoError(t, err)
			require.Equal(t, ReceivedItem{ID: in.ID, OrderID: o.ID, State: st}, in)
			rows, total, err := s.InboxItems(t.Context(), InboxQuery{State: st})
			require.NoError(t, err)
			require.Equal(t, 1, total)
			require.Equal(t, in.ID, rows[0].ID)
			require.Nil(t, rows[0].Body)
		}
	})
}

// An item is stored even if its texts do not fit the columns of the engine.
func TestItemsWithUnstorableTextsAreStored(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		odd := "a\x00b\xff" + strings.Repeat("é", 5000)
		o := addOrder(t, s)
		applyRequisitionTaken(t, s, o.ID, "A1")
		r := labReport(o.Number, order.Fact{
			Kind: order.FactKitShipped, Accession: odd, OutboundNumber: odd, InboundNumber: odd, KitRegCode: odd,
			OraQuickLot: odd,
		})
		r.DedupKey, r.Kind, r.PartnerReason, r.Body = odd, odd, odd, []byte(odd)
		in, err := s.StoreInboxItem(t.Context(), r)
		require.NoError(t, err)
		recordFact(t, s, o.ID, *in.Fact)
		row, err := s.InboxItem(t.Context(), in.ID)
		require.NoError(t, err)
		require.Equal(t, odd, string(row.Body))
		require.Equal(t, odd, row.PartnerReason)

		r.DedupKey += "!"
		other, err := s.StoreInboxItem(t.Context(), r)
		require.NoError(t, err)
		require.NotEqual(t, in.ID, other.ID, "two long keys are two keys")
		r.OrderNumber, r.DedupKey = odd, "k"
		lost, err := s.StoreInboxItem(t.Context(), r)
		require.NoError(t, err)
		require.Equal(t, InboxUnmatched, lost.State)
	})
}

// A fact of a lab about its courier names the leg.
func TestALabsItemKeepsTheLegOfItsFact(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		o := addOrder(t, s)
		in, err := s.StoreInboxItem(t.Context(), labReport(o.Number, order.Fact{
			Kind: order.FactCourierReport, Leg: "inbound", TargetStatus: lifecycle.TransitLab,
		}))
		require.NoError(t, err)
		require.Equal(t, InboxReceived, in.State)
		require.Equal(t, "inbound", in.Fact.Leg)
	})
}

// A run that was lost has applied a fact. The fact is sent again when the order has a status in which it would be
// parked. It must not be parked: a parked fact is tried again after each step, and this one would never be decided.
func TestADecidedFactIsNotParkedAgain(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		o := addOrder(t, s)
		applyRequisitionTaken(t, s, o.ID, "A1")
		in, out := applyFact(t, s, o, order.Fact{Kind: order.FactKitShipped})
		require.Equal(t, order.OutcomeApplied, out.Outcome)
		moveTo(t, s, o.ID, lifecycle.WithCustomer)
		before := state(t, s, o.ID)
		parking := decisionWithSteps(before, s.now())
		parking.Outcome, parking.Reason = order.OutcomeParked, order.ReasonNoEdge
		again, err := s.Record(t.Context(), order.Recording{OrderID: o.ID, Revision: before.Revision,
			Cause: order.CauseInbox(in.ID), Fact: in.Fact, Decision: parking})
		require.NoError(t, err)
		require.True(t, again.Duplicate)
		require.Equal(t, order.OutcomeApplied, again.Outcome)
		settled, err := s.SettleCause(t.Context(), o.ID, order.Cause{Fact: in.Fact}, s.now())
		require.NoError(t, err)
		require.True(t, settled.Duplicate)
		require.Equal(t, order.OutcomeApplied, settled.Outcome)
		require.Nil(t, settled.Decided)
		require.Equal(t, before, settled.State)
		require.Equal(t, before, state(t, s, o.ID), "nothing has changed")
		require.Equal(t, InboxApplied, inboxState(t, s, in.ID))
	})
}
