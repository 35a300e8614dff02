package clustertest

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

// dialLimit is how long a target may take to accept a connection.
const dialLimit = 2 * time.Second

// balancer forwards each connection to the next of several targets that accepts it. It works on TCP connections only,
// as a service of Kubernetes does.
type balancer struct {
	listener net.Listener
	targets  []string
	serving  sync.WaitGroup

	mu          sync.Mutex
	next        int
	connections map[net.Conn]bool // nil: the balancer is closed
}

func newBalancer(ctx context.Context, targets []string) (*balancer, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	b := &balancer{listener: listener, targets: targets, connections: map[net.Conn]bool{}}
	b.serving.Go(b.serve)
	return b, nil
}

func (b *balancer) address() string { return b.listener.Addr().String() }

// close closes the listener and all connections, and returns when all goroutines of the balancer have ended.
func (b *balancer) close() {
	b.listener.Close()
	b.mu.Lock()
	for conn := range b.connections {
		conn.Close()
	}
	b.connections = nil
	b.mu.Unlock()
	b.serving.Wait()
}

func (b *balancer) serve() {
	for {
		conn, err := b.listener.Accept()
		if err != nil {
			return // the listener was closed
		}
		b.serving.Go(func() { b.forward(conn) })
	}
}

func (b *balancer) forward(from net.Conn) {
	defer from.Close()
	if !b.track(from) {
		return
	}
	defer b.untrack(from)
	to, err := b.dial()
	if err != nil {
		return // the caller sees that the connection ends, and tries again
	}
	defer to.Close()
	if !b.track(to) {
		return
	}
	defer b.untrack(to)

	var both sync.WaitGroup
	for _, way := range [][2]net.Conn{{from, to}, {to, from}} {
		both.Go(func() {
			_, _ = io.Copy(way[1], way[0]) // either end may close the connection
			from.Close()
			to.Close()
		})
	}
	both.Wait()
}

// dial connects to the next target that accepts.
func (b *balancer) dial() (net.Conn, error) {
	b.mu.Lock()
	first := b.next
	b.next++
	b.mu.Unlock()
	var errs []error
	dialer := net.Dialer{Timeout: dialLimit}
	for i := range b.targets {
		conn, err := dialer.DialContext(context.Background(), "tcp", b.targets[(first+i)%len(b.targets)])
		if err == nil {
			return conn, nil
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}

// track adds a connection to those that close ends. It reports whether the balancer is still open.
func (b *balancer) track(conn net.Conn) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.connections == nil {
		return false
	}
	b.connections[conn] = true
	return true
}

func (b *balancer) untrack(conn net.Conn) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.connections, conn)
}
