package e2e

import (
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/api"
	"github.com/aliquot-labs/aliquot/internal/apicontract"
)

// apiContract returns the API's OpenAPI document, against which the tests of this package check every response.
var apiContract = sync.OnceValue(func() *apicontract.Contract {
	document, err := api.Document()
	if err != nil {
		panic(err)
	}
	c, err := apicontract.New(document)
	if err != nil {
		panic(err)
	}
	return c
})

func checkingTransport(base http.RoundTripper) http.RoundTripper {
	return &apicontract.Transport{Contract: apiContract(), Prefixes: []string{"/v1/", "/v2/", "/v3/", "/ops/"}, Base: base}
}

// printUnanswered prints the operations without a checked response after a run of all tests.
func printUnanswered(w io.Writer) {
	if pattern := flag.Lookup("test.run").Value.String(); pattern != "" ||
		flag.Lookup("test.short").Value.String() == "true" {
		return
	}
	c := apiContract()
	left := c.UnansweredOperations()
	_, _ = fmt.Fprintf(w, "contract: %d of %d operations were answered as documented; never: %s\n",
		c.OperationCount()-len(left), c.OperationCount(), strings.Join(left, " ")) // the output is only informative
}

// newCheckingProxy starts a proxy of an API that checks its responses to clients that are not Go programs. It returns
// the proxy's address and a function that lists the violations.
func newCheckingProxy(t *testing.T, api string) (address string, broken func() []string) {
	t.Helper()
	target, err := url.Parse(api)
	require.NoError(t, err)
	var mu sync.Mutex
	var wrong []string
	proxy := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(target); r.Out.Host = r.In.Host },
		Transport: checkingTransport(http.DefaultTransport),
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
			mu.Lock()
			defer mu.Unlock()
			wrong = append(wrong, err.Error())
			w.WriteHeader(http.StatusBadGateway)
		},
	})
	t.Cleanup(proxy.Close)
	return proxy.URL, func() []string {
		mu.Lock()
		defer mu.Unlock()
		return wrong
	}
}

// uncheckedClient does not check responses against the contract.
var uncheckedClient = &http.Client{Timeout: timeout}

// TestAWrongAnswerIsNoticed is the control: a response that breaks the contract is an error for the caller, and the
// proxy records it.
func TestAWrongAnswerIsNoticed(t *testing.T) {
	t.Parallel()
	wrong := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Path == "/v3/orders" {
			_, _ = io.WriteString(w, `{"orders": [], "total": "none", "page": 1, "size": 50}`)
			return
		}
		w.WriteHeader(http.StatusTeapot)
	}))
	t.Cleanup(wrong.Close)
	proxy, broken := newCheckingProxy(t, wrong.URL)
	for _, path := range []string{"/v3/orders", "/v3/order/84d96c03-6b1c-4226-ad8f-ef44a6bc08af"} {
		_, err := apiClient.Get(wrong.URL + path) //nolint:bodyclose // there is no body
		require.ErrorContains(t, err, "breaks the contract", path)
		r, err := uncheckedClient.Get(proxy + path)
		require.NoError(t, err)
		require.NoError(t, r.Body.Close())
		require.Equal(t, http.StatusBadGateway, r.StatusCode)
	}
	require.Len(t, broken(), 2)
	require.Contains(t, broken()[0], "total")
	require.Contains(t, broken()[1], "418")
}
