package api_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/store"
)

func TestOperationsKeyMayUseTheClientAPI(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	id := f.createOrder(nil)
	require.Equal(t, http.StatusOK, f.sendWithKey(http.MethodGet, "/v3/order/"+id, f.opsKey, nil).status)
	other := f.newKey(f.newTeam(store.Sandbox, ""), store.RoleOperations)
	require.Equal(t, http.StatusNotFound, f.sendWithKey(http.MethodGet, "/v3/order/"+id, other, nil).status,
		"its own team's orders only")
	require.Equal(t, http.StatusOK, f.sendWithKey(http.MethodGet, "/ops/orders/"+id, other, nil).status,
		"and every team's on the operations API")
}

func TestAuthenticationWithoutStore(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	require.NoError(t, f.store.Close())
	r := f.sendWithKey(http.MethodGet, "/v3/orders", f.key, nil)
	require.Equal(t, http.StatusInternalServerError, r.status)
	require.Equal(t, "Internal server error", r.detail(t))
}
