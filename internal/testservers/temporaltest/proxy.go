package temporaltest

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// Call is a call that a client makes at a proxy.
type Call struct {
	Method string      // such as /temporal.api.workflowservice.v1.WorkflowService/CreateSchedule
	Header metadata.MD // such as authorization
}

// Proxy is a frontend of Temporal that refuses some calls and passes the others on.
type Proxy struct {
	Address string // host:port

	server   *grpc.Server
	upstream *grpc.ClientConn

	mu     sync.Mutex
	refuse func(Call) error
}

// Proxy starts a proxy in front of the server, which ends with the test. refuse returns the error with which a call is
// refused, or nil. Without a TLS configuration the proxy speaks plain text.
func (d *DevServer) Proxy(t testing.TB, secured *tls.Config, refuse func(Call) error) *Proxy {
	t.Helper()
	upstream, err := grpc.NewClient(d.Address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatalf("temporaltest: %v", err)
	}
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("temporaltest: %v", err)
	}
	p := &Proxy{Address: listener.Addr().String(), upstream: upstream, refuse: refuse}
	options := []grpc.ServerOption{grpc.UnknownServiceHandler(p.pass), grpc.ForceServerCodec(verbatim{})}
	if secured != nil {
		options = append(options, grpc.Creds(credentials.NewTLS(secured)))
	}
	p.server = grpc.NewServer(options...)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = p.server.Serve(listener) // it ends with Stop
	}()
	t.Cleanup(func() {
		p.server.Stop()
		<-ended
		_ = upstream.Close()
	})
	return p
}

// Refuse replaces the rule by which calls are refused.
func (p *Proxy) Refuse(refuse func(Call) error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refuse = refuse
}

func (p *Proxy) refusal(c Call) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.refuse(c)
}

// pass passes a call on. All calls of Temporal have one request and one answer.
func (p *Proxy) pass(_ any, stream grpc.ServerStream) error {
	method, _ := grpc.MethodFromServerStream(stream)
	header, _ := metadata.FromIncomingContext(stream.Context())
	if err := p.refusal(Call{Method: method, Header: header}); err != nil {
		return err
	}
	var request, answer []byte
	if err := stream.RecvMsg(&request); err != nil {
		return err
	}
	err := p.upstream.Invoke(outgoing(stream.Context(), header), method, &request, &answer, grpc.ForceCodec(verbatim{}))
	if err != nil {
		return err
	}
	return stream.SendMsg(&answer)
}

// outgoing returns a context with the headers of a call that do not belong to the connection.
func outgoing(ctx context.Context, header metadata.MD) context.Context {
	passed := metadata.MD{}
	for name, values := range header {
		if !strings.HasPrefix(name, ":") && name != "content-type" && name != "user-agent" {
			passed[name] = values
		}
	}
	return metadata.NewOutgoingContext(ctx, passed)
}

// verbatim passes messages as they are.
type verbatim struct{}

func (verbatim) Marshal(v any) ([]byte, error) {
	if message, ok := v.(*[]byte); ok {
		return *message, nil
	}
	return nil, errors.New("not a message of the proxy")
}

func (verbatim) Unmarshal(data []byte, v any) error {
	message, ok := v.(*[]byte)
	if !ok {
		return errors.New("not a message of the proxy")
	}
	*message = append([]byte(nil), data...)
	return nil
}

func (verbatim) Name() string { return "proto" }

// AdministrativeCalls returns a rule that refuses, with the given code, the calls that only administrators may make at
// a managed cluster: those of the operator service, and those that register namespaces and change schedules.
func AdministrativeCalls(code codes.Code) func(Call) error {
	return func(c Call) error {
		service, method, _ := strings.Cut(strings.TrimPrefix(c.Method, "/"), "/")
		switch {
		case strings.HasSuffix(service, ".OperatorService"):
		case method == "RegisterNamespace", method == "GetSearchAttributes":
		case method == "CreateSchedule", method == "UpdateSchedule":
		default:
			return nil
		}
		return status.Error(code, "Request unauthorized.")
	}
}
