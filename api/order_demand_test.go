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
	id := f.createOrder(nil)
	r := f.sendWithKey(http.MethodPost, "/v3/order/"+id+"/cancel", f.key, nil)
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	require.Equal(t, "success", r.json(t)["status"])
	shown := r.json(t)["order"].(map[string]any)
	require.Equal(t, "cancelled", shown["status"], "the order as it is after the change")
	require.Equal(t, "cancelled.testkit.cancelled", shown["last_event"].(map[string]any)["status"])
	require.Equal(t, lifecycle.Cancelled, f.order(id).Status)

	_, _, demands := f.orders.snapshot()
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

// A demand that the stored state does not allow is refused without the workflow.
func TestCancelOrderTooLate(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	id := f.createOrder(nil)
	f.applyFact(id, order.Fact{Kind: order.FactKitShipped})
	r := f.sendWithKey(http.MethodPost, "/v3/order/"+id+"/cancel", f.key, nil)
	requireRefusedCancel(t, r,
		"Transition from collecting_sample.testkit.transit_customer to cancelled.testkit.cancelled is not allowed")
	_, _, demands := f.orders.snapshot()
	require.Empty(t, demands)
	require.Equal(t, lifecycle.TransitCustomer, f.order(id).Status)
}

// The workflow may refuse what the stored state allowed, because the order has changed since.
func TestCancelOrderOvertaken(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	id := f.createOrder(nil)
	for reason, text := range map[order.Reason]string{
		order.ReasonTransitionNotAllowed: "Transition from sample_with_lab.testkit.delivered_to_lab to " +
			"cancelled.testkit.cancelled is not allowed",
		order.ReasonLabRefused: "The lab does not do this any more",
	} {
		f.orders.answerWith(func(context.Context, order.Demand) (order.DemandAnswer, error) {
			return order.DemandAnswer{Reason: reason, FromStatus: lifecycle.DeliveredToLab}, nil
		})
		requireRefusedCancel(t, f.sendWithKey(http.MethodPost, "/v3/order/"+id+"/cancel", f.key, nil), text)
	}
}

func TestDemandsWithoutAnswer(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	id := f.createOrder(nil)
	for name, answer := range map[string]func(context.Context, order.Demand) (order.DemandAnswer, error){
		"unreachable": func(context.Context, order.Demand) (order.DemandAnswer, error) {
			return order.DemandAnswer{}, errors.Join(errors.New("dialing"), unavailableError{})
		},
		"lab is silent": func(context.Context, order.Demand) (order.DemandAnswer, error) {
			return order.DemandAnswer{Unanswered: true}, nil
		},
		"out of time": func(context.Context, order.Demand) (order.DemandAnswer, error) {
			return order.DemandAnswer{}, context.DeadlineExceeded
		},
	} {
		f.orders.answerWith(answer)
		r := f.sendWithKey(http.MethodPost, "/v3/order/"+id+"/cancel", f.key, nil)
		require.Equal(t, http.StatusServiceUnavailable, r.status, name)
		require.Equal(t, "5", r.header.Get("Retry-After"), name)
		require.NotEmpty(t, r.detail(t), name)
	}
	require.Equal(t, lifecycle.Ordered, f.order(id).Status)
	story, err := f.store.Story(t.Context(), id)
	require.NoError(t, err)
	require.Len(t, story.Demands, 3)
	unsettled, err := f.store.UnsettledOrders(t.Context(), time.Now().Add(24*time.Hour), time.Now(), 10)
	require.NoError(t, err)
	require.Equal(t, []string{id}, unsettled)
	look, err := f.store.LookAtOrder(t.Context(), id)
	require.NoError(t, err)
	require.Len(t, look.Demands, 3, "the order's run settles them")
	for i, d := range look.Demands {
		require.Equal(t, order.Demand{ID: story.Demands[i].ID, Kind: order.DemandCancel, By: lifecycle.Client}, d.Demand)
	}
	f.orders.answerWith(func(context.Context, order.Demand) (order.DemandAnswer, error) {
		return order.DemandAnswer{}, errors.New("secret cause")
	})
	r := f.sendWithKey(http.MethodPost, "/v3/order/"+id+"/cancel", f.key, nil)
	require.Equal(t, http.StatusInternalServerError, r.status)
	require.Equal(t, "Internal server error", r.detail(t))
	require.Contains(t, f.logs.String(), "secret cause")
}

func TestDemandWaitsForALimitedTime(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	id := f.createOrder(nil)
	limited := make(chan bool, 1)
	f.orders.answerWith(func(ctx context.Context, _ order.Demand) (order.DemandAnswer, error) {
		_, ok := ctx.Deadline()
		limited <- ok
		return order.DemandAnswer{}, unavailableError{}
	})
	f.sendWithKey(http.MethodPost, "/v3/order/"+id+"/cancel", f.key, nil)
	require.True(t, <-limited)
}

func TestUpdateOrder(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	id := f.createOrder(map[string]any{"activate_by": "2026-03-09"})
	patch := func(id string, body any) reply { return f.sendWithKey(http.MethodPatch, "/v3/order/"+id, f.key, body) }

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

	r = patch(f.createOrder(nil), map[string]any{"activate_by": "2026-03-21"})
	require.Equal(t, http.StatusBadRequest, r.status)
	require.Equal(t, "The order was created without activate_by", r.detail(t))
}

// Days begin at midnight in the service's time zone.
func TestDaysAreThoseOfTheServicesTimeZone(t *testing.T) {
	t.Parallel()
	f := newFixture(t, inZone(t, "Pacific/Kiritimati")) // UTC+14: already the 5th
	r := f.sendWithKey(http.MethodPost, "/v3/order", f.key, f.orderBody(map[string]any{"activate_by": "2026-03-04"}))
	require.Equal(t, http.StatusUnprocessableEntity, r.status)
	o := f.order(f.createOrder(map[string]any{"activate_by": "2026-03-06"}))
	require.Equal(t, "2026-03-05T10:00:00Z", o.State.ActivateAt.Format("2006-01-02T15:04:05Z07:00"))
}
