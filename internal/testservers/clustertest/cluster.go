// Package clustertest gives tests a Temporal cluster: several nodes with a real PostgreSQL behind one address. Each
// part can be killed and started again.
package clustertest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"github.com/aliquot-labs/aliquot/internal/childprocess"
	"github.com/aliquot-labs/aliquot/internal/testservers/postgrestest"
)

// startPatience bounds the start of a node on a busy machine; it usually takes
// two seconds.
const startPatience = 2 * time.Minute

// The databases of a cluster.
const (
	mainDatabase       = "temporal"
	visibilityDatabase = "temporal_visibility"
)

// Options describe a cluster.
type Options struct {
	// Nodes is the number of processes. Each runs all services. Defaults to 2.
	Nodes int
	// Shards is the number of history shards. Defaults to 32: after a fault each shard has to be taken over again.
	Shards int
}

// Cluster is a running cluster. Its parts may be killed and started from any goroutine, but each part from one
// goroutine at a time.
type Cluster struct {
	// Postgres is the server of the cluster's databases and of the databases that tests create on it.
	Postgres *postgrestest.PersistentServer
	// Address is the host:port at which clients reach the frontends of the nodes. Connections go to the nodes in turn, as
	// with a service of Kubernetes.
	Address string
	// Nodes are the cluster's processes.
	Nodes []*Node

	tools     tools
	configDir *childprocess.Process // its directory holds the nodes' configuration
	balancer  *balancer
}

// Start starts a cluster, which is stopped when the test ends. The test fails if
// there is no Temporal server on this machine.
func Start(t testing.TB, o Options) *Cluster {
	t.Helper()
	c, err := Open(t.Context(), o)
	if err != nil {
		t.Fatalf("clustertest: %v", err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Errorf("clustertest: %v", err)
		}
	})
	return c
}

// Open starts a cluster. The caller closes it.
func Open(ctx context.Context, o Options) (*Cluster, error) {
	if o.Nodes == 0 {
		o.Nodes = 2
	}
	if o.Shards == 0 {
		o.Shards = 32
	}
	found, err := findTools()
	if err != nil {
		return nil, err
	}
	c := &Cluster{tools: found}
	if err := c.open(ctx, o); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

func (c *Cluster) open(ctx context.Context, o Options) (err error) {
	if c.Postgres, err = postgrestest.StartPersistent(ctx); err != nil {
		return err
	}
	if err := c.createDatabases(ctx); err != nil {
		return err
	}
	if c.configDir, err = childprocess.NewDirectory("temporal-config", nil); err != nil {
		return err
	}
	for range o.Nodes {
		node, err := newNode(ctx, c, len(c.Nodes)+1, o.Shards)
		if err != nil {
			return err
		}
		c.Nodes = append(c.Nodes, node)
	}
	if c.balancer, err = newBalancer(ctx, c.frontends()); err != nil {
		return err
	}
	c.Address = c.balancer.address()
	return c.startNodes(ctx)
}

func (c *Cluster) frontends() []string {
	var addresses []string
	for _, n := range c.Nodes {
		addresses = append(addresses, n.Address)
	}
	return addresses
}

func (c *Cluster) startNodes(ctx context.Context) error {
	for _, n := range c.Nodes {
		if err := n.Start(ctx); err != nil {
			return err
		}
	}
	return nil
}

// createDatabases creates the two databases and their schemas.
func (c *Cluster) createDatabases(ctx context.Context) error {
	for _, database := range []string{mainDatabase, visibilityDatabase} {
		if _, err := c.Postgres.CreateDatabase(database); err != nil {
			return fmt.Errorf("creating the database %s: %w", database, err)
		}
		if err := c.tools.migrate(ctx, c.Postgres.URL, database); err != nil {
			return err
		}
	}
	return nil
}

// Wipe deletes all of Temporal's data: it kills the nodes, drops and creates their databases, and starts the nodes
// again.
func (c *Cluster) Wipe(ctx context.Context) error {
	for _, n := range c.Nodes {
		if err := n.Kill(); err != nil {
			return err
		}
	}
	for _, database := range []string{mainDatabase, visibilityDatabase} {
		if err := c.Postgres.DropDatabase(database); err != nil {
			return fmt.Errorf("dropping the database %s: %w", database, err)
		}
	}
	if err := c.createDatabases(ctx); err != nil {
		return err
	}
	return c.startNodes(ctx)
}

// Close stops all parts and removes their data.
func (c *Cluster) Close() error {
	var errs []error
	if c.balancer != nil {
		c.balancer.close()
	}
	for _, n := range c.Nodes {
		errs = append(errs, n.Stop())
	}
	if c.configDir != nil {
		errs = append(errs, c.configDir.Stop())
	}
	if c.Postgres != nil {
		errs = append(errs, c.Postgres.Remove())
	}
	return errors.Join(errs...)
}

// checkFrontend returns nil if a frontend serves. It describes a workflow in a namespace that does not exist and
// expects the error NamespaceNotFound.
func checkFrontend(ctx context.Context, c client.Client) error {
	_, err := c.DescribeWorkflowExecution(ctx, "none", "")
	if notFound := new(serviceerror.NamespaceNotFound); errors.As(err, &notFound) {
		return nil
	}
	return err
}
