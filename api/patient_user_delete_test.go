package api_test

import (
	"net/http"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/store"
)

func TestUsersAreDeletedAndBroughtBack(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	create := func(clientID string) string {
		r := f.sendWithKey(http.MethodPost, "/v2/user", f.key, map[string]any{"client_user_id": clientID})
		require.Equal(t, http.StatusOK, r.status, string(r.body))
		return r.json(t)["user_id"].(string)
	}
	succeeds := func(method, path string) {
		t.Helper()
		r := f.sendWithKey(method, path, f.key, nil)
		require.Equal(t, http.StatusOK, r.status, string(r.body))
		require.Equal(t, map[string]any{"success": true}, r.json(t))
	}
	status := func(method, path string) int { return f.sendWithKey(method, path, f.key, nil).status }
	id := create("a&b")
	stranger := f.newKey(f.newTeam(store.Sandbox, ""), store.RoleClient)
	require.Equal(t, http.StatusNotFound, f.sendWithKey(http.MethodDelete, "/v2/user/"+id, stranger, nil).status)
	succeeds(http.MethodDelete, "/v2/user/"+id)
	require.Equal(t, http.StatusNotFound, status(http.MethodGet, "/v2/user/"+id))
	require.Equal(t, http.StatusNotFound, status(http.MethodDelete, "/v2/user/"+id))
	require.Equal(t, http.StatusNotFound, f.sendWithKey(http.MethodPost, "/v2/user/undo_delete?user_id="+id, stranger,
		nil).status)
	succeeds(http.MethodPost, "/v2/user/undo_delete?user_id="+id)
	require.Equal(t, http.StatusOK, status(http.MethodGet, "/v2/user/"+id))

	succeeds(http.MethodDelete, "/v2/user/"+id)
	succeeds(http.MethodPost, "/v2/user/undo_delete?client_user_id=a%26b")
	succeeds(http.MethodDelete, "/v2/user/"+id)
	require.NotEqual(t, id, create("a&b"))
	taken := f.sendWithKey(http.MethodPost, "/v2/user/undo_delete?user_id="+id, f.key, nil)
	require.Equal(t, http.StatusBadRequest, taken.status)
	require.Contains(t, string(taken.body), "same client_user_id")

	for query, want := range map[string]int{
		"": 422, "?user_id=" + id + "&client_user_id=x": 422, "?user_id=x": 422, "?user_id=" + uuid.NewString(): 404,
		"?client_user_id=nobody": 404,
	} {
		require.Equal(t, want, status(http.MethodPost, "/v2/user/undo_delete"+query), query)
	}
}
