// Package faultproxy gives tests a TCP proxy that stalls, resets and cuts connections.
package faultproxy

import (
	"context"
	"net"
	"sync"
	"testing"
)

// Fault is what a proxy does to its connections.
type Fault string

// The faults.
const (
	None  Fault = "none"
	Stall Fault = "stall" // bytes are taken and not passed on; new connections are accepted
	Reset Fault = "reset" // connections are reset, as by a host that has restarted
	Cut   Fault = "cut"   // connections are closed in order, as by a balancer
)

// Faults lists all faults but None.
func Faults() []Fault { return []Fault{Stall, Reset, Cut} }

// Proxy is a proxy in front of one address. It ends with its test.
type Proxy struct {
	Address string // host:port

	target   string
	listener net.Listener
	running  sync.WaitGroup

	mu    sync.Mutex
	fault Fault
	pairs map[*pair]struct{}
}

// pair is one connection through the proxy.
type pair struct {
	client, server *net.TCPConn
	stalled        bool
	released       chan struct{} // closed when a stalled pair passes bytes again, or ends
}

// Start starts a proxy in front of an address, host:port.
func Start(t testing.TB, target string) *Proxy {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("faultproxy: %v", err)
	}
	p := &Proxy{Address: listener.Addr().String(), target: target, listener: listener, fault: None,
		pairs: map[*pair]struct{}{}}
	p.running.Go(p.accept)
	t.Cleanup(func() {
		_ = listener.Close()
		p.Set(Cut)
		p.running.Wait()
	})
	return p
}

// Set makes a fault happen to all connections, those that are open and new ones. None lets stalled connections go on.
func (p *Proxy) Set(f Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fault = f
	for c := range p.pairs {
		p.apply(c, f)
	}
}

// SetOpen makes a fault happen to the connections that are open. New ones pass.
func (p *Proxy) SetOpen(f Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.pairs {
		p.apply(c, f)
	}
}

// Open returns how many connections are open.
func (p *Proxy) Open() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.pairs)
}

func (p *Proxy) apply(c *pair, f Fault) {
	if c.stalled {
		close(c.released)
	}
	c.stalled, c.released = f == Stall, make(chan struct{})
	if f == Reset {
		_, _ = c.client.SetLinger(0), c.server.SetLinger(0)
	}
	if f == Reset || f == Cut {
		_, _ = c.client.Close(), c.server.Close()
		delete(p.pairs, c)
	}
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		server, err := new(net.Dialer).DialContext(context.Background(), "tcp", p.target)
		if err != nil {
			_ = client.Close()
			continue
		}
		c := &pair{client: tcp(client), server: tcp(server), released: make(chan struct{})}
		p.mu.Lock()
		p.pairs[c] = struct{}{}
		p.apply(c, p.fault)
		p.mu.Unlock()
		p.running.Go(func() { p.pass(c, c.server, c.client) })
		p.running.Go(func() { p.pass(c, c.client, c.server) })
	}
}

// pass passes bytes on until one side ends.
func (p *Proxy) pass(c *pair, to, from *net.TCPConn) {
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		p.awaitRelease(c)
		if n > 0 {
			if _, failed := to.Write(buffer[:n]); failed != nil {
				err = failed
			}
		}
		if err != nil {
			_ = to.CloseWrite()
			p.drop(c)
			return
		}
	}
}

// awaitRelease waits while the connection is stalled.
func (p *Proxy) awaitRelease(c *pair) {
	for {
		p.mu.Lock()
		stalled, released := c.stalled, c.released
		p.mu.Unlock()
		if !stalled {
			return
		}
		<-released
	}
}

// drop closes both sides of a connection of which one has ended.
func (p *Proxy) drop(c *pair) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, open := p.pairs[c]; open {
		delete(p.pairs, c)
		_, _ = c.client.Close(), c.server.Close()
	}
}

// tcp returns a connection of a TCP listener or dialer with its own type.
func tcp(conn net.Conn) *net.TCPConn {
	own, ok := conn.(*net.TCPConn)
	if !ok {
		panic("faultproxy: a connection is not of TCP")
	}
	return own
}
