// Package temporaltest gives tests a real Temporal development server and their own namespaces on it.
package temporaltest

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/aliquot-labs/aliquot/internal/childprocess"
)

const (
	// addressVariable names the environment variable with the address of a running server that tests use instead of
	// starting one.
	addressVariable = "ALIQUOT_TEST_TEMPORAL_ADDR"
	// binaryVariable names the environment variable with the path of the Temporal program.
	binaryVariable = "ALIQUOT_TEST_TEMPORAL"
)

// retention is how long closed workflows can be read. It is the shortest retention that Temporal accepts.
const retention = 24 * time.Hour

// namespacePatience bounds the creation of a namespace.
const namespacePatience = 30 * time.Second

// DevServer is a Temporal development server.
type DevServer struct {
	// Address is the host:port of its frontend.
	Address string
	// process is nil for a server that this process did not start.
	process *childprocess.Process
}

// startShared starts the server of this process. It ends with the process.
var startShared = sync.OnceValues(func() (*DevServer, error) {
	return startServer(context.Background(), Options{})
})

// SharedServer returns the server that all tests of this process share: the one at ALIQUOT_TEST_TEMPORAL_ADDR, else an
// in-memory server that the first call starts. The test fails if there is no Temporal program.
func SharedServer(t testing.TB) *DevServer {
	t.Helper()
	if address := os.Getenv(addressVariable); address != "" {
		return &DevServer{Address: address}
	}
	d, err := startShared()
	if err != nil {
		t.Fatalf("temporaltest: %v", err)
	}
	return d
}

// Start starts a server for one test. The test may stop or kill it and start it again with the same file and port. The
// server is stopped when the test ends.
func Start(t testing.TB, o Options) *DevServer {
	t.Helper()
	d, err := startServer(t.Context(), o)
	if err != nil {
		t.Fatalf("temporaltest: %v", err)
	}
	t.Cleanup(func() { d.Stop(t) })
	return d
}

// Stop stops a server that Start returned and waits until it has ended. A second call does nothing.
func (d *DevServer) Stop(t testing.TB) {
	t.Helper()
	if err := d.process.Stop(); err != nil {
		t.Errorf("temporaltest: %v", err)
	}
}

// Kill ends a server that Start returned immediately, as a crash would.
func (d *DevServer) Kill(t testing.TB) {
	t.Helper()
	if err := d.process.Kill(); err != nil {
		t.Errorf("temporaltest: %v", err)
	}
}

// Namespace registers a new namespace and returns its name when the server accepts workflows in it.
func (d *DevServer) Namespace(t testing.TB) string {
	t.Helper()
	name := "test-" + strings.ToLower(rand.Text())
	if err := d.registerNamespace(t.Context(), name); err != nil {
		t.Fatalf("temporaltest: registering namespace %s: %v", name, err)
	}
	return name
}

func (d *DevServer) registerNamespace(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(ctx, namespacePatience)
	defer cancel()
	c, err := d.dial(name)
	if err != nil {
		return err
	}
	defer c.Close()
	_, err = c.WorkflowService().RegisterNamespace(ctx, &workflowservice.RegisterNamespaceRequest{
		Namespace:                        name,
		WorkflowExecutionRetentionPeriod: durationpb.New(retention),
	})
	if err != nil {
		return err
	}

	// The services of the server learn of a new namespace one after the other.
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		reachErr := checkNamespace(ctx, c, name)
		if reachErr == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return reachErr
		case <-tick.C:
		}
	}
}

// checkNamespace returns nil if the server accepts workflows in the namespace. It describes a workflow that does not
// exist and expects the error NotFound from the history service, which is the last service that learns of a namespace.
func checkNamespace(ctx context.Context, c client.Client, namespace string) error {
	_, err := c.DescribeWorkflowExecution(ctx, "no-workflow-of-"+namespace, "")
	if notFound := new(serviceerror.NotFound); errors.As(err, &notFound) {
		return nil
	}
	return err
}

// dial returns a client that connects on its first call.
func (d *DevServer) dial(namespace string) (client.Client, error) {
	return client.NewLazyClient(client.Options{
		HostPort:  d.Address,
		Namespace: namespace,
		Logger:    log.NewStructuredLogger(slog.New(slog.DiscardHandler)),
	})
}
