package main

import (
	"container/list"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// Limits of the connections of a server. Those from trusted proxies, which stand for many callers, have none of these.
const (
	// maxWaitingOfNetwork is how many connections of one network address may be open without having sent all headers of
	// a request. The oldest one is closed for another one: a caller that sends its headers at once is served.
	maxWaitingOfNetwork = 256
	// maxWaiting is the same of all addresses.
	maxWaiting = maxConnections / 2
	// maxOpenOfNetwork is how many connections of one network address may be open. Another one is closed at once.
	maxOpenOfNetwork = maxConnections / 2
	// busyConnections is the number of connections from which on the connection that has been idle for longest is closed
	// for another one.
	busyConnections = maxConnections / 4 * 3

	closedLogInterval = time.Minute
)

// The phases of a connection.
const (
	phaseWaiting int32 = iota // the headers of a request have not arrived in full
	phaseActive               // a request is being answered
	phaseIdle                 // between two requests
	phaseClosed
)

// connectionGuard closes connections that keep others from being accepted: those that do not finish their headers, and
// the many ones of one address.
type connectionGuard struct {
	trusted []netip.Prefix
	logger  *slog.Logger

	mu        sync.Mutex
	waiting   *list.List            // connections of all addresses, oldest first
	waitingOf map[string]*list.List // of each address
	idle      *list.List            // the one that has been idle for longest first
	openOf    map[string]int
	open      int
	closed    int // since the last line of the log
	loggedAt  time.Time
}

func newConnectionGuard(trusted []netip.Prefix, logger *slog.Logger) *connectionGuard {
	return &connectionGuard{trusted: trusted, logger: logger, waiting: list.New(), waitingOf: map[string]*list.List{},
		idle: list.New(), openOf: map[string]int{}}
}

// guardedConn is a connection that a connectionGuard watches.
type guardedConn struct {
	net.Conn
	guard   *connectionGuard
	network string // empty: a trusted proxy
	phase   atomic.Int32

	inAll, inNetwork *list.Element // in waiting and waitingOf, or inAll in idle
}

// guardedListener is a listener whose connections a guard watches.
type guardedListener struct {
	net.Listener
	guard *connectionGuard
}

// Accept returns the next connection that may stay open.
func (l *guardedListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if c := l.guard.add(conn); c != nil {
			return c, nil
		}
	}
}

// add begins to watch a connection, and closes another one where there are too many. It returns nil when it has closed
// the new one.
func (g *connectionGuard) add(conn net.Conn) *guardedConn {
	c := &guardedConn{Conn: conn, guard: g, network: g.networkOf(conn.RemoteAddr())}
	g.mu.Lock()
	if c.network != "" && g.openOf[c.network] >= maxOpenOfNetwork {
		g.noteClosed(c.network)
		g.mu.Unlock()
		_ = conn.Close()
		return nil
	}
	g.open++
	var crowdedOut []*guardedConn
	if g.open > busyConnections {
		crowdedOut = append(crowdedOut, g.oldest(g.idle))
	}
	if c.network != "" {
		g.openOf[c.network]++
		crowdedOut = append(crowdedOut, g.enqueue(c))
	}
	g.mu.Unlock()
	closeAll(crowdedOut...)
	return c
}

// closeAll closes connections that may be nil. Their server notices, and calls Close.
func closeAll(connections ...*guardedConn) {
	for _, c := range connections {
		if c != nil {
			_ = c.Conn.Close()
		}
	}
}

// enqueue adds a connection to those that wait for headers. It returns the one that has to be closed for it, or nil.
func (g *connectionGuard) enqueue(c *guardedConn) *guardedConn {
	ofNetwork := g.waitingOf[c.network]
	if ofNetwork == nil {
		ofNetwork = list.New()
		g.waitingOf[c.network] = ofNetwork
	}
	c.inAll, c.inNetwork = g.waiting.PushBack(c), ofNetwork.PushBack(c)
	switch {
	case ofNetwork.Len() > maxWaitingOfNetwork:
		return g.oldest(ofNetwork)
	case g.waiting.Len() > maxWaiting:
		return g.oldest(g.waiting)
	}
	return nil
}

// oldest removes the first connection of a list from all lists and returns it; nil for an empty list.
func (g *connectionGuard) oldest(of *list.List) *guardedConn {
	first := of.Front()
	if first == nil {
		return nil
	}
	c, _ := first.Value.(*guardedConn)
	g.dequeue(c)
	g.noteClosed(c.network)
	return c
}

// dequeue removes a connection from the lists.
func (g *connectionGuard) dequeue(c *guardedConn) {
	if c.inNetwork != nil {
		g.waiting.Remove(c.inAll)
		ofNetwork := g.waitingOf[c.network]
		ofNetwork.Remove(c.inNetwork)
		if ofNetwork.Len() == 0 {
			delete(g.waitingOf, c.network)
		}
	} else if c.inAll != nil {
		g.idle.Remove(c.inAll)
	}
	c.inAll, c.inNetwork = nil, nil
}

// noteClosed counts a connection that the guard closes. It writes a line to the log at most once a minute.
func (g *connectionGuard) noteClosed(network string) {
	g.closed++
	now := time.Now()
	if now.Sub(g.loggedAt) < closedLogInterval {
		return
	}
	g.logger.Warn("connections were closed: there are too many without the headers of a request, or of one address",
		slog.Int("closed", g.closed), slog.String("last_address", network))
	g.closed, g.loggedAt = 0, now
}

// Read reads from the connection. The first bytes after an idle time begin the headers of a request.
func (c *guardedConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 && c.phase.Load() == phaseIdle {
		c.guard.change(c, phaseWaiting)
	}
	return n, err
}

// Close closes the connection and ends its watching.
func (c *guardedConn) Close() error {
	c.guard.change(c, phaseClosed)
	return c.Conn.Close()
}

// noteState is an http.Server's ConnState.
func (g *connectionGuard) noteState(conn net.Conn, state http.ConnState) {
	c, ok := conn.(*guardedConn)
	if !ok {
		return
	}
	switch state {
	case http.StateActive:
		g.change(c, phaseActive)
	case http.StateIdle:
		g.change(c, phaseIdle)
	case http.StateNew, http.StateHijacked, http.StateClosed: // the connection itself says so
	}
}

// change notes the phase of a connection.
func (g *connectionGuard) change(c *guardedConn, phase int32) {
	closeAll(g.enter(c, phase))
}

// enter notes the phase of a connection, and returns the connection that has to be closed for it, or nil.
func (g *connectionGuard) enter(c *guardedConn, phase int32) *guardedConn {
	g.mu.Lock()
	defer g.mu.Unlock()
	if c.phase.Load() == phaseClosed {
		return nil
	}
	c.phase.Store(phase)
	g.dequeue(c)
	switch {
	case phase == phaseClosed:
		g.forget(c)
	case c.network == "": // a trusted proxy's
	case phase == phaseWaiting:
		return g.enqueue(c)
	case phase == phaseIdle:
		c.inAll = g.idle.PushBack(c)
	}
	return nil
}

// forget stops counting a connection.
func (g *connectionGuard) forget(c *guardedConn) {
	g.open--
	if c.network == "" {
		return
	}
	if g.openOf[c.network]--; g.openOf[c.network] == 0 {
		delete(g.openOf, c.network)
	}
}

// networkOf returns the address of a caller, or for IPv6 its /64 network, which belongs to one subscriber; empty for a
// trusted proxy and for an address that is none.
func (g *connectionGuard) networkOf(remote net.Addr) string {
	at, err := netip.ParseAddrPort(remote.String())
	if err != nil {
		return ""
	}
	address := at.Addr().Unmap().WithZone("")
	for _, proxies := range g.trusted {
		if proxies.Contains(address) {
			return ""
		}
	}
	if address.Is4() {
		return address.String()
	}
	return netip.PrefixFrom(address, 64).Masked().String()
}
