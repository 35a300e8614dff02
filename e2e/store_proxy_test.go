package e2e

import (
	"context"
	"io"
	"net"
	"net/url"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// storeProxy forwards TCP connections to the database of one process. While it is cut, it closes every connection, and
// the process reaches everything but its store.
type storeProxy struct {
	listener net.Listener
	target   string
	serving  sync.WaitGroup

	mu          sync.Mutex
	isCut       bool
	connections map[net.Conn]bool
}

// newStoreProxy starts a proxy of the database at a URL of PostgreSQL, and returns it with the URL of the same database
// behind the proxy. It ends with the test.
func newStoreProxy(t testing.TB, database string) (p *storeProxy, behind string) {
	t.Helper()
	at, err := url.Parse(database)
	require.NoError(t, err)
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p = &storeProxy{listener: listener, target: at.Host, connections: map[net.Conn]bool{}}
	p.serving.Go(p.serve)
	t.Cleanup(func() {
		require.NoError(t, listener.Close())
		p.cut()
		p.serving.Wait()
	})
	at.Host = listener.Addr().String()
	return p, at.String()
}

// cut closes all connections, and every new one until mend.
func (p *storeProxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.isCut = true
	for c := range p.connections {
		_ = c.Close() // its other end may have closed it
	}
}

// mend forwards new connections again.
func (p *storeProxy) mend() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.isCut = false
}

func (p *storeProxy) serve() {
	for {
		conn, err := p.listener.Accept()
		if err != nil {
			return // the listener was closed
		}
		p.serving.Go(func() { p.forward(conn) })
	}
}

func (p *storeProxy) forward(from net.Conn) {
	defer func() { _ = from.Close() }()
	if !p.track(from) {
		return
	}
	defer p.forget(from)
	to, err := new(net.Dialer).DialContext(context.Background(), "tcp", p.target)
	if err != nil {
		return // the caller sees that the connection ends
	}
	defer func() { _ = to.Close() }()
	if !p.track(to) {
		return
	}
	defer p.forget(to)

	var both sync.WaitGroup
	for _, way := range [][2]net.Conn{{from, to}, {to, from}} {
		both.Go(func() {
			_, _ = io.Copy(way[1], way[0]) // either end may close the connection
			_, _ = from.Close(), to.Close()
		})
	}
	both.Wait()
}

// track adds a connection to those that cut closes. It reports whether the proxy forwards now.
func (p *storeProxy) track(c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.isCut {
		p.connections[c] = true
	}
	return !p.isCut
}

func (p *storeProxy) forget(c net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.connections, c)
}
