package api_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
)

func TestCancelOrder(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	id := f.placed(nil)
	r := f.do(http.MethodPost, "/v3/order/"+id+"/cancel", f.key, nil)
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	require.Equal(t, "success", r.json(t)["status"])
	shown := r.json(t)["order"].(map[string]any)
	require.Equal(t, "cancelled", shown["status"], "the order as it is after the change")
	require.Equal(t, "cancelled.testkit.cancelled", shown["last_event"].(map[string]any)["status"])
	require.Equal(t, lifecycle.Cancelled, f.order(id).Status)

	_, _, demands := f.orders.seen()
	require.Len(t, demands, 1)
	require.Equal(t, order.DemandCancel, demands[0].Kind)
	require.Equal(t, lifecycle.Client, demands[0].By)
	require.Equal(t, []string{"order.create", "order.cancel"}, f.actions(id))
}

func requireRefusedCancel(t *testing.T, r reply, text string) {
	t.Helper()
	require.Equal(t, http.StatusBadRequest, r.status, string(r.body))
	m := r.json(t)
	require.Equal(t, text, m["detail"])
	require.Equal(t, text, m["message"])
	require.Equal(t, "Bad Request", m["error"])
	require.EqualValues(t, 400, m["status_code"])
}

// What the order's row forbids is refused at once: its workflow is not even asked.
func TestCancelOrderTooLate(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	id := f.placed(nil)
	f.fact(id, order.Fact{Kind: order.KitShipped})
	r := f.do(http.MethodPost, "/v3/order/"+id+"/cancel", f.key, nil)
	requireRefusedCancel(t, r, "Transition from collecting_sample.testkit.transit_customer to cancelled.testkit.cancelled is not allowed")
	_, _, demands := f.orders.seen()
	require.Empty(t, demands)
	require.Equal(t, lifecycle.TransitCustomer, f.order(id).Status)
}

// The workflow may know better than the row did.
func TestCancelOrderOvertaken(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	id := f.placed(nil)
	for reason, text := range map[order.Reason]string{
		order.ReasonTransition: "Transition from sample_with_lab.testkit.delivered_to_lab to cancelled.testkit.cancelled is not allowed",
		order.ReasonLabRefused: "The lab does not do this any more",
	} {
		f.orders.instead(func(context.Context, order.Demand) (order.Answer, error) {
			return order.Answer{Reason: reason, From: lifecycle.DeliveredToLab}, nil
		})
		requireRefusedCancel(t, f.do(http.MethodPost, "/v3/order/"+id+"/cancel", f.key, nil), text)
	}
}

// A workflow that is behind the order's row refuses what the row allows. It is asked again, and then decides by the row.
func TestARefusalThatTheRowContradicts(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	id := f.placed(nil)
	var asked []order.Demand
	f.orders.instead(func(_ context.Context, d order.Demand) (order.Answer, error) {
		asked = append(asked, d)
		return order.Answer{Done: d.Again, Reason: order.ReasonTransition, From: lifecycle.Ordered}, nil
	})
	require.Equal(t, http.StatusOK, f.do(http.MethodPost, "/v3/order/"+id+"/cancel", f.key, nil).status)
	require.Len(t, asked, 2)
	require.Equal(t, asked[0].ID, asked[1].ID, "it is the same demand")
}

func TestDemandsWithoutAnswer(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	id := f.placed(nil)
	for name, answer := range map[string]func(context.Context, order.Demand) (order.Answer, error){
		"unreachable": func(context.Context, order.Demand) (order.Answer, error) {
			return order.Answer{}, errors.Join(errors.New("dialing"), away{})
		},
		"lab is silent": func(context.Context, order.Demand) (order.Answer, error) { return order.Answer{Unanswered: true}, nil },
		"out of time": func(context.Context, order.Demand) (order.Answer, error) {
			return order.Answer{}, context.DeadlineExceeded
		},
	} {
		f.orders.instead(answer)
		r := f.do(http.MethodPost, "/v3/order/"+id+"/cancel", f.key, nil)
		require.Equal(t, http.StatusServiceUnavailable, r.status, name)
		require.Equal(t, "5", r.header.Get("Retry-After"), name)
		require.NotEmpty(t, r.detail(t), name)
	}
	require.Equal(t, lifecycle.Ordered, f.order(id).Status)
	story, err := f.store.Story(t.Context(), id)
	require.NoError(t, err)
	require.Len(t, story.Demands, 3)
	unanswered, err := f.store.OrdersWithoutAnswer(t.Context(), time.Now().Add(24*time.Hour), 10)
	require.NoError(t, err)
	require.Equal(t, []string{id}, unanswered)
	f.orders.instead(func(context.Context, order.Demand) (order.Answer, error) {
		return order.Answer{}, errors.New("secret cause")
	})
	r := f.do(http.MethodPost, "/v3/order/"+id+"/cancel", f.key, nil)
	require.Equal(t, http.StatusInternalServerError, r.status)
	require.Equal(t, "Internal server error", r.detail(t))
	require.Contains(t, f.logs.String(), "secret cause")
}

func TestDemandWaitsForALimitedTime(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	id := f.placed(nil)
	limited := make(chan bool, 1)
	f.orders.instead(func(ctx context.Context, _ order.Demand) (order.Answer, error) {
		_, ok := ctx.Deadline()
		limited <- ok
		return order.Answer{}, away{}
	})
	f.do(http.MethodPost, "/v3/order/"+id+"/cancel", f.key, nil)
	require.True(t, <-limited)
}

func TestUpdateOrder(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	id := f.placed(map[string]any{"activate_by": "2026-03-09"})
	patch := func(id string, body any) reply { return f.do(http.MethodPatch, "/v3/order/"+id, f.key, body) }

	r := patch(id, map[string]any{"activate_by": "2026-03-20"})
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	require.Equal(t, "order updated", r.json(t)["message"])
	require.Equal(t, "2026-03-20", r.json(t)["order"].(map[string]any)["activate_by"])
	require.Equal(t, "2026-03-20", f.order(id).State.ActivateBy)

	r = patch(id, map[string]any{"activate_by": "2026-03-03"})
	require.Equal(t, http.StatusBadRequest, r.status)
	require.Equal(t, "activate_by is in the past", r.detail(t))

	r = patch(id, `{}`)
	require.Equal(t, http.StatusUnprocessableEntity, r.status)
	requireProblem(t, r, []any{"body", "activate_by"}, "missing")
	r = patch(id, map[string]any{"activate_by": "soon"})
	requireProblem(t, r, []any{"body", "activate_by"}, "date_from_datetime_parsing")
	require.Equal(t, "2026-03-20", f.order(id).State.ActivateBy)

	r = patch(id, map[string]any{"activate_by": nil})
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	require.Nil(t, r.json(t)["order"].(map[string]any)["activate_by"])
	require.Equal(t, order.PlacementStarted, f.order(id).State.Placement.State)

	r = patch(id, map[string]any{"activate_by": "2026-03-21"})
	require.Equal(t, http.StatusBadRequest, r.status)
	require.Equal(t, "The order is being processed already", r.detail(t))

	r = patch(f.placed(nil), map[string]any{"activate_by": "2026-03-21"})
	require.Equal(t, http.StatusBadRequest, r.status)
	require.Equal(t, "The order was created without activate_by", r.detail(t))
}

// Midnight is that of the service's time zone.
func TestDaysAreThoseOfTheServicesTimeZone(t *testing.T) {
	t.Parallel()
	f := newFixture(t, inZone(t, "Pacific/Kiritimati")) // UTC+14: already the 5th
	r := f.do(http.MethodPost, "/v3/order", f.key, f.orderBody(map[string]any{"activate_by": "2026-03-04"}))
	require.Equal(t, http.StatusUnprocessableEntity, r.status)
	o := f.order(f.placed(map[string]any{"activate_by": "2026-03-06"}))
	require.Equal(t, "2026-03-05T10:00:00Z", o.State.ActivateAt.Format("2006-01-02T15:04:05Z07:00"))
}
