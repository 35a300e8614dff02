// Package deployment runs a whole Aliquot for tests as in production: several processes of the real program over a
// Temporal cluster and PostgreSQL. The simulated lab, the team and its webhook receivers are in the test's process and
// survive every fault.
package deployment

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"

	"github.com/aliquot-labs/aliquot/e2e/scenario"
	"github.com/aliquot-labs/aliquot/e2e/testteam"
	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/internal/testservers/clustertest"
	"github.com/aliquot-labs/aliquot/internal/testservers/postgrestest"
	"github.com/aliquot-labs/aliquot/labs/simlab"
	"github.com/aliquot-labs/aliquot/store"
	"github.com/aliquot-labs/aliquot/store/keyring"
)

// BinaryVariable names the environment variable with the path of the program. Without it, the program is built for the
// test.
const BinaryVariable = "ALIQUOT_TEST_BINARY"

// Namespace is the Temporal namespace of the deployment.
const Namespace = "aliquot"

// Options describe a deployment.
type Options struct {
	// APIs and Workers are the numbers of processes. They default to 2.
	APIs, Workers int
	// WorkerArgs are appended to `aliquot worker`.
	WorkerArgs []string
	// Env are environment variables that are added to those of every process of the product, or replace them.
	Env []string
	// Spacing is the shortest time between two calls of Molecular's account. The simulated lab checks it.
	Spacing time.Duration
	// PlayScripts has the simulated lab play its scripts with Speed (simlab.Config). Without it, the lab sends only what a
	// test has it send.
	PlayScripts bool
	Speed       float64
	// Logs is a directory for the output of the processes. Defaults to one that is removed with the deployment.
	Logs string
}

// Deployment is a running system.
type Deployment struct {
	Cluster *clustertest.Cluster
	Store   *store.Store
	// DatabaseURL is the URL of the store with the role of the processes, OwnerURL with the role that owns the schema.
	DatabaseURL, OwnerURL string
	Team                  *testteam.Team
	Lab                   *simlab.Server
	LabURL                string
	// URL is the URL of the load balancer, which sends requests to the API processes in turn.
	URL           string
	APIs, Workers []*Process
	// Temporal is a client of the deployment's namespace.
	Temporal client.Client

	options      Options
	binary       string
	loadBalancer *loadBalancer
	closers      []func() error // in the order of opening
}

// Start starts a deployment, which is stopped when the test ends. The test fails if a program that it needs is missing.
func Start(t testing.TB, o Options) *Deployment {
	t.Helper()
	f := &Deployment{options: o}
	t.Cleanup(func() {
		if err := f.stop(); err != nil {
			t.Errorf("deployment: %v", err)
		}
	})
	if f.options.Logs == "" {
		f.options.Logs = t.TempDir()
	}
	if err := f.start(t); err != nil {
		t.Fatalf("deployment: %v", err)
	}
	return f
}

func (f *Deployment) start(t testing.TB) (err error) {
	t.Helper()
	ctx := t.Context()
	if f.binary, err = Build(ctx, t.TempDir()); err != nil {
		return err
	}
	if f.Cluster, err = clustertest.Open(ctx, clustertest.Options{}); err != nil {
		return err
	}
	f.closers = append(f.closers, f.Cluster.Close)
	if f.OwnerURL, err = f.Cluster.Postgres.CreateDatabase("aliquot"); err != nil {
		return err
	}
	f.DatabaseURL = postgrestest.AsRole(f.OwnerURL, postgrestest.ApplicationRole)
	f.startLoadBalancer()
	if err := f.createAPIs(ctx); err != nil {
		return err
	}
	if err := f.startLab(); err != nil {
		return err
	}
	if err := f.Migrate(ctx); err != nil {
		return err
	}
	if err := f.openStore(ctx); err != nil {
		return err
	}
	if f.Team, err = testteam.CreateTeam(ctx, f.Store, f.LabURL, f.options.Spacing); err != nil {
		return err
	}
	if err := f.dialTemporal(); err != nil {
		return err
	}
	return f.startProcesses(ctx)
}

// startProcesses starts the workers, has the product create its namespace, and starts the API.
func (f *Deployment) startProcesses(ctx context.Context) error {
	for n := range orDefault(f.options.Workers) {
		w, err := f.NewProcess(ctx, fmt.Sprintf("worker-%d", n+1), append([]string{"worker"}, f.options.WorkerArgs...)...)
		if err != nil {
			return err
		}
		f.Workers = append(f.Workers, w)
		if err := w.Launch(); err != nil {
			return err
		}
	}
	if err := f.RunCommand(ctx, "rebuild"); err != nil {
		return err
	}
	for _, p := range append(f.APIs, f.Workers...) {
		if err := p.Start(ctx); err != nil {
			return err
		}
	}
	return nil
}

func orDefault(n int) int {
	if n == 0 {
		return 2
	}
	return n
}

// startLoadBalancer starts the load balancer without replicas.
func (f *Deployment) startLoadBalancer() {
	f.loadBalancer = newLoadBalancer()
	f.URL = f.loadBalancer.server.URL
	f.closers = append(f.closers, f.loadBalancer.close)
}

// createAPIs creates the API processes without starting them, and adds them to the load balancer.
func (f *Deployment) createAPIs(ctx context.Context) error {
	for n := range orDefault(f.options.APIs) {
		p, err := f.NewProcess(ctx, fmt.Sprintf("api-%d", n+1), "api")
		if err != nil {
			return err
		}
		f.APIs = append(f.APIs, p)
		f.loadBalancer.add(p.Address)
	}
	return nil
}

// startLab starts the simulated lab. It repeats a fact that was not accepted for longer than any fault lasts.
func (f *Deployment) startLab() error {
	// The lab attempts once a second. A long fault test makes more attempts than the default memory holds.
	const attempts, memory = 3600, 500_000
	lab, err := simlab.New(simlab.Config{
		User: testteam.LabUser, Token: testteam.LabToken, WebhookURL: f.URL + "/webhooks/labs/molecular",
		CourierURL: f.URL + "/webhooks/couriers/easypost", CourierSecret: testteam.CourierSecret,
		CourierAPIKey: testteam.CourierKey,
		NeutralURL:    f.URL + "/webhooks/labs/neutral", NeutralAccount: testteam.NeutralAccount,
		NeutralSecrets: []string{testteam.NeutralSecret},
		Manual:         !f.options.PlayScripts, Speed: f.options.Speed, Spacing: f.options.Spacing, RetryAttempts: attempts,
		TrackerWait: time.Hour,
		MaxCalls:    memory, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return err
	}
	server := httptest.NewServer(lab.Handler())
	f.Lab, f.LabURL = lab, server.URL
	f.closers = append(f.closers, func() error { lab.Close(); server.Close(); return nil })
	return nil
}

func (f *Deployment) openStore(ctx context.Context) error {
	keys, err := keyring.Parse(testteam.Keyring)
	if err != nil {
		return err
	}
	if f.Store, err = store.Open(ctx, store.Options{URL: f.DatabaseURL, Keys: keys}); err != nil {
		return err
	}
	f.closers = append(f.closers, f.Store.Close)
	return nil
}

// Reopen opens the store again after its database was replaced.
func (f *Deployment) Reopen(ctx context.Context) error { return f.openStore(ctx) }

func (f *Deployment) dialTemporal() error {
	c, err := client.NewLazyClient(client.Options{
		HostPort: f.Cluster.Address, Namespace: Namespace, DataConverter: dispatch.NewConverter(),
		Logger: sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler)),
	})
	if err != nil {
		return err
	}
	f.Temporal = c
	f.closers = append(f.closers, func() error { c.Close(); return nil })
	return nil
}

// stop stops everything in the reverse order of its start, the processes of the product first.
func (f *Deployment) stop() error {
	var errs []error
	for _, p := range append(f.APIs, f.Workers...) {
		errs = append(errs, p.Stop())
	}
	for i := len(f.closers) - 1; i >= 0; i-- {
		errs = append(errs, f.closers[i]())
	}
	return errors.Join(errs...)
}

// Migrate runs aliquot migrate with the role that owns the schema. It grants the processes what they need.
func (f *Deployment) Migrate(ctx context.Context) error {
	return f.runCommand(ctx, []string{"ALIQUOT_MIGRATION_DATABASE_URL=" + f.OwnerURL,
		"ALIQUOT_DATABASE_APP_ROLE=" + postgrestest.ApplicationRole}, "migrate")
}

// RunCommand runs a command of the product to its end, with the deployment's settings.
func (f *Deployment) RunCommand(ctx context.Context, args ...string) error {
	return f.runCommand(ctx, nil, args...)
}

func (f *Deployment) runCommand(ctx context.Context, env []string, args ...string) error {
	cmd := exec.CommandContext(ctx, f.binary, args...)
	cmd.Env = append(append(os.Environ(), f.environmentVariables()...), env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("aliquot %v: %w: %s", args, err, out)
	}
	return nil
}

// environmentVariables lists the environment variables of every process of the product.
func (f *Deployment) environmentVariables() []string {
	return append([]string{
		"ALIQUOT_DATABASE_URL=" + f.DatabaseURL, "ALIQUOT_ENCRYPTION_KEYS=" + testteam.Keyring,
		"ALIQUOT_TEMPORAL=" + f.Cluster.Address, "ALIQUOT_TEMPORAL_NAMESPACE=" + Namespace,
		"ALIQUOT_WEBHOOK_NETWORKS=127.0.0.0/8", "ALIQUOT_PARTNER_NETWORKS=127.0.0.0/8", "ALIQUOT_COURIER_URL=" + f.LabURL,
		"ALIQUOT_COURIER_KEY=" + testteam.CourierKey,
		"ALIQUOT_COURIER_SECRETS=" + testteam.CourierSecret, "ALIQUOT_KEY_RATE=0", "ALIQUOT_ADDRESS_RATE=0",
		"ALIQUOT_STOP_TIMEOUT=5s",
		"ALIQUOT_DRAIN_DELAY=0s",
	}, f.options.Env...)
}

// ScenarioSystem returns the access to the deployment with which scenarios drive it.
func (f *Deployment) ScenarioSystem() *scenario.System {
	return &scenario.System{
		URL: f.URL, Key: f.Team.Key, OperationsKey: f.Team.OperationsKey,
		LabURL: f.LabURL, LabUser: testteam.LabUser, LabToken: testteam.LabToken,
		PartnerURL: f.LabURL + "/neutral", PartnerAccount: testteam.NeutralAccount, PartnerSecret: testteam.NeutralSecret,
		UserID: f.Team.UserID, LabTests: f.Team.LabTests,
	}
}

// Build returns the program that ALIQUOT_TEST_BINARY names, or builds it into a directory.
func Build(ctx context.Context, dir string) (string, error) {
	if path := os.Getenv(BinaryVariable); path != "" {
		return exec.LookPath(path)
	}
	root, err := clustertest.RepositoryRoot()
	if err != nil {
		return "", err
	}
	binary := filepath.Join(dir, "aliquot")
	cmd := exec.CommandContext(ctx, "go", "build", "-o", binary, "./cmd/aliquot")
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building aliquot: %w: %s", err, out)
	}
	return binary, nil
}
