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

// loadBalancer sends requests to the replicas of the API in turn. It skips replicas that do not accept connections.
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
			r.SetURL(&url.URL{Scheme: "http", Host: "replica"}) // the transport chooses the replica
		},
		ErrorHandler: writeUnavailable,
	})
	return f
}

// NotSentHeader is a header of responses to requests that no replica has received.
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

// nextReplicas lists the replicas in the order in which they are tried.
func (f *loadBalancer) nextReplicas() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	first := f.next % len(f.replicas)
	f.next++
	return append(append([]string(nil), f.replicas[first:]...), f.replicas[:first]...)
}

// RoundTrip sends a request to the next replica. If no connection to a replica can be opened, that replica has received
// nothing, so the request goes to the one after it.
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
