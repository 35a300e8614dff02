package api_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/order"
)

// newRefusedOrder creates an order whose requisition the lab has refused.
func (f *fixture) newRefusedOrder() string {
	f.t.Helper()
	id := f.createOrder(nil)
	f.record(id, order.CauseCall(newID()), func(s order.State) order.Decision { return s.ApplyPlacementRefused(testTime) })
	return id
}

func TestRefusedOrdersArePlacedAgainInBulk(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	plain := f.createOrder(nil)
	var refused []any
	for range 5 {
		refused = append(refused, f.newRefusedOrder())
	}
	place := func(body map[string]any) map[string]any {
		t.Helper()
		r := f.ops(http.MethodPost, "/ops/orders/place", body)
		require.Equal(t, http.StatusOK, r.status, string(r.body))
		return r.json(t)
	}
	require.Equal(t, map[string]any{"placed": []any{}, "failed": []any{}, "next": ""},
		place(map[string]any{"lab_account_id": newID()}), "of another lab account")

	first := place(map[string]any{"limit": 3})
	require.Equal(t, map[string]any{"placed": refused[:3], "failed": []any{}, "next": refused[2]}, first)
	require.Equal(t, map[string]any{"placed": refused[3:], "failed": []any{}, "next": ""},
		place(map[string]any{"after": first["next"], "lab_account_id": f.order(plain).LabAccountID}))

	for _, id := range refused {
		s := f.order(id.(string)).State
		require.False(t, s.HasMark(order.AttentionPlacementRefused))
		require.True(t, s.WantsPlacement())
	}
	require.Equal(t, []any{}, place(map[string]any{})["placed"], "none is left")
	requireProblem(t, f.ops(http.MethodPost, "/ops/orders/place", map[string]any{"limit": 101}),
		[]any{"body", "limit"}, "less_than_equal")
}
