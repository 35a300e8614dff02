package store

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/internal/junction"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store/sqldb"
	"github.com/aliquot-labs/aliquot/webhooks"
)

func TestCreateOrderStoresTheWholeDocument(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		team := addTeam(t, s).ID
		n := newOrder(s, team, func(o *order.Order) {
			o.Shipping = &order.ShippingAddress{ReceiverName: "Desk", FirstLine: "2 Way", City: "Phoenix", State: "AZ",
				Zip: "85004", Country: "US", Phone: "+16025550101"}
			o.ActivateBy = &order.Date{Year: 2031, Month: time.May, Day: 4}
			o.CreatorMemberID = new("member")
		})
		c, err := s.CreateOrder(t.Context(), n)
		require.NoError(t, err)

		want := n.Order
		want.Status, want.Sequence, want.Revision, want.UpdatedAt = lifecycle.Ordered, 1, 1, want.CreatedAt
		want.Events = []order.Event{{
			Sequence: 1, Status: "received.testkit.ordered", Cause: n.Cause, OccurredAt: want.CreatedAt,
			RecordedAt: want.CreatedAt,
		}}
		want.Transaction = order.Transaction{ID: want.TransactionID, Status: order.TransactionActive,
			Orders: []order.TransactionOrder{{
				ID: want.ID, Status: lifecycle.Ordered, StatusAt: want.CreatedAt, Origin: order.OriginInitial,
				CreatedAt: want.CreatedAt, UpdatedAt: want.CreatedAt,
			}}}
		require.Equal(t, &want, c.Order)
		require.Equal(t, c.Order, getOrder(t, s, want.ID))

		own, err := s.Order(t.Context(), team, want.ID)
		require.NoError(t, err)
		require.Equal(t, c.Order, own)
		_, err = s.Order(t.Context(), addTeam(t, s).ID, want.ID)
		require.ErrorIs(t, err, ErrNotFound, "another team's order")

		ref, err := s.OrderByNumber(t.Context(), want.Number)
		require.NoError(t, err)
		require.Equal(t, OrderRef{ID: want.ID, TeamID: want.TeamID, LabAccountID: want.LabAccountID}, ref)
		_, err = s.OrderByNumber(t.Context(), order.NewNumber())
		require.ErrorIs(t, err, ErrNotFound)
	})
}

func TestCreateOrderEnqueuesAWebhook(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		team := addTeam(t, s).ID
		endpoint := addEndpoint(t, s, team)
		c, err := s.CreateOrder(t.Context(), newOrder(s, team))
		require.NoError(t, err)
		require.Equal(t, []string{endpoint}, c.EndpointsToNudge)

		messages, err := s.DueDeliveries(t.Context(), DueQuery{EndpointID: endpoint, Now: s.now(), Limit: 10})
		require.NoError(t, err)
		require.Len(t, messages, 1)
		require.Equal(t, webhooks.OrderCreated, messages[0].EventType)
		requireMessageOf(t, messages[0].Body, webhooks.OrderCreated, c.Order)
	})
}

// An imported order has a requisition from the start: two events, and the lab's number.
func TestAnImportedOrderBeginsWithItsRequisition(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		team := addTeam(t, s).ID
		endpoint := addEndpoint(t, s, team)
		imported := func() NewOrder {
			return newOrder(s, team, func(o *order.Order) { o.Imported, o.Number = true, "REQ-7" })
		}
		early := receiveFact(t, s, "REQ-7", order.Fact{Kind: order.FactKitReceived})
		n := imported()
		c, err := s.CreateOrder(t.Context(), n)
		require.NoError(t, err)
		require.Equal(t, []string{endpoint}, c.EndpointsToNudge)
		waiting := look(t, s, n.Order.ID).Received
		require.Len(t, waiting, 1)
		require.Equal(t, early.ID, waiting[0].InboxID, "the item arrived before the order")

		o := getOrder(t, s, n.Order.ID)
		require.Equal(t, c.Order, o)
		require.Equal(t, []any{true, "REQ-7", "REQ-7", ""}, []any{o.Imported, o.Number, o.SampleID, o.Accession})
		require.Equal(t, []int64{2, 1}, []int64{o.Sequence, o.Revision})
		for i, low := range []lifecycle.LowStatus{lifecycle.Ordered, lifecycle.RequisitionBypassed} {
			require.Equal(t, order.Event{
				Sequence: int64(i + 1), Status: lifecycle.MustFullStatus(o.Modality, low), Cause: n.Cause, StepIndex: i,
				OccurredAt: o.CreatedAt, RecordedAt: o.CreatedAt,
			}, o.Events[i])
		}
		bodies := dueBodies(t, s, endpoint, o.ID)
		require.Len(t, bodies, 2)
		ordered := *o
		ordered.Events, ordered.Sequence, ordered.Status = o.Events[:1], 1, lifecycle.Ordered
		ordered.Transaction.Orders = []order.TransactionOrder{o.Transaction.Orders[0]}
		ordered.Transaction.Orders[0].Status = lifecycle.Ordered
		requireMessageOf(t, bodies[1], webhooks.OrderCreated, &ordered)
		requireMessageOf(t, bodies[2], webhooks.OrderUpdated, o)

		// The client continues to see that number. The lab's accession number is stored separately.
		_, err = recordUntil(t, s, order.Recording{OrderID: o.ID, Cause: order.CauseCall("x")},
			func(st order.State) order.Decision {
				d := decisionWithSteps(st, s.now(), lifecycle.DeliveredToLab)
				d.Next.Accession = "A1"
				return d
			})
		require.NoError(t, err)
		o = getOrder(t, s, o.ID)
		require.Equal(t, []any{"REQ-7", "A1", int64(3)}, []any{o.SampleID, o.Accession, o.Sequence})

		_, err = s.CreateOrder(t.Context(), imported())
		require.ErrorIs(t, err, ErrConflict)
	})
}

// requireMessageOf requires that a webhook message contains the order as the API returns it.
func requireMessageOf(t *testing.T, body []byte, eventType string, o *order.Order) {
	t.Helper()
	data, err := junction.RenderOrder(*o)
	require.NoError(t, err)
	var e webhooks.Envelope
	require.NoError(t, json.Unmarshal(body, &e))
	require.Equal(t, eventType, e.EventType)
	require.Equal(t, []string{o.TeamID, o.UserID, o.ClientUserID}, []string{e.TeamID, e.UserID, e.ClientUserID})
	require.JSONEq(t, string(data), string(e.Data))
}

func TestCreateOrderStoresTheAnswer(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		key := mustClaim(t, s, "k")
		n := newOrder(s, addTeam(t, s).ID)
		n.IdempotencyKey = &key
		n.RenderAnswer = func(o *order.Order) (int, []byte, error) {
			require.Len(t, o.Events, 1, "the answer is rendered from the stored order")
			return 200, []byte(o.ID), nil
		}
		c, err := s.CreateOrder(t.Context(), n)
		require.NoError(t, err)
		require.Equal(t, 200, c.AnswerStatus)
		require.Equal(t, n.Order.ID, string(c.AnswerBody))
		require.Equal(t, &StoredAnswer{Status: 200, Body: []byte(n.Order.ID)}, claimKey(t, s, "k").StoredAnswer)
	})
}

func TestCreateOrderIsAllOrNothing(t *testing.T) {
	t.Parallel()
	boom := errors.New("boom")
	forEachEngine(t, func(t *testing.T, s *Store) {
		team := addTeam(t, s).ID
		addEndpoint(t, s, team)
		existing := addOrderOf(t, s, team)
		lost := IdempotencyKey{TeamID: team, Route: "r", Key: "never claimed", ClaimToken: "t"}
		answer := func(*order.Order) (int, []byte, error) { return 200, nil, nil }

		tests := map[string]struct {
			spoil func(*NewOrder)
			want  error
		}{
			"the answer fails": {func(n *NewOrder) {
				n.RenderAnswer = func(*order.Order) (int, []byte, error) {
					return 0,
						nil, boom
				}
			}, boom},
			"the claim was lost":  {func(n *NewOrder) { n.IdempotencyKey, n.RenderAnswer = &lost, answer }, ErrClaimLost},
			"the number is taken": {func(n *NewOrder) { n.Order.Number = existing.Number }, ErrConflict},
			"the order exists": {func(n *NewOrder) { n.Order.ID, n.Order.State.OrderID = existing.ID, existing.ID },
				ErrConflict},
			"the message has no to": {func(n *NewOrder) { n.Order.ClientUserID = "" }, nil},
			"no such status":        {func(n *NewOrder) { n.Order.State.Status = lifecycle.RedrawAvailable }, nil},
		}
		for name, tt := range tests {
			before := rowCounts(t, s)
			n := newOrder(s, team)
			tt.spoil(&n)
			_, err := s.CreateOrder(t.Context(), n)
			require.Error(t, err, name)
			if tt.want != nil {
				require.ErrorIs(t, err, tt.want, name)
			}
			require.Equal(t, before, rowCounts(t, s), name)
		}
	})
}

func TestCreateOrderRefusesAnOrderWithoutState(t *testing.T) {
	t.Parallel()
	s := openStore(t, engineURL(t, sqldb.SQLite)) // the order is refused before the database is used
	tests := map[string]func(*NewOrder){
		"no ids":           func(n *NewOrder) { n.Order.Number = "" },
		"no team":          func(n *NewOrder) { n.Order.TeamID = "" },
		"no state":         func(n *NewOrder) { n.Order.State = order.State{} },
		"no time":          func(n *NewOrder) { n.Order.CreatedAt = time.Time{} },
		"no cause":         func(n *NewOrder) { n.Cause = "" },
		"nothing to store": func(n *NewOrder) { n.IdempotencyKey = &IdempotencyKey{} },
	}
	for name, spoil := range tests {
		n := newOrder(s, sqldb.NewID())
		spoil(&n)
		_, err := s.CreateOrder(t.Context(), n)
		require.ErrorContains(t, err, "creating an order", name)
	}
}

// An order that joins an order transaction, as a redraw does, is listed in it.
func TestCreateOrderJoinsATransaction(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		first := addOrder(t, s)
		second := addOrderOf(t, s, first.TeamID, func(o *order.Order) {
			o.TransactionID, o.ParentID, o.Origin = first.TransactionID, first.ID, order.OriginRedraw
		})
		for _, id := range []string{first.ID, second.ID} {
			var listed []string
			for _, o := range getOrder(t, s, id).Transaction.Orders {
				listed = append(listed, o.ID)
			}
			require.Equal(t, []string{first.ID, second.ID}, listed)
		}
		_, err := s.CreateOrder(t.Context(), newOrder(s, first.TeamID, func(o *order.Order) { o.ParentID = first.ID }))
		require.ErrorIs(t, err, ErrConflict, "one child per order")
	})
}
