package api_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/api"
)

// quick is the server's timeout in these tests, and patient the timeout of the tests themselves.
const (
	shortLimit = 300 * time.Millisecond
	longWait   = 20 * time.Second
)

// serveRealServer serves the fixture's API with NewHTTPServer, with shorter timeouts.
func (f *fixture) serveRealServer(change func(*http.Server)) string {
	f.t.Helper()
	h, err := api.New(api.Deps{Store: f.store, Workflows: f.orders, Now: func() time.Time { return testTime },
		CourierSecrets: []string{courierSecret}})
	require.NoError(f.t, err)
	server := api.NewHTTPServer("", h)
	change(server)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(f.t, err)
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	f.t.Cleanup(func() {
		_ = server.Close()
		require.ErrorIs(f.t, <-ended, http.ErrServerClosed)
	})
	return listener.Addr().String()
}

func withShortLimits(s *http.Server) { s.ReadHeaderTimeout, s.ReadTimeout = shortLimit, shortLimit }

// sendSlowly sends the beginning of a request and never the rest. It returns the server's answer up to the end of the
// connection.
func sendSlowly(t *testing.T, address, beginning string, patience time.Duration) (answer string, closed bool) {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	require.NoError(t, err)
	defer conn.Close()
	_, err = io.WriteString(conn, beginning)
	require.NoError(t, err)
	require.NoError(t, conn.SetReadDeadline(time.Now().Add(patience)))
	b, err := io.ReadAll(bufio.NewReader(conn))
	return string(b), !errors.Is(err, os.ErrDeadlineExceeded)
}

func TestSlowCallersAreCutOff(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	address := f.serveRealServer(withShortLimits)
	head := "POST %s HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 100\r\n"
	at := func(path string) string { return strings.Replace(head, "%s", path, 1) }
	for name, tt := range map[string]struct{ sent, status string }{
		"nothing":                 {"", ""},
		"half a request line":     {"POST /v3/or", ""},
		"headers without end":     {at("/v3/order") + "X-A: b\r\n", ""},
		"body of a client":        {at("/v3/order") + "X-Vital-API-Key: " + f.key + "\r\n\r\n{\"user_id\"", " 408 "},
		"body of a lab":           {at("/webhooks/labs/molecular") + "\r\n{", " 400 "},
		"body of a courier":       {at("/webhooks/couriers/easypost") + "\r\n{", " 400 "},
		"body without a good key": {at("/v3/order") + "\r\n{", " 401 "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answer, closed := sendSlowly(t, address, tt.sent, longWait)
			require.True(t, closed, "the connection is still there")
			require.Contains(t, answer, tt.status)
		})
	}
}

// Control: without timeouts the connection of the test above stays open.
func TestWithoutLimitsSlowCallersStay(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	address := f.serveRealServer(func(s *http.Server) { s.ReadHeaderTimeout, s.ReadTimeout = 0, 0 })
	_, closed := sendSlowly(t, address, "POST /v3/or", 3*shortLimit)
	require.False(t, closed)
}

func TestHugeHeadersAreRefused(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	address := f.serveRealServer(func(*http.Server) {})
	answer, closed := sendSlowly(t, address, "GET /healthz HTTP/1.1\r\nHost: a\r\nX-A: "+strings.Repeat("x",
		64<<10)+"\r\n\r\n", longWait)
	require.True(t, closed)
	require.Contains(t, answer, " 431 ")
}
