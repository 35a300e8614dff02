package store

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

const outboundNumber, inboundNumber = "9400100000000000000001", "9400100000000000000002"

func TestAnItemBeforeItsOrderIsMatchedByTheOrder(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		n := newOrder(s, addTeam(t, s).ID)
		in, err := s.StoreInboxItem(t.Context(), labReport(n.Order.Number, order.Fact{Kind: order.FactKitShipped}))
		require.NoError(t, err)
		require.Equal(t, ReceivedItem{ID: in.ID, State: InboxUnmatched}, in)
		stranger, err := s.StoreInboxItem(t.Context(), labReport(order.NewNumber(), order.Fact{Kind: order.FactKitShipped}))
		require.NoError(t, err)

		_, err = s.CreateOrder(t.Context(), n)
		require.NoError(t, err)
		waiting := look(t, s, n.Order.ID).Received
		require.Len(t, waiting, 1, "the order's run settles it")
		require.Equal(t, in.ID, waiting[0].InboxID)
		require.Equal(t, order.FactKitShipped, waiting[0].Kind)
		require.Equal(t, InboxReceived, inboxState(t, s, in.ID))
		require.Equal(t, InboxUnmatched, inboxState(t, s, stranger.ID))
	})
}

// An item of one lab account is never matched to an order of another account, even if it arrives first.
func TestAnItemOfAnotherAccountIsNotMatched(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		n := newOrder(s, addTeam(t, s).ID)
		account := func(teamID, environment string) string {
			a := LabAccount{ID: sqldb.NewID(), TeamID: teamID, LabSlug: "x", Partner: "neutral", Environment: environment,
				Status: "active"}
			require.NoError(t, s.PutLabAccount(t.Context(), a))
			return a.ID
		}
		n.Order.LabAccountID = account(n.Order.TeamID, Sandbox)
		receive := func(accountID, kind string) string {
			r := labReport(n.Order.Number, order.Fact{Kind: order.FactKind(kind)})
			r.LabAccountID, r.Kind = accountID, kind
			in, err := s.StoreInboxItem(t.Context(), r)
			require.NoError(t, err)
			return in.ID
		}
		provider, stranger, production := account(n.Order.TeamID, Sandbox), account(addTeam(t, s).ID, Sandbox),
			account(n.Order.TeamID, Production)
		matched := []string{
			receive(n.Order.LabAccountID, "kit_received"), receive("", "kit_received"), receive(provider, "appointment"),
			receive(provider, "draw_completed"),
		}
		kept := []string{
			receive(provider, "kit_received"), receive(stranger, "appointment"), receive(stranger, "kit_received"),
			receive(production, "appointment"),
		}
		_, err := s.CreateOrder(t.Context(), n)
		require.NoError(t, err)
		for _, id := range matched {
			require.Equal(t, InboxReceived, inboxState(t, s, id))
		}
		for _, id := range kept {
			require.Equal(t, InboxUnmatched, inboxState(t, s, id))
		}
	})
}

// courierReport returns a courier's item. It means transit on either leg; with the status "label" it means nothing on
// the inbound leg.
func courierReport(tracking, status string) NewInboxItem {
	return NewInboxItem{
		Partner: "easypost", DedupKey: sqldb.NewID(), BodyHash: sqldb.NewID(), Kind: "tracker.updated",
		TrackingNumber: tracking,
		Body:           []byte("{}"),
		FactByLeg: func(leg string) *order.Fact {
			if status == "label" && leg == "inbound" {
				return nil
			}
			target := map[string]lifecycle.LowStatus{"outbound": lifecycle.TransitCustomer, "inbound": lifecycle.TransitLab}[leg]
			return &order.Fact{Kind: order.FactCourierReport, TargetStatus: target}
		},
	}
}

func TestACourierItemIsMatchedByTrackingNumber(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		early, err := s.StoreInboxItem(t.Context(), courierReport("9400 1000-0000 0000 0000 02", "moving"))
		require.NoError(t, err)
		require.Equal(t, InboxUnmatched, early.State)
		label, err := s.StoreInboxItem(t.Context(), courierReport(inboundNumber, "label"))
		require.NoError(t, err)

		o := addOrder(t, s)
		applyRequisitionTaken(t, s, o.ID, "A1")
		_, out := applyFact(t, s, o, order.Fact{Kind: order.FactKitShipped, OutboundNumber: "9400 1000 0000 0000 0000 01",
			InboundNumber: inboundNumber})
		require.Len(t, out.MatchedItems, 2)
		require.Equal(t, &order.Fact{
			InboxID: early.ID, Kind: order.FactCourierReport, Leg: "inbound", TargetStatus: lifecycle.TransitLab,
			ReceivedAt: out.MatchedItems[0].Fact.ReceivedAt,
		}, out.MatchedItems[0].Fact)
		require.Equal(t, InboxReceived, inboxState(t, s, early.ID))
		require.Nil(t, out.MatchedItems[1].Fact)
		require.Equal(t, InboxUnknown, inboxState(t, s, label.ID), "a label means nothing on that leg")

		later, err := s.StoreInboxItem(t.Context(), courierReport(outboundNumber, "moving"))
		require.NoError(t, err)
		require.Equal(t, o.ID, later.OrderID)
		require.Equal(t, []any{"outbound", lifecycle.TransitCustomer}, []any{later.Fact.Leg, later.Fact.TargetStatus})
	})
}

// Couriers reuse tracking numbers. An item belongs to the newest order with its number.
func TestATrackingNumberUsedAgainIsTheNewestOrders(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		forward := stopClock(s)
		var newest string
		for range 2 {
			o := addOrder(t, s)
			applyRequisitionTaken(t, s, o.ID, "A1")
			applyFact(t, s, o, order.Fact{Kind: order.FactKitShipped, OutboundNumber: outboundNumber})
			newest = o.ID
			forward(time.Hour)
		}
		in, err := s.StoreInboxItem(t.Context(), courierReport(outboundNumber, "moving"))
		require.NoError(t, err)
		require.Equal(t, newest, in.OrderID)

		_, err = s.db.Writer.ExecContext(t.Context(), `UPDATE inbox SET state = $1, order_id = NULL WHERE id = $2`,
			InboxUnmatched, in.ID)
		require.NoError(t, err)
		matched, err := s.MatchUnmatchedInboxItems(t.Context(), 10)
		require.NoError(t, err)
		require.Equal(t, []ReceivedItem{in}, matched)
	})
}

// An item and its order can be written at the same time, so that neither transaction sees the other. They are matched
// later.
func TestUnmatchedItemsAreMatchedLater(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		o := addOrder(t, s)
		applyRequisitionTaken(t, s, o.ID, "A1")
		applyFact(t, s, o, order.Fact{Kind: order.FactKitShipped, OutboundNumber: outboundNumber})
		lab := receiveFact(t, s, o.Number, order.Fact{Kind: order.FactKitReceived})
		courier, err := s.StoreInboxItem(t.Context(), courierReport(outboundNumber, "moving"))
		require.NoError(t, err)
		for range 3 {
			receiveFact(t, s, order.NewNumber(), order.Fact{Kind: order.FactKitReceived})
		}
		_, err = s.db.Writer.ExecContext(t.Context(),
			`UPDATE inbox SET state = $1, order_id = NULL, leg = '' WHERE id IN ($2, $3)`,
			InboxUnmatched, lab.ID, courier.ID)
		require.NoError(t, err)

		matched, err := s.MatchUnmatchedInboxItems(t.Context(), 1)
		require.NoError(t, err)
		require.Equal(t, []ReceivedItem{lab, courier}, matched)
		matched, err = s.MatchUnmatchedInboxItems(t.Context(), 100)
		require.NoError(t, err)
		require.Empty(t, matched)
	})
}
