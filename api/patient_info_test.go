package api_test

import (
	"maps"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/store"
)

func TestUserInfo(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	path := "/v2/user/" + f.user + "/info"
	require.Equal(t, http.StatusNotFound, f.sendWithKey(http.MethodGet, path+"/latest", f.key, nil).status,
		"nobody has said")

	address := map[string]any{"first_line": "1 Main St", "second_line": "Unit 4", "country": "US", "zip": "85004",
		"city": "Phoenix", "state": "AZ"}
	info := map[string]any{
		"first_name": "Ann", "last_name": "Lee", "email": "ann@example.com", "phone_number": "+16025550123",
		"gender": "Female",
		"dob":    "1990-01-01", "address": address, "race": "asian",
		"medical_proxy": map[string]any{"first_name": "Bo", "last_name": "Lee", "address": address,
			"phone_number": "+16025550124"},
	}
	put := f.sendWithKey(http.MethodPatch, path, f.key, info)
	require.Equal(t, http.StatusOK, put.status, string(put.body))
	want := maps.Clone(info)
	want["gender"] = "female"
	require.Equal(t, want, put.json(t))
	read := f.sendWithKey(http.MethodGet, path+"/latest", f.key, nil)
	require.Equal(t, http.StatusOK, read.status)
	require.Equal(t, want, read.json(t))

	delete(info, "race")
	info["medical_proxy"] = nil
	require.Equal(t, http.StatusOK, f.sendWithKey(http.MethodPatch, path, f.key, info).status)
	now := f.sendWithKey(http.MethodGet, path+"/latest", f.key, nil).json(t)
	require.NotContains(t, now, "race", "all at once")
	require.NotContains(t, now, "medical_proxy")

	stranger := f.newKey(f.newTeam(store.Sandbox, ""), store.RoleClient)
	require.Equal(t, http.StatusNotFound, f.sendWithKey(http.MethodGet, path+"/latest", stranger, nil).status)
	require.Equal(t, http.StatusNotFound, f.sendWithKey(http.MethodPatch, path, stranger, info).status)
	info["first_name"] = "-"
	requireProblem(t, f.sendWithKey(http.MethodPatch, path, f.key, info), []any{"body", "first_name"},
		"string_pattern_mismatch")
	delete(info, "first_name")
	requireProblem(t, f.sendWithKey(http.MethodPatch, path, f.key, info), []any{"body", "first_name"}, "missing")
}
