package e2e

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// apiSwitch sends requests to several APIs in turn.
type apiSwitch struct {
	t   testing.TB
	url string

	mu   sync.Mutex
	apis []*url.URL
	next int
}

// newAPISwitch starts a switch, which ends with the test. It serves requests after use.
func newAPISwitch(t testing.TB) *apiSwitch {
	t.Helper()
	a := &apiSwitch{t: t}
	server := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(a.nextAPI())
	}})
	t.Cleanup(server.Close)
	a.url = server.URL
	return a
}

// use sends further requests to these APIs only.
func (a *apiSwitch) use(urls ...string) {
	a.t.Helper()
	var apis []*url.URL
	for _, text := range urls {
		u, err := url.Parse(text)
		require.NoError(a.t, err)
		apis = append(apis, u)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.apis = apis
}

func (a *apiSwitch) nextAPI() *url.URL {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.next++
	return a.apis[a.next%len(a.apis)]
}

// TestASwitchTakesTurns is the control of tests with two APIs: both get requests.
func TestASwitchTakesTurns(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	got := map[string]int{}
	var urls []string
	for _, name := range []string{"a", "b"} {
		server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			got[name]++
		}))
		t.Cleanup(server.Close)
		urls = append(urls, server.URL)
	}
	s := newAPISwitch(t)
	call := func() {
		res, err := uncheckedClient.Get(s.url)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
	}
	s.use(urls...)
	call()
	call()
	s.use(urls[1])
	call()
	require.Equal(t, map[string]int{"a": 1, "b": 2}, got)
}
