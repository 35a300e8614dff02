package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"

	"github.com/aliquot-labs/aliquot/internal/settings"
	"github.com/aliquot-labs/aliquot/internal/testservers/certtest"
)

// securedFrontend is a Temporal frontend that answers a client's first call, with mutual TLS.
type securedFrontend struct {
	workflowservice.UnimplementedWorkflowServiceServer

	address string
	mu      sync.Mutex
	keys    []string // the authorization headers of calls
	names   []string // of the client certificates
}

func (s *securedFrontend) GetSystemInfo(ctx context.Context,
	_ *workflowservice.GetSystemInfoRequest) (*workflowservice.GetSystemInfoResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	headers, _ := metadata.FromIncomingContext(ctx)
	s.keys = append(s.keys, headers.Get("authorization")...)
	if from, ok := peer.FromContext(ctx); ok {
		shown := from.AuthInfo.(credentials.TLSInfo).State.PeerCertificates
		s.names = append(s.names, shown[0].Subject.CommonName)
	}
	return &workflowservice.GetSystemInfoResponse{}, nil
}

func newSecuredFrontend(t *testing.T, authority *certtest.Authority) *securedFrontend {
	t.Helper()
	pair := authority.Issue(t, "temporal")
	certificate, err := tls.LoadX509KeyPair(pair.Cert, pair.Key)
	require.NoError(t, err)
	content, err := os.ReadFile(authority.File)
	require.NoError(t, err)
	clients := x509.NewCertPool()
	require.True(t, clients.AppendCertsFromPEM(content))
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	server := grpc.NewServer(grpc.Creds(credentials.NewTLS(&tls.Config{
		MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{certificate}, ClientCAs: clients,
		ClientAuth: tls.RequireAndVerifyClientCert,
	})))
	s := &securedFrontend{address: listener.Addr().String()}
	workflowservice.RegisterWorkflowServiceServer(server, s)
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(listener) }() // ends with Stop
	t.Cleanup(func() { server.Stop(); <-done })
	return s
}

// dialWith connects with the settings of these environment variables.
func dialWith(t *testing.T, environ ...string) error {
	t.Helper()
	set, err := settings.LoadRollout(environ)
	require.NoError(t, err)
	temporal, err := dialTemporalOnce(t.Context(), set.Temporal, telemetry{}, slog.New(slog.DiscardHandler))
	if err == nil {
		temporal.Close()
	}
	return err
}

func TestTemporalIsReachedWithMutualTLSAndAnAPIKey(t *testing.T) {
	t.Parallel()
	authority, stranger := certtest.NewAuthority(t), certtest.NewAuthority(t)
	s := newSecuredFrontend(t, authority)
	ours, theirs := authority.Issue(t, "aliquot"), stranger.Issue(t, "aliquot")
	at, ca := "ALIQUOT_TEMPORAL="+s.address, "ALIQUOT_TEMPORAL_CA_FILE="+authority.File
	pair := func(p certtest.Pair) (string, string) {
		return "ALIQUOT_TEMPORAL_CERT_FILE=" + p.Cert, "ALIQUOT_TEMPORAL_KEY_FILE=" + p.Key
	}
	cert, key := pair(ours)
	keyFile := t.TempDir() + "/key"
	require.NoError(t, os.WriteFile(keyFile, []byte("key-1\n"), 0o600))

	require.NoError(t, dialWith(t, at, ca, cert, key, "ALIQUOT_TEMPORAL_API_KEY_FILE="+keyFile))
	s.mu.Lock()
	require.Contains(t, s.keys, "Bearer key-1")
	require.Contains(t, s.names, "aliquot")
	s.mu.Unlock()
	require.NoError(t, dialWith(t, at, ca, cert, key, "ALIQUOT_TEMPORAL_SERVER_NAME=localhost"))

	strangeCert, strangeKey := pair(theirs)
	for name, environ := range map[string][]string{
		"their authority":         {at, "ALIQUOT_TEMPORAL_CA_FILE=" + stranger.File, cert, key},
		"the system's":            {at, cert, key},
		"another name":            {at, ca, cert, key, "ALIQUOT_TEMPORAL_SERVER_NAME=temporal.example"},
		"no certificate":          {at, ca},
		"one of another's making": {at, ca, strangeCert, strangeKey},
		"without TLS":             {at},
	} {
		require.Error(t, dialWith(t, environ...), name)
	}
}

// The next connection uses a renewed certificate, and the one before while the files hold no pair.
func TestARenewedCertificateIsTaken(t *testing.T) {
	t.Parallel()
	authority := certtest.NewAuthority(t)
	s := newSecuredFrontend(t, authority)
	pair, renewed := authority.Issue(t, "first"), authority.Issue(t, "second")
	set, err := settings.LoadRollout([]string{
		"ALIQUOT_TEMPORAL=" + s.address, "ALIQUOT_TEMPORAL_CA_FILE=" + authority.File,
		"ALIQUOT_TEMPORAL_CERT_FILE=" + pair.Cert, "ALIQUOT_TEMPORAL_KEY_FILE=" + pair.Key,
	})
	require.NoError(t, err)
	var logged bytes.Buffer
	options, err := temporalOptions(set.Temporal, slog.New(slog.NewTextHandler(&logged, nil)))
	require.NoError(t, err)
	shown := func() string {
		connection, err := (&tls.Dialer{Config: options.ConnectionOptions.TLS}).DialContext(t.Context(), "tcp", s.address)
		require.NoError(t, err)
		require.NoError(t, connection.Close())
		offered, err := options.ConnectionOptions.TLS.GetClientCertificate(nil)
		require.NoError(t, err)
		parsed, err := x509.ParseCertificate(offered.Certificate[0])
		require.NoError(t, err)
		return parsed.Subject.CommonName
	}
	require.Equal(t, "first", shown())
	require.NoError(t, os.Rename(renewed.Cert, pair.Cert))
	require.NoError(t, os.Rename(renewed.Key, pair.Key))
	require.Equal(t, "second", shown())
	require.Empty(t, logged.String())
	require.NoError(t, os.WriteFile(pair.Key, nil, 0o600))
	require.Equal(t, "second", shown(), "files that hold no pair change nothing")
	require.Equal(t, 1, strings.Count(logged.String(), "the one before is used"), "logged once")
	require.Contains(t, logged.String(), "ALIQUOT_TEMPORAL_CERT_FILE")
}
