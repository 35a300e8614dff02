// Package temporaltest gives tests a real Temporal development server and
// namespaces of their own on it.
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
	// addressVariable names a running server that tests use instead of their own.
	addressVariable = "ALIQUOT_TEST_TEMPORAL_ADDR"
	// binaryVariable names the temporal program.
	binaryVariable = "ALIQUOT_TEST_TEMPORAL"
)

// retention is how long closed workflows stay readable, the shortest that
// Temporal takes.
const retention = 24 * time.Hour

// namespacePatience bounds the creation of a namespace.
const namespacePatience = 30 * time.Second

// DevServer is a Temporal development server.
type DevServer struct {
	// Address is its frontend, as host:port.
	Address string
	// process is nil for a server that is not ours.
	process *childprocess.Process
}

// startShared is this process's server. Nobody stops it: it ends with the process.
var startShared = sync.OnceValues(func() (*DevServer, error) {
	return startServer(context.Background(), Options{})
})

// SharedServer returns the server that all tests of this process share: the one at
// ALIQUOT_TEST_TEMPORAL_ADDR, else one that the first call starts, in memory. The
// test fails if there is no temporal binary.
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

// Start starts a server of the test's own, which it may stop, kill and start
// again over the same file and port. It is stopped when the test ends.
func Start(t testing.TB, o Options) *DevServer {
	t.Helper()
	d, err := startServer(t.Context(), o)
	if err != nil {
		t.Fatalf("temporaltest: %v", err)
	}
	t.Cleanup(func() { d.Stop(t) })
	return d
}

// Stop stops a server that Start returned and waits until it has ended. Stopping
// it again does nothing.
func (d *DevServer) Stop(t testing.TB) {
	t.Helper()
	if err := d.process.Stop(); err != nil {
		t.Errorf("temporaltest: %v", err)
	}
}

// Kill ends a server that Start returned at once, as a crash would.
func (d *DevServer) Kill(t testing.TB) {
	t.Helper()
	if err := d.process.Kill(); err != nil {
		t.Errorf("temporaltest: %v", err)
	}
}

// Namespace registers a new namespace and returns its name once the server
// accepts workflows in it.
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

	// The parts of the server learn of a new namespace one after the other.
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

// checkNamespace asks for a workflow that does not exist. That it is not found is the
// answer of the last part of the server that has to know the namespace.
func checkNamespace(ctx context.Context, c client.Client, namespace string) error {
	_, err := c.DescribeWorkflowExecution(ctx, "no-workflow-of-"+namespace, "")
	if notFound := new(serviceerror.NotFound); errors.As(err, &notFound) {
		return nil
	}
	return err
}

// dial returns a client that connects when it is first used.
func (d *DevServer) dial(namespace string) (client.Client, error) {
	return client.NewLazyClient(client.Options{
		HostPort:  d.Address,
		Namespace: namespace,
		Logger:    log.NewStructuredLogger(slog.New(slog.DiscardHandler)),
	})
}
