package main

import (
	"bufio"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// guardedServer serves HTTP behind a connectionGuard and returns the guard and the address.
func guardedServer(t *testing.T, trusted ...netip.Prefix) (*connectionGuard, string) {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	guard := newConnectionGuard(trusted, slog.New(slog.DiscardHandler))
	server := newHTTPServer("", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(w, r.Body)
	}))
	server.ReadHeaderTimeout, server.ConnState = time.Minute, guard.noteState
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(&guardedListener{listener, guard}) }()
	t.Cleanup(func() {
		_ = server.Close()
		require.ErrorIs(t, <-ended, http.ErrServerClosed)
		require.Eventually(t, func() bool { return guard.counts() == [3]int{} }, 10*time.Second, time.Millisecond,
			"every connection is forgotten")
	})
	return guard, listener.Addr().String()
}

// counts returns the connections that are open, wait for headers, and are idle.
func (g *connectionGuard) counts() [3]int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return [3]int{g.open, g.waiting.Len(), g.idle.Len()}
}

// dialFrom opens a connection from a local address and sends text.
func dialFrom(t *testing.T, local, address, text string) net.Conn {
	t.Helper()
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(local)}}
	conn, err := dialer.DialContext(t.Context(), "tcp", address)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	_, err = io.WriteString(conn, text)
	require.NoError(t, err)
	return conn
}

const (
	halfRequest  = "GET / HTTP/1.1\r\nHost: a\r\nX-Slow: "
	wholeRequest = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
)

// requireAnswer requires that a connection, on which a request was sent, is answered.
func requireAnswer(t *testing.T, conn net.Conn) {
	t.Helper()
	require.NoError(t, conn.SetReadDeadline(time.Now().Add(10*time.Second)))
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	require.Equal(t, http.StatusOK, res.StatusCode)
}

// requireClosed requires that the server closes a connection.
func requireClosed(t *testing.T, conn net.Conn) {
	t.Helper()
	require.NoError(t, conn.SetReadDeadline(time.Now().Add(10*time.Second)))
	_, err := io.ReadAll(conn)
	var timeout net.Error
	require.False(t, errors.As(err, &timeout) && timeout.Timeout(), "the connection is still open")
}

func TestConnectionsThatDoNotFinishTheirHeadersAreBounded(t *testing.T) {
	t.Parallel()
	guard, address := guardedServer(t)
	other := dialFrom(t, "127.0.0.2", address, halfRequest)
	var slow []net.Conn
	for range 2 * maxWaitingOfNetwork {
		slow = append(slow, dialFrom(t, "127.0.0.1", address, halfRequest))
	}
	require.Eventually(t, func() bool { return guard.counts()[1] == maxWaitingOfNetwork+1 }, 10*time.Second,
		time.Millisecond)
	for _, conn := range slow[:maxWaitingOfNetwork] {
		requireClosed(t, conn)
	}
	requireAnswer(t, dialFrom(t, "127.0.0.1", address, wholeRequest))
	_, err := io.WriteString(other, "x\r\n\r\n")
	require.NoError(t, err)
	requireAnswer(t, other) // another address is not touched
	newest := slow[len(slow)-1]
	_, err = io.WriteString(newest, "x\r\n\r\n")
	require.NoError(t, err)
	requireAnswer(t, newest)
}

// A connection that has been answered waits for headers again when the next request begins.
func TestASecondRequestsHeadersAreBoundedToo(t *testing.T) {
	t.Parallel()
	guard, address := guardedServer(t)
	for range maxWaitingOfNetwork + 40 {
		conn := dialFrom(t, "127.0.0.1", address, wholeRequest)
		requireAnswer(t, conn)
		_, err := io.WriteString(conn, halfRequest)
		require.NoError(t, err)
	}
	require.Eventually(t, func() bool { return guard.counts() == [3]int{maxWaitingOfNetwork, maxWaitingOfNetwork, 0} },
		10*time.Second, time.Millisecond)
}

// The control: a trusted proxy may have any number.
func TestTrustedProxiesAreExempt(t *testing.T) {
	t.Parallel()
	guard, address := guardedServer(t, netip.MustParsePrefix("127.0.0.1/32"))
	var slow []net.Conn
	for range maxWaitingOfNetwork + 20 {
		slow = append(slow, dialFrom(t, "127.0.0.1", address, halfRequest))
	}
	require.Eventually(t, func() bool { return guard.counts()[0] == len(slow) }, 10*time.Second, time.Millisecond)
	for _, conn := range slow {
		_, err := io.WriteString(conn, "x\r\n\r\n")
		require.NoError(t, err)
		requireAnswer(t, conn)
	}
	require.Equal(t, [3]int{len(slow), 0, 0}, guard.counts())
}

func TestNetworksOfConnections(t *testing.T) {
	t.Parallel()
	g := newConnectionGuard([]netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}, nil)
	for address, want := range map[string]string{
		"192.0.2.7:1": "192.0.2.7", "[::ffff:192.0.2.7]:1": "192.0.2.7", "10.1.2.3:1": "", "[::ffff:10.1.2.3]:1": "",
		"[2001:db8:1:2:3::4%eth0]:1": "2001:db8:1:2::/64", "[fd00::1]:1": "", "@": "",
	} {
		require.Equal(t, want, g.networkOf(textAddress(address)), address)
	}
}

// textAddress is a net.Addr.
type textAddress string

func (textAddress) Network() string  { return "tcp" }
func (a textAddress) String() string { return string(a) }
