package webhooks_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/webhooks"
)

const shortTimeout = 150 * time.Millisecond

func TestPostHangingReceiver(t *testing.T) {
	t.Parallel()
	url, _ := newReceiver(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	out := newSender(t, webhooks.SenderOptions{Timeout: shortTimeout}).Post(t.Context(), newAttempt(t, url))
	require.Equal(t, webhooks.FailureTimeout, out.Failure)
	require.Zero(t, out.StatusCode)
	require.GreaterOrEqual(t, out.Duration, shortTimeout)
}

// The timeout covers the body of the response too.
func TestPostSlowBody(t *testing.T) {
	t.Parallel()
	url, _ := newReceiver(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "almost")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	out := newSender(t, webhooks.SenderOptions{Timeout: shortTimeout}).Post(t.Context(), newAttempt(t, url))
	require.Equal(t, webhooks.FailureTimeout, out.Failure)
	require.False(t, out.Delivered)
	require.Equal(t, 200, out.StatusCode)
	require.Equal(t, "almost", string(out.Excerpt))
}

// A listener that never accepts connections does not respond to the handshake.
func TestPostHangingHandshake(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	out := newSender(t, webhooks.SenderOptions{Timeout: shortTimeout}).Post(t.Context(),
		newAttempt(t, "https://"+listener.Addr().String()))
	require.Equal(t, webhooks.FailureTimeout, out.Failure)
}

func TestPostBrokenConnections(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		answer func(*net.TCPConn)
		want   webhooks.Failure
		code   int
	}{
		"reset":    {func(c *net.TCPConn) { _ = c.SetLinger(0) }, webhooks.FailureConnect, 0},
		"closed":   {func(*net.TCPConn) {}, webhooks.FailureConnect, 0},
		"nonsense": {func(c *net.TCPConn) { _, _ = io.WriteString(c, "hello\r\n\r\n") }, webhooks.FailureConnect, 0},
		"endless header": {func(c *net.TCPConn) {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX: "+strings.Repeat("x", 1<<20)+"\r\n\r\n")
		}, webhooks.FailureConnect, 0},
		"body cut after 200": {func(c *net.TCPConn) {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab")
		}, webhooks.FailureNone, 200},
		"body cut after 500": {func(c *net.TCPConn) {
			_, _ = io.WriteString(c, "HTTP/1.1 500 No\r\nContent-Length: 9\r\n\r\nab")
		}, webhooks.FailureStatus, 500},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url, _ := newReceiver(t, func(w http.ResponseWriter, _ *http.Request) {
				conn, _, err := http.NewResponseController(w).Hijack()
				if err != nil {
					t.Errorf("hijack: %v", err)
					return
				}
				tt.answer(conn.(*net.TCPConn))
				_ = conn.Close()
			})
			out := newSender(t, webhooks.SenderOptions{}).Post(t.Context(), newAttempt(t, url))
			require.Equal(t, tt.want, out.Failure)
			require.Equal(t, tt.want == webhooks.FailureNone, out.Delivered)
			require.Equal(t, tt.code, out.StatusCode)
		})
	}
}

func TestPostConnectionRefused(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	out := newSender(t, webhooks.SenderOptions{}).Post(t.Context(), newAttempt(t, "http://"+listener.Addr().String()))
	require.Equal(t, webhooks.FailureConnect, out.Failure)
}

// An endless body is read up to a limit. Then its connection is closed.
func TestPostHugeBody(t *testing.T) {
	t.Parallel()
	var written atomic.Int64
	ended := make(chan struct{})
	url, _ := newReceiver(t, func(w http.ResponseWriter, _ *http.Request) {
		defer close(ended)
		chunk := bytes.Repeat([]byte("0123456789abcdef"), 256)
		for {
			n, err := w.Write(chunk)
			written.Add(int64(n))
			if err != nil {
				return
			}
		}
	})
	out := newSender(t, webhooks.SenderOptions{}).Post(t.Context(), newAttempt(t, url))
	require.True(t, out.Delivered)
	require.Len(t, out.Excerpt, 1024)
	require.Equal(t, 1024, cap(out.Excerpt), "only the excerpt stays in memory")
	require.Equal(t, "0123456789abcdef", string(out.Excerpt[:16]))
	<-ended // the receiver could not go on writing
	require.GreaterOrEqual(t, written.Load(), int64(64<<10))
}

// Attempts reuse a connection. When the receiver has closed it, the request is repeated within the same attempt.
func TestPostReusesConnections(t *testing.T) {
	t.Parallel()
	var requests atomic.Int32
	peers := make(chan string, 8)
	url, _ := newReceiver(t, func(w http.ResponseWriter, r *http.Request) {
		peers <- r.RemoteAddr
		if requests.Add(1) != 3 {
			_, _ = io.WriteString(w, "thanks")
			return
		}
		if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
			_ = conn.Close()
		}
	})
	s, a := newSender(t, webhooks.SenderOptions{}), newAttempt(t, url)
	for range 3 {
		require.True(t, s.Post(t.Context(), a).Delivered)
	}
	require.Len(t, peers, 4)
	first, second, third, again := <-peers, <-peers, <-peers, <-peers
	require.Equal(t, first, second)
	require.Equal(t, first, third)
	require.NotEqual(t, first, again)
}

func newTLSReceiver(t *testing.T, config *tls.Config) (url string, roots *x509.CertPool) {
	t.Helper()
	server := httptest.NewUnstartedServer(respondWith(200))
	server.TLS = config
	server.EnableHTTP2 = true
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // failed handshakes are expected
	server.StartTLS()
	t.Cleanup(server.Close)
	roots = x509.NewCertPool()
	roots.AddCert(server.Certificate())
	return server.URL, roots
}

func TestPostTLS(t *testing.T) {
	t.Parallel()
	modern, modernRoots := newTLSReceiver(t, nil)
	old, oldRoots := newTLSReceiver(t, &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11})
	plain, _ := newReceiver(t, respondWith(200))
	tests := map[string]struct {
		url   string
		roots *x509.CertPool
		want  webhooks.Failure
	}{
		"trusted":             {modern, modernRoots, webhooks.FailureNone},
		"untrusted authority": {modern, x509.NewCertPool(), webhooks.FailureTLS},
		"system authorities":  {modern, nil, webhooks.FailureTLS},
		"other name":          {strings.Replace(modern, "127.0.0.1", "localhost", 1), modernRoots, webhooks.FailureTLS},
		"TLS 1.1":             {old, oldRoots, webhooks.FailureTLS},
		"no TLS at all":       {strings.Replace(plain, "http:", "https:", 1), nil, webhooks.FailureTLS},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSender(t, webhooks.SenderOptions{RootCAs: tt.roots, Guard: newGuard(t, loopback, "::1/128")})
			out := s.Post(t.Context(), newAttempt(t, tt.url))
			require.Equal(t, tt.want, out.Failure)
			require.Equal(t, tt.want == webhooks.FailureNone, out.Delivered)
		})
	}
}

func TestPostRefusesAddressesAndURLs(t *testing.T) {
	t.Parallel()
	url, deliveries := newReceiver(t, respondWith(200))
	strict := newSender(t, webhooks.SenderOptions{Guard: newGuard(t)})
	for name, tt := range map[string]struct {
		url  string
		want webhooks.Failure
	}{
		"loopback":  {url, webhooks.FailureRefusedAddress},
		"localhost": {strings.Replace(url, "127.0.0.1", "localhost", 1), webhooks.FailureRefusedAddress},
		"metadata":  {"http://169.254.169.254/latest/meta-data/", webhooks.FailureRefusedAddress},
		"mapped":    {strings.Replace(url, "127.0.0.1", "[::ffff:127.0.0.1]", 1), webhooks.FailureRefusedAddress},
		"scheme":    {strings.Replace(url, "http:", "ftp:", 1), webhooks.FailureBadURL},
		"no URL":    {"://", webhooks.FailureBadURL},
		"empty":     {"", webhooks.FailureBadURL},
	} {
		out := strict.Post(t.Context(), newAttempt(t, tt.url))
		require.Equal(t, tt.want, out.Failure, name)
		require.False(t, out.Delivered, name)
	}
	defaults := webhooks.NewSender(webhooks.SenderOptions{})
	t.Cleanup(defaults.Close)
	require.Equal(t, webhooks.FailureRefusedAddress, defaults.Post(t.Context(), newAttempt(t, url)).Failure)
	require.Empty(t, deliveries)
}

// A public name can resolve to a private address. The address of the connection decides.
func TestPostRefusesNameOfPrivateAddress(t *testing.T) {
	t.Parallel()
	url, deliveries := newReceiver(t, respondWith(200))
	_, port, err := net.SplitHostPort(strings.TrimPrefix(url, "http://"))
	require.NoError(t, err)
	named := fmt.Sprintf("http://receiver.example.com:%s/", port)
	resolver := newResolver(t, [4]byte{127, 0, 0, 1})

	strict := newSender(t, webhooks.SenderOptions{Guard: newGuard(t), Resolver: resolver})
	require.NoError(t, newGuard(t).CheckURL(named))
	require.Equal(t, webhooks.FailureRefusedAddress, strict.Post(t.Context(), newAttempt(t, named)).Failure)
	require.Empty(t, deliveries)

	lenient := newSender(t, webhooks.SenderOptions{Resolver: resolver})
	require.True(t, lenient.Post(t.Context(), newAttempt(t, named)).Delivered, "control: the name resolves to it")
	require.Len(t, deliveries, 1)
}

// A name can resolve to an allowed address at one attempt and to a refused one at the next. Each connection is checked.
func TestPostRefusesNamesThatChangeTheirAddress(t *testing.T) {
	t.Parallel()
	url, deliveries := newReceiver(t,
		func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Connection", "close") })
	_, port, err := net.SplitHostPort(strings.TrimPrefix(url, "http://"))
	require.NoError(t, err)
	named := fmt.Sprintf("http://receiver.example.com:%s/", port)
	var now atomic.Pointer[[4]byte]
	now.Store(&[4]byte{127, 0, 0, 1})
	s := newSender(t, webhooks.SenderOptions{Guard: newGuard(t, "127.0.0.1/32"),
		Resolver: newChangingResolver(t, now.Load)})
	require.True(t, s.Post(t.Context(), newAttempt(t, named)).Delivered, "control: the address is allowed")
	for name, text := range refusedAddresses {
		address := netip.MustParseAddr(text)
		if !address.Is4() || text == "127.0.0.1" {
			continue
		}
		bytes := address.As4()
		now.Store(&bytes)
		require.Equal(t, webhooks.FailureRefusedAddress, s.Post(t.Context(), newAttempt(t, named)).Failure, name)
	}
	now.Store(&[4]byte{127, 0, 0, 1})
	require.True(t, s.Post(t.Context(), newAttempt(t, named)).Delivered)
	require.Len(t, deliveries, 2)
}

// newResolver returns a resolver that resolves every name to one IPv4 address, by a name server on this machine.
func newResolver(t *testing.T, address [4]byte) *net.Resolver {
	t.Helper()
	return newChangingResolver(t, func() *[4]byte { return &address })
}

// newChangingResolver returns a resolver that resolves every name to the IPv4 address that the function returns.
func newChangingResolver(t *testing.T, address func() *[4]byte) *net.Resolver {
	t.Helper()
	server, err := net.ListenPacket("udp4", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = server.Close() })
	go func() {
		query := make([]byte, 1500)
		for {
			n, from, err := server.ReadFrom(query)
			if err != nil {
				return
			}
			_, _ = server.WriteTo(dnsAnswer(query[:n], *address()), from)
		}
	}()
	return &net.Resolver{
		PreferGo: true,
		Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "udp4", server.LocalAddr().String())
		},
	}
}

// dnsAnswer returns the response to a query: the address for an A record, and no record for any other type.
func dnsAnswer(query []byte, address [4]byte) []byte {
	const header, typeA = 12, 1
	end := header + bytes.IndexByte(query[header:], 0) + 1 // of the name
	question := query[header : end+4]
	isA := query[end+1] == typeA
	answer := []byte{query[0], query[1], 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0}
	if !isA {
		return append(answer, question...)
	}
	answer[7] = 1
	answer = append(answer, question...)
	answer = append(answer, 0xc0, header, 0, typeA, 0, 1, 0, 0, 0, 0, 0, 4) // name, type, class, lifetime, length
	return append(answer, address[:]...)
}
