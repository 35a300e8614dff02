package store

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
)

const outboundNumber, inboundNumber = "9400100000000000000001", "9400100000000000000002"

func TestAReportFasterThanItsOrderIsMatchedByTheOrder(t *testing.T) {
	t.Parallel()
	forEach(t, func(t *testing.T, s *Store) {
		n := newOrder(s, addTeam(t, s).ID)
		in, err := s.Receive(t.Context(), labReport(n.Order.Number, order.Fact{Kind: order.KitShipped}))
		require.NoError(t, err)
		require.Equal(t, Received{ID: in.ID, State: InboxUnmatched}, in)
		stranger, err := s.Receive(t.Context(), labReport(order.NewNumber(), order.Fact{Kind: order.KitShipped}))
		require.NoError(t, err)

		c, err := s.CreateOrder(t.Context(), n)
		require.NoError(t, err)
		require.Len(t, c.Matched, 1)
		require.Equal(t, in.ID, c.Matched[0].ID)
		require.Equal(t, n.Order.ID, c.Matched[0].OrderID)
		require.Equal(t, in.ID, c.Matched[0].Fact.InboxID)
		require.Equal(t, InboxReceived, inboxState(t, s, in.ID))
		require.Equal(t, InboxUnmatched, inboxState(t, s, stranger.ID))
	})
}

// What one lab reports is never another lab's order, however early it came.
func TestAReportOfAnotherAccountIsNotMatched(t *testing.T) {
	t.Parallel()
	forEach(t, func(t *testing.T, s *Store) {
		n := newOrder(s, addTeam(t, s).ID)
		account := func(teamID, environment string) string {
			a := LabAccount{ID: newID(), TeamID: teamID, LabSlug: "x", Partner: "neutral", Environment: environment, Status: "active"}
			require.NoError(t, s.PutLabAccount(t.Context(), a))
			return a.ID
		}
		n.Order.LabAccountID = account(n.Order.TeamID, Sandbox)
		receive := func(accountID, kind string) string {
			r := labReport(n.Order.Number, order.Fact{Kind: order.FactKind(kind)})
			r.AccountID, r.Kind = accountID, kind
			in, err := s.Receive(t.Context(), r)
			require.NoError(t, err)
			return in.ID
		}
		provider, stranger, production := account(n.Order.TeamID, Sandbox), account(addTeam(t, s).ID, Sandbox), account(n.Order.TeamID, Production)
		matched := []string{
			receive(n.Order.LabAccountID, "kit_received"), receive("", "kit_received"), receive(provider, "appointment"), receive(provider, "draw_completed"),
		}
		kept := []string{
			receive(provider, "kit_received"), receive(stranger, "appointment"), receive(stranger, "kit_received"), receive(production, "appointment"),
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

// courierReport means transit on either leg, and nothing when it is about a label on the inbound one.
func courierReport(tracking, status string) Report {
	return Report{
		Partner: "easypost", Key: newID(), Hash: newID(), Kind: "tracker.updated", Tracking: tracking, Body: []byte("{}"),
		Legs: func(leg string) *order.Fact {
			if status == "label" && leg == "inbound" {
				return nil
			}
			target := map[string]lifecycle.Low{"outbound": lifecycle.TransitCustomer, "inbound": lifecycle.TransitLab}[leg]
			return &order.Fact{Kind: order.CourierReport, Target: target}
		},
	}
}

func TestACourierReportIsMatchedByItsNumber(t *testing.T) {
	t.Parallel()
	forEach(t, func(t *testing.T, s *Store) {
		early, err := s.Receive(t.Context(), courierReport("9400 1000-0000 0000 0000 02", "moving"))
		require.NoError(t, err)
		require.Equal(t, InboxUnmatched, early.State)
		label, err := s.Receive(t.Context(), courierReport(inboundNumber, "label"))
		require.NoError(t, err)

		o := addOrder(t, s)
		placed(t, s, o.ID, "A1")
		_, out := applyFact(t, s, o, order.Fact{Kind: order.KitShipped, Outbound: "9400 1000 0000 0000 0000 01", Inbound: inboundNumber})
		require.Len(t, out.Matched, 2)
		require.Equal(t, &order.Fact{
			InboxID: early.ID, Kind: order.CourierReport, Leg: "inbound", Target: lifecycle.TransitLab, ReceivedAt: out.Matched[0].Fact.ReceivedAt,
		}, out.Matched[0].Fact)
		require.Equal(t, InboxReceived, inboxState(t, s, early.ID))
		require.Nil(t, out.Matched[1].Fact)
		require.Equal(t, InboxUnknown, inboxState(t, s, label.ID), "a label means nothing on that leg")

		later, err := s.Receive(t.Context(), courierReport(outboundNumber, "moving"))
		require.NoError(t, err)
		require.Equal(t, o.ID, later.OrderID)
		require.Equal(t, []any{"outbound", lifecycle.TransitCustomer}, []any{later.Fact.Leg, later.Fact.Target})
	})
}

// Couriers use their numbers again: a report is about the newest order with the number.
func TestATrackingNumberUsedAgainIsTheNewestOrders(t *testing.T) {
	t.Parallel()
	forEach(t, func(t *testing.T, s *Store) {
		forward := stop(s)
		var newest string
		for range 2 {
			o := addOrder(t, s)
			placed(t, s, o.ID, "A1")
			applyFact(t, s, o, order.Fact{Kind: order.KitShipped, Outbound: outboundNumber})
			newest = o.ID
			forward(time.Hour)
		}
		in, err := s.Receive(t.Context(), courierReport(outboundNumber, "moving"))
		require.NoError(t, err)
		require.Equal(t, newest, in.OrderID)

		_, err = s.write.ExecContext(t.Context(), `UPDATE inbox SET state = $1, order_id = NULL WHERE id = $2`, InboxUnmatched, in.ID)
		require.NoError(t, err)
		matched, err := s.MatchWaiting(t.Context(), 10)
		require.NoError(t, err)
		require.Equal(t, []Received{in}, matched)
	})
}

// A match that was missed because report and order were written at the same moment is made up for.
func TestMatchWaitingHeals(t *testing.T) {
	t.Parallel()
	forEach(t, func(t *testing.T, s *Store) {
		o := addOrder(t, s)
		placed(t, s, o.ID, "A1")
		applyFact(t, s, o, order.Fact{Kind: order.KitShipped, Outbound: outboundNumber})
		lab := receiveFact(t, s, o.Number, order.Fact{Kind: order.KitReceived})
		courier, err := s.Receive(t.Context(), courierReport(outboundNumber, "moving"))
		require.NoError(t, err)
		for range 3 {
			receiveFact(t, s, order.NewNumber(), order.Fact{Kind: order.KitReceived})
		}
		_, err = s.write.ExecContext(t.Context(), `UPDATE inbox SET state = $1, order_id = NULL, leg = '' WHERE id IN ($2, $3)`,
			InboxUnmatched, lab.ID, courier.ID)
		require.NoError(t, err)

		matched, err := s.MatchWaiting(t.Context(), 1)
		require.NoError(t, err)
		require.Equal(t, []Received{lab, courier}, matched)
		matched, err = s.MatchWaiting(t.Context(), 100)
		require.NoError(t, err)
		require.Empty(t, matched)
	})
}
