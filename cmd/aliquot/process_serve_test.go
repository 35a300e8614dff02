package main

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/internal/childprocess"
)

// A proxy keeps connections open and sends requests on them until it has noticed that the process is stopping. Such
// requests are answered, and the answer closes the connection.
func TestAnIdleConnectionIsServedUntilTheDelayIsOver(t *testing.T) {
	t.Parallel()
	port, err := childprocess.FreePort(t.Context())
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	s := &gracefulServer{drainDelay: 5 * time.Second}
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	ended := make(chan error, 1)
	go func() { ended <- s.serve(ctx, newHTTPServer(address, http.NotFoundHandler())) }()

	var conn net.Conn
	require.Eventually(t, func() bool {
		conn, err = new(net.Dialer).DialContext(t.Context(), "tcp", address)
		return err == nil
	}, 10*time.Second, 10*time.Millisecond)
	defer conn.Close()
	answers := bufio.NewReader(conn)
	asked := func() (last bool) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+"/", nil)
		require.NoError(t, err)
		require.NoError(t, req.Write(conn))
		res, err := http.ReadResponse(answers, req)
		require.NoError(t, err)
		_, err = io.Copy(io.Discard, res.Body)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		return res.Close
	}
	require.False(t, asked())
	stop()
	require.Eventually(t, s.stopping.Load, 10*time.Second, time.Millisecond)
	require.True(t, asked(), "the proxy opens another one, elsewhere")
	require.NoError(t, <-ended)
}
