package e2e

import (
	"io"
	"net"
	"net/url"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// tcpProxy passes TCP connections on to a server until it is cut or stalled. A proxy that is cut closes all
// connections, and those that come later. A stalled one keeps them and passes nothing, as a network does that drops
// packets.
type tcpProxy struct {
	listener net.Listener
	target   string

	mu     sync.Mutex
	isCut  bool
	flows  chan struct{} // closed while bytes are passed
	open   map[net.Conn]bool
	copies sync.WaitGroup
}

// newTCPProxy starts a proxy in front of an address. It ends with the test.
func newTCPProxy(t testing.TB, target string) *tcpProxy {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p := &tcpProxy{listener: listener, target: target, open: map[net.Conn]bool{}, flows: make(chan struct{})}
	close(p.flows)
	p.copies.Go(p.accept)
	t.Cleanup(func() {
		_ = listener.Close() // it may be closed already
		p.cut()
		p.flow()
		p.copies.Wait()
	})
	return p
}

// proxiedDatabase returns a proxy in front of the database of a URL, and the URL that leads through it.
func proxiedDatabase(t testing.TB, database string) (*tcpProxy, string) {
	t.Helper()
	u, err := url.Parse(database)
	require.NoError(t, err)
	p := newTCPProxy(t, u.Host)
	u.Host = p.listener.Addr().String()
	return p, u.String()
}

func (p *tcpProxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.copies.Go(func() { p.pass(client) })
	}
}

func (p *tcpProxy) pass(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", p.target)
	if err != nil {
		return
	}
	defer server.Close()
	if !p.register(client, server) {
		return
	}
	var both sync.WaitGroup
	for _, pair := range [][2]net.Conn{{client, server}, {server, client}} {
		both.Go(func() {
			_, _ = io.Copy(pair[0], flowingReader{p, pair[1]}) // ends when one of them is closed
			_ = pair[0].Close()
			_ = pair[1].Close()
		})
	}
	both.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.open, client)
	delete(p.open, server)
}

// register notes the connections so that cut closes them. It returns false when the proxy is cut already.
func (p *tcpProxy) register(conns ...net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range conns {
		if !p.isCut {
			p.open[c] = true
		}
	}
	return !p.isCut
}

// cut closes all connections and those to come.
func (p *tcpProxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.isCut = true
	for c := range p.open {
		_ = c.Close()
	}
}

// stall keeps all connections, and passes nothing any more.
func (p *tcpProxy) stall() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.flows = make(chan struct{})
}

// flow passes bytes again.
func (p *tcpProxy) flow() {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.flows:
	default:
		close(p.flows)
	}
}

// restore lets new connections, and all bytes, through again.
func (p *tcpProxy) restore() {
	p.flow()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.isCut = false
}

// flowingReader reads from a connection and waits with what it has read while the proxy is stalled.
type flowingReader struct {
	proxy *tcpProxy
	conn  net.Conn
}

func (r flowingReader) Read(b []byte) (int, error) {
	n, err := r.conn.Read(b)
	r.proxy.mu.Lock()
	flows := r.proxy.flows
	r.proxy.mu.Unlock()
	<-flows
	return n, err
}
