package api_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// HEAD answers on every route as GET does, without the body.
func TestEveryGetRouteAnswersHead(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	id := f.createOrder(nil)
	compared, found := 0, 0
	for _, route := range f.routes() {
		method, pattern, _ := strings.Cut(route, " ")
		path := fillPathParameters(pattern, map[string]string{"order_id": id, "user_id": f.user, "lab_test_id": f.labTest})
		if method != http.MethodGet {
			continue
		}
		for _, key := range []string{f.opsKey, ""} {
			get, head := f.sendWithKey(http.MethodGet, path, key, nil), f.sendWithKey(http.MethodHead, path, key, nil)
			require.Equal(t, get.status, head.status, route)
			require.Equal(t, get.header.Get("Content-Type"), head.header.Get("Content-Type"), route)
			require.Equal(t, get.header.Get("Content-Security-Policy"), head.header.Get("Content-Security-Policy"), route)
			require.NotEmpty(t, head.header.Get("X-Request-Id"), route)
			require.Empty(t, head.body, route)
			if pattern != "/metrics" && !strings.HasPrefix(pattern, "/ops/audit") { // these change with every request
				require.Equal(t, strconv.Itoa(len(get.body)), head.header.Get("Content-Length"), route)
			}
			compared++
			if get.status == http.StatusOK {
				found++
			}
		}
	}
	require.Greater(t, compared, 100)
	require.Greater(t, found, 20)
	r := f.sendWithKey(http.MethodHead, "/v3/order", f.key, nil)
	require.Equal(t, http.StatusMethodNotAllowed, r.status, "control: a route without GET")
	require.Equal(t, http.MethodPost, r.header.Get("Allow"))
	require.Equal(t, http.StatusNotFound, f.sendWithKey(http.MethodHead, "/v3/nothing", f.key, nil).status)
}
