package deployment

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
)

// loadBalancer stands before the replicas of the API, as a load balancer does: requests go to them in turn, past those that do not accept
// connections.
type loadBalancer struct {
	server    *httptest.Server
	transport *http.Transport

	mu       sync.Mutex
	replicas []string
	next     int
}

func newLoadBalancer() *loadBalancer {
	f := &loadBalancer{transport: &http.Transport{MaxIdleConnsPerHost: 128}}
	f.server = httptest.NewServer(&httputil.ReverseProxy{
		Transport: f,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: "http", Host: "replica"}) // which one, the transport says
		},
		ErrorHandler: writeUnavailable,
	})
	return f
}

// NotSentHeader is a header of answers to requests that no replica has got.
const NotSentHeader = "X-Not-Sent"

var errNotSent = errors.New("no replica takes connections")

func writeUnavailable(w http.ResponseWriter, _ *http.Request, err error) {
	if errors.Is(err, errNotSent) {
		w.Header().Set(NotSentHeader, "1")
	}
	w.WriteHeader(http.StatusBadGateway)
}

func (f *loadBalancer) add(replica string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.replicas = append(f.replicas, replica)
}

func (f *loadBalancer) close() error {
	f.server.Close()
	f.transport.CloseIdleConnections()
	return nil
}

// nextReplicas lists the replicas in the order in which they are to be tried.
func (f *loadBalancer) nextReplicas() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	first := f.next % len(f.replicas)
	f.next++
	return append(append([]string(nil), f.replicas[first:]...), f.replicas[:first]...)
}

// RoundTrip sends a request to the replica whose turn it is. One that cannot be connected to has got nothing of it, so the next one
// may have it.
func (f *loadBalancer) RoundTrip(r *http.Request) (*http.Response, error) {
	for _, replica := range f.nextReplicas() {
		sent := r.Clone(r.Context())
		sent.URL.Host = replica
		answer, err := f.transport.RoundTrip(sent)
		if err == nil {
			return answer, nil
		}
		var dial *net.OpError
		if !errors.As(err, &dial) || dial.Op != "dial" {
			return nil, err
		}
	}
	return nil, errNotSent
}
