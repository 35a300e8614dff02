package fleet

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
)

// front stands before the replicas of the API, as a load balancer does: requests go to them in turn, past those that do not accept
// connections.
type front struct {
	server    *httptest.Server
	transport *http.Transport

	mu       sync.Mutex
	replicas []string
	next     int
}

func newFront() *front {
	f := &front{transport: &http.Transport{MaxIdleConnsPerHost: 128}}
	f.server = httptest.NewServer(&httputil.ReverseProxy{
		Transport: f,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: "http", Host: "replica"}) // which one, the transport says
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	})
	return f
}

func (f *front) add(replica string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.replicas = append(f.replicas, replica)
}

func (f *front) close() error {
	f.server.Close()
	f.transport.CloseIdleConnections()
	return nil
}

// turn lists the replicas in the order in which they are to be tried.
func (f *front) turn() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	first := f.next % len(f.replicas)
	f.next++
	return append(append([]string(nil), f.replicas[first:]...), f.replicas[:first]...)
}

// RoundTrip sends a request to the replica whose turn it is. One that cannot be connected to has got nothing of it, so the next one
// may have it.
func (f *front) RoundTrip(r *http.Request) (*http.Response, error) {
	var errs []error
	for _, replica := range f.turn() {
		sent := r.Clone(r.Context())
		sent.URL.Host = replica
		answer, err := f.transport.RoundTrip(sent)
		if err == nil {
			return answer, nil
		}
		errs = append(errs, err)
		var dial *net.OpError
		if !errors.As(err, &dial) || dial.Op != "dial" {
			break
		}
	}
	return nil, errors.Join(errs...)
}
