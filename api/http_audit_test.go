package api_test

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/store"
)

// differingRequests returns the routes that change something and have no request, and the requests for other routes.
func differingRequests(attempts map[string]func() validRequest, routes []string) []string {
	var wrong []string
	for _, route := range routes {
		if attempts[route] == nil {
			wrong = append(wrong, route)
		}
	}
	for _, route := range slices.Sorted(maps.Keys(attempts)) {
		if !slices.Contains(routes, route) {
			wrong = append(wrong, route)
		}
	}
	return wrong
}

// A successful request to each route that changes something is in the audit, with the request's id.
func TestEveryChangeIsAudited(t *testing.T) {
	t.Parallel()
	h := newFullAPI(t)
	attempts, routes := h.validRequests(), mutating()
	require.Empty(t, differingRequests(attempts, routes))
	require.Equal(t, []string{"POST /v3/new"}, differingRequests(attempts, append(routes, "POST /v3/new")), "the control")
	for i, route := range routes {
		id := "change-" + strconv.Itoa(i) + "-" + newID()
		r := h.sendAsAdministrator(route, attempts[route](), "X-Request-Id", id)
		require.Less(t, r.status, http.StatusBadRequest, "%s: %s", route, r.body)
		require.True(t, h.isAudited(id), "%s is not audited", route)
	}
	require.False(t, h.isAudited("change-"+newID()), "the control")
}

// Every reading of patient data is in the audit.
func TestEveryReadOfPatientDataIsAudited(t *testing.T) {
	t.Parallel()
	h := newFullAPI(t)
	h.addInsurance(nil)
	seen := 0
	for _, scope := range []string{"own:read", "all:read", "all:change", "administer"} {
		for _, route := range scopesOfRoutes[scope] {
			if !strings.HasPrefix(route, "GET ") {
				continue
			}
			id := "sight-" + strconv.Itoa(seen) + "-" + newID()
			r := h.sendAsAdministrator(route, validRequest{}, "X-Request-Id", id)
			if r.status >= http.StatusBadRequest || !showsPatient(r) {
				continue
			}
			seen++
			require.True(t, h.isAudited(id), "%s is not audited", route)
		}
	}
	require.GreaterOrEqual(t, seen, 8)
}

func showsPatient(r reply) bool {
	return slices.ContainsFunc([]string{"Ann", "1990-01-01", "ann@example.com", "%PDF", `"results":[{`, `"1 Main St`},
		func(word string) bool {
			return strings.Contains(string(r.body), word)
		})
}

// isAudited reports whether the audit has a row of a request, with the API key that made it.
func (f *fixture) isAudited(requestID string) bool {
	f.t.Helper()
	log, err := f.store.AuditLog(f.t.Context(), store.AuditQuery{Size: 100})
	require.NoError(f.t, err)
	return slices.ContainsFunc(log, func(e store.AuditEntry) bool { return e.RequestID == requestID && e.APIKeyID != "" })
}
