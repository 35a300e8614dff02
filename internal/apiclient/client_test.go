package apiclient_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/aliquot-labs/aliquot/internal/apiclient"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newTestClient(t *testing.T, h http.HandlerFunc) *apiclient.Client {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	c := apiclient.New(server.URL+"/", "key-1")
	t.Cleanup(c.Close)
	return c
}

func TestCall(t *testing.T) {
	t.Parallel()
	c := newTestClient(t, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if r.Method != http.MethodPatch || r.URL.String() != "/ops/teams/1?x=y" ||
			r.Header.Get("x-vital-api-key") != "key-1" ||
			r.Header.Get("Content-Type") != "application/json" || string(body) != `{"a":1}` || err != nil {
			w.WriteHeader(http.StatusTeapot)
			return
		}
		_, _ = io.WriteString(w, `{"b": 2}`)
	})
	var out map[string]int
	require.NoError(t, c.Call(t.Context(), http.MethodPatch, "/ops/teams/1?x=y", map[string]int{"a": 1}, &out))
	require.Equal(t, map[string]int{"b": 2}, out)
}

func TestAPIErrors(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		status       int
		answer, want string
	}{
		"text": {http.StatusBadRequest, `{"detail":"Order is not cancellable"}`, "Order is not cancellable (status 400)"},
		"list": {
			http.StatusUnprocessableEntity,
			`{"detail":[{"loc":["query","size"],"msg":"too large"},{"loc":["body"],"msg":"missing"}]}`,
			"size: too large; missing (status 422)",
		},
		"object": {http.StatusBadRequest, `{"detail":{"error_type":"INVALID_REQUEST"}}`,
			`{"error_type":"INVALID_REQUEST"} (status 400)`},
		"none":   {http.StatusBadGateway, `<html>`, "Bad Gateway (status 502)"},
		"hidden": {http.StatusUnauthorized, ``, "Unauthorized (status 401)"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newTestClient(t, func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(test.status)
				_, _ = io.WriteString(w, test.answer)
			})
			err := c.Call(t.Context(), http.MethodGet, "/", nil, nil)
			var refused *apiclient.APIError
			require.ErrorAs(t, err, &refused)
			require.Equal(t, test.status, refused.Status)
			require.EqualError(t, err, test.want)
		})
	}
}

func TestUnreachableServer(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	c := apiclient.New(server.URL, "")
	err := c.Call(t.Context(), http.MethodGet, "/", nil, nil)
	var unreachable *apiclient.UnreachableError
	require.ErrorAs(t, err, &unreachable)
	require.Equal(t, server.URL, unreachable.URL)
}

func TestAnswerThatIsNoJSON(t *testing.T) {
	t.Parallel()
	c := newTestClient(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "fine") })
	var out map[string]int
	err := c.Call(t.Context(), http.MethodGet, "/", nil, &out)
	var syntax *json.SyntaxError
	require.ErrorAs(t, err, &syntax)
}
