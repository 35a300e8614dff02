package clustertest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
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

// Node is one process of the cluster. It runs all services.
type Node struct {
	// Address is the host:port of its frontend.
	Address string

	server string // path of the program
	config string
	log    string

	mu      sync.Mutex
	process *childprocess.Process
}

// newNode chooses the ports of a node and writes its configuration.
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
		port, err := childprocess.FreePort(ctx)
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

// Start starts the node and returns when its frontend serves.
func (n *Node) Start(ctx context.Context) error {
	if err := n.Launch(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	return n.waitReady(ctx)
}

// Launch starts the node without waiting until it serves. It does nothing if the node runs.
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

// Err returns an error if the node has ended and nobody stopped it.
func (n *Node) Err() error { return n.withProcess((*childprocess.Process).Err) }

// Kill ends the node immediately, as a crash would.
func (n *Node) Kill() error {
	defer n.clearProcess()
	return n.withProcess((*childprocess.Process).Kill)
}

// Stop shuts the node down.
func (n *Node) Stop() error {
	defer n.clearProcess()
	return n.withProcess((*childprocess.Process).Stop)
}

func (n *Node) clearProcess() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.process = nil
}

// withProcess calls the function with the process, or returns nil if there is no process.
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

// portsPerNode is the number of ports of a node: two for each of four services (calls and membership), and one for
// HTTP.
const portsPerNode = 9

// nodeConfig is the template of a node's configuration. A node uses at most 30 connections, so that several nodes stay
// below the connection limit of PostgreSQL.
var nodeConfig = template.Must(template.New("node").Parse(`log: {stdout: true, level: warn}
persistence:
  defaultStore: default
  visibilityStore: visibility
  numHistoryShards: {{.Shards}}
  datastores:
    default:
      sql: {pluginName: postgres12, databaseName: ` + mainDatabase + `, connectAddr: "{{.Database}}",
            connectProtocol: tcp, user: postgres, password: x, maxConns: 20, maxIdleConns: 20, maxConnLifetime: 1h}
    visibility:
      sql: {pluginName: postgres12, databaseName: ` + visibilityDatabase + `, connectAddr: "{{.Database}}",
            connectProtocol: tcp, user: postgres, password: x, maxConns: 10, maxIdleConns: 10, maxConnLifetime: 1h}
global:
  membership: {maxJoinDuration: 30s, broadcastAddress: "127.0.0.1"}
services:
  frontend: {rpc: {grpcPort: {{index .Ports 0}}, membershipPort: {{index .Ports 1}}, httpPort: {{index .Ports 2}},
                   bindOnLocalHost: true}}
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
