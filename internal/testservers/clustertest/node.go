package clustertest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"text/template"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"

	"github.com/aliquot-labs/aliquot/internal/childprocess"
)

// Node is one process of the cluster, with all services.
type Node struct {
	// Address is its frontend, host:port.
	Address string

	server string // the program
	config string
	log    string

	mu      sync.Mutex
	process *childprocess.Process
}

// newNode writes the configuration of a node, on ports of its own.
func newNode(ctx context.Context, c *Cluster, number, shards int) (*Node, error) {
	database, err := url.Parse(c.Postgres.URL)
	if err != nil {
		return nil, fmt.Errorf("reading the address of PostgreSQL: %w", err)
	}
	values := struct {
		Database string
		Shards   int
		Ports    []int
	}{Database: database.Host, Shards: shards}
	for range portsPerNode {
		port, err := c.freePort(ctx)
		if err != nil {
			return nil, err
		}
		values.Ports = append(values.Ports, port)
	}

	path := filepath.Join(c.configDir.Dir(), fmt.Sprintf("node-%d.yaml", number))
	file, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(nodeConfig.Execute(file, values), file.Close()); err != nil {
		return nil, fmt.Errorf("writing the configuration of node %d: %w", number, err)
	}
	return &Node{
		Address: net.JoinHostPort("127.0.0.1", strconv.Itoa(values.Ports[0])),
		server:  c.tools.server, config: path, log: path + ".log",
	}, nil
}

// Start starts the node and returns when its frontend answers.
func (n *Node) Start(ctx context.Context) error {
	if err := n.Launch(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	return n.waitReady(ctx)
}

// Launch starts the node, and does not wait until it serves. A node that runs
// already stays as it is.
func (n *Node) Launch() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.process != nil && n.process.Err() == nil {
		return nil
	}
	if n.process != nil {
		if err := n.process.Stop(); err != nil {
			return err
		}
	}
	process, err := childprocess.Start(childprocess.Command{
		Name: "temporal-node", Path: n.server, Args: []string{"--config-file", n.config, "--allow-no-auth", "start"},
		Log: n.log,
	})
	n.process = process
	return err
}

// Err tells that the node has ended by itself, and with what.
func (n *Node) Err() error { return n.withProcess((*childprocess.Process).Err) }

// Kill ends the node at once, as a crash would.
func (n *Node) Kill() error {
	defer n.clearProcess()
	return n.withProcess((*childprocess.Process).Kill)
}

// Stop ends the node in order.
func (n *Node) Stop() error {
	defer n.clearProcess()
	return n.withProcess((*childprocess.Process).Stop)
}

func (n *Node) clearProcess() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.process = nil
}

// withProcess does something with the process, if there is one.
func (n *Node) withProcess(do func(*childprocess.Process) error) error {
	n.mu.Lock()
	process := n.process
	n.mu.Unlock()
	if process == nil {
		return nil
	}
	return do(process)
}

func (n *Node) waitReady(ctx context.Context) error {
	c, err := client.NewLazyClient(client.Options{HostPort: n.Address, Namespace: "none",
		Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler))})
	if err != nil {
		return err
	}
	defer c.Close()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		if err := n.Err(); err != nil {
			return err
		}
		answer := checkFrontendWithin(ctx, c)
		if answer == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for a Temporal node: %w", answer)
		case <-tick.C:
		}
	}
}

func checkFrontendWithin(ctx context.Context, c client.Client) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	return checkFrontend(ctx, c)
}

// portsPerNode is how many ports a node has: for calls and for membership of each
// of four services, and one for HTTP.
const portsPerNode = 9

// The ports of nodes: Temporal keeps them in a column of 16 bits with a sign, and
// below 32768 no connection gets one by chance.
const (
	lowestPort  = 12_000
	highestPort = 32_000
)

var errNoPort = errors.New("no port is free for a Temporal node")

// freePort returns one that nobody listens on and that this cluster has not used.
func (c *Cluster) freePort(ctx context.Context) (int, error) {
	const attempts = 1000
	for range attempts {
		port := lowestPort + rand.IntN(highestPort-lowestPort) //nolint:gosec // nothing depends on it that has to be secret
		listener, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err != nil {
			continue
		}
		listener.Close()
		if c.usedPorts[port] {
			continue
		}
		c.usedPorts[port] = true
		return port, nil
	}
	return 0, errNoPort
}

// nodeConfig is that of a node. A node holds at most 30 connections of each
// database, so that several fit into what PostgreSQL takes.
var nodeConfig = template.Must(template.New("node").Parse(`log: {stdout: true, level: warn}
persistence:
  defaultStore: default
  visibilityStore: visibility
  numHistoryShards: {{.Shards}}
  datastores:
    default:
      sql: {pluginName: postgres12, databaseName: ` + mainDatabase + `, connectAddr: "{{.Database}}", connectProtocol: tcp,
            user: postgres, password: x, maxConns: 20, maxIdleConns: 20, maxConnLifetime: 1h}
    visibility:
      sql: {pluginName: postgres12, databaseName: ` + visibilityDatabase + `, connectAddr: "{{.Database}}", connectProtocol: tcp,
            user: postgres, password: x, maxConns: 10, maxIdleConns: 10, maxConnLifetime: 1h}
global:
  membership: {maxJoinDuration: 30s, broadcastAddress: "127.0.0.1"}
services:
  frontend: {rpc: {grpcPort: {{index .Ports 0}}, membershipPort: {{index .Ports 1}}, httpPort: {{index .Ports 2}}, bindOnLocalHost: true}}
  history:  {rpc: {grpcPort: {{index .Ports 3}}, membershipPort: {{index .Ports 4}}, bindOnLocalHost: true}}
  matching: {rpc: {grpcPort: {{index .Ports 5}}, membershipPort: {{index .Ports 6}}, bindOnLocalHost: true}}
  worker:   {rpc: {grpcPort: {{index .Ports 7}}, membershipPort: {{index .Ports 8}}, bindOnLocalHost: true}}
clusterMetadata:
  enableGlobalNamespace: false
  failoverVersionIncrement: 10
  masterClusterName: active
  currentClusterName: active
  clusterInformation:
    active: {enabled: true, initialFailoverVersion: 1, rpcName: frontend, rpcAddress: "127.0.0.1:{{index .Ports 0}}"}
dcRedirectionPolicy: {policy: noop}
`))
