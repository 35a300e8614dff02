package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/api"
	"github.com/aliquot-labs/aliquot/internal/apiclient"
	"github.com/aliquot-labs/aliquot/internal/devsystem"
	"github.com/aliquot-labs/aliquot/internal/testservers/postgrestest"
	"github.com/aliquot-labs/aliquot/internal/testservers/temporaltest"
)

const devTimeout = 2 * time.Minute

// devSystem is a running aliquot dev.
type devSystem struct {
	data string
	cmd  *exec.Cmd

	mu  sync.Mutex
	out bytes.Buffer
}

func (d *devSystem) Write(p []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.out.Write(p)
}

func (d *devSystem) output() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.out.String()
}

func startDev(t *testing.T, data string, flags ...string) *devSystem {
	t.Helper()
	temporal, err := temporaltest.FindBinary()
	require.NoError(t, err)
	args := append([]string{
		"dev", "--data", data, "--api", "127.0.0.1:0", "--lab-addr", "127.0.0.1:0", "--temporal-port", "0", "--ui-port", "0",
	}, flags...)
	d := &devSystem{data: data, cmd: exec.Command(os.Args[0], args...)}
	d.cmd.Env = append(os.Environ(), selfVariable+"=1", "PATH="+filepath.Dir(temporal)+":"+os.Getenv("PATH"))
	d.cmd.Stdout, d.cmd.Stderr = d, d
	require.NoError(t, d.cmd.Start())
	t.Cleanup(func() {
		if d.cmd.ProcessState == nil {
			_ = d.cmd.Process.Kill() // its children end with it
			_ = d.cmd.Wait()
		}
	})
	return d
}

func (d *devSystem) waitFor(t *testing.T, text string) {
	t.Helper()
	require.Eventually(t, func() bool { return strings.Contains(d.output(), text) }, devTimeout, 20*time.Millisecond,
		"waiting for %q", text)
}

func (d *devSystem) pids(t *testing.T) map[string]int {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(d.data, devsystem.PIDFile))
	require.NoError(t, err)
	var ids map[string]int
	require.NoError(t, json.Unmarshal(content, &ids))
	return ids
}

// stop ends the system like Ctrl-C, and checks that none of its processes is left.
func (d *devSystem) stop(t *testing.T) {
	t.Helper()
	ids := d.pids(t)
	require.Len(t, ids, 6)
	require.NoError(t, d.cmd.Process.Signal(os.Interrupt))
	require.NoError(t, d.cmd.Wait(), "%s", d.output())
	for name, pid := range ids {
		require.ErrorIs(t, syscall.Kill(pid, 0), syscall.ESRCH, name)
	}
	require.NoFileExists(t, filepath.Join(d.data, devsystem.EnvFile))
	require.NoFileExists(t, filepath.Join(d.data, devsystem.PIDFile))
}

func (d *devSystem) variable(t *testing.T, name string) string {
	t.Helper()
	environ, err := devsystem.ReadEnvFile(d.data)
	require.NoError(t, err)
	return environValue(environ, name)
}

func TestDevelopmentSystem(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	d := startDev(t, data, "--speed", "max")
	d.waitFor(t, "Everything stays up until Ctrl-C.")
	shown := d.output()
	for _, status := range []string{
		"received.testkit.ordered", "received.testkit.requisition_created", "collecting_sample.testkit.transit_customer",
		"sample_with_lab.testkit.delivered_to_lab", "completed.testkit.completed",
	} {
		require.Regexp(t, `\d\d:\d\d:\d\d  `+status+` +webhook \d verified`, shown)
	}
	require.Contains(t, shown, "HDL Cholesterol")
	require.Contains(t, shown, "8 webhooks, each with a valid signature")
	requireAdministration(t, d)
	restartParts(t, d)
	open := placeOrder(t, d)
	d.stop(t)
	require.Contains(t, d.output(), "Stopped.")

	// The same data again, with the lab in manual mode. Temporal's data is lost.
	require.NoError(t, os.Remove(filepath.Join(data, "temporal.db")))
	again := startDev(t, data, "--lab", "manual")
	again.waitFor(t, "Everything stays up until Ctrl-C.")
	require.NotContains(t, again.output(), "webhook")
	require.Equal(t, 2, orders(t, data).Total, "the orders are still there, and no others")
	require.Contains(t, mustCommand(t, "endpoint", "list", "--data", data), "disabled receiver_off")
	require.Contains(t, again.runCommand(t, "rebuild"), "Started 1 orders, ")
	require.Contains(t, mustCommand(t, "order", "cancel", open, "--data", data), "cancelled.testkit.cancelled",
		"its workflow runs")
	again.stop(t)
}

func TestDevelopmentSystemOnPostgreSQL(t *testing.T) {
	t.Parallel()
	d := startDev(t, filepath.Join(t.TempDir(), "data"), "--speed", "max", "--postgres", postgrestest.NewDatabase(t))
	d.waitFor(t, "8 webhooks, each with a valid signature")
	d.waitFor(t, "Everything stays up until Ctrl-C.")
	require.NoFileExists(t, filepath.Join(d.data, "aliquot.db"))
	d.stop(t)
}

func orders(t *testing.T, data string) api.OpsOrdersPage {
	t.Helper()
	var page api.OpsOrdersPage
	require.NoError(t, json.Unmarshal([]byte(mustCommand(t, "order", "list", "--data", data, "--output", "json")), &page))
	return page
}

// placeOrder places an order about which the lab sends nothing, and waits until the lab has accepted it.
func placeOrder(t *testing.T, d *devSystem) (id string) {
	t.Helper()
	c := apiclient.New(d.variable(t, "ALIQUOT_URL"), d.variable(t, "ALIQUOT_API_KEY"))
	defer c.Close()
	var placed struct {
		Order struct {
			ID string `json:"id"`
		} `json:"order"`
	}
	require.NoError(t, c.Call(t.Context(), http.MethodPost, "/v3/order", map[string]any{
		"user_id": devsystem.UserID, "lab_test_id": devsystem.InfectiousTestID, "passthrough": "sandbox:silent",
		"patient_details": map[string]string{
			"first_name": "A", "last_name": "B", "dob": "1990-01-01", "gender": "male", "phone_number": "+16025550123",
			"email": "a@example.com",
		},
		"patient_address": map[string]string{"first_line": "1 Main St", "city": "Phoenix", "state": "AZ", "zip": "85004",
			"country": "US"},
	}, &placed))
	require.Eventually(t, func() bool {
		return strings.Contains(mustCommand(t, "order", "list", "--status", "requisition_created", "--data", d.data),
			placed.Order.ID)
	}, devTimeout, 50*time.Millisecond)
	return placed.Order.ID
}

// runCommand runs a command whose settings are environment variables, with those of the system.
func (d *devSystem) runCommand(t *testing.T, args ...string) string {
	t.Helper()
	environ, err := devsystem.ReadEnvFile(d.data)
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.Env = append(append(os.Environ(), environ...), selfVariable+"=1")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	return string(out)
}

// requireAdministration runs the administrative commands on the system.
func requireAdministration(t *testing.T, d *devSystem) {
	t.Helper()
	page := orders(t, d.data)
	require.Len(t, page.Orders, 1)
	id := page.Orders[0].ID
	require.Contains(t, mustCommand(t, "order", "list", "--data", d.data), id)
	require.Contains(t, mustCommand(t, "order", "show", id, "--data", d.data), "completed.testkit.completed")
	require.Contains(t, mustCommand(t, "order", "watch", id, "--data", d.data), "completed.testkit.completed")
	require.Contains(t, mustCommand(t, "order", "watch", id, "--data", d.data, "--output", "json"),
		`"status":"completed.testkit.completed"`)
	story := mustCommand(t, "order", "story", id, "--data", d.data)
	for _, line := range []string{"event     1 received.testkit.ordered", "kit_shipped from molecular: applied",
		"place, attempt 1: done", "answered 200"} {
		require.Contains(t, story, line)
	}
	_, err := runInProcess(t, "order", "cancel", id, "--data", d.data)
	var refused *apiclient.APIError
	require.ErrorAs(t, err, &refused)
	require.Equal(t, http.StatusBadRequest, refused.Status)

	require.Contains(t, mustCommand(t, "inbox", "list", "--data", d.data, "--state", "applied"), "report_ready")
	requireEndpointCommands(t, d, id)
	requireAccountCommands(t, d)
	requireCatalogueCommands(t, d)
	require.Contains(t, mustCommand(t, "team", "set", devsystem.TeamID, `{"replacement":"auto"}`, "--data", d.data),
		`"replacement":"auto"`)
	require.Contains(t, mustCommand(t, "team", "list", "--data", d.data), "Demo clinic")
	requireKeyCommands(t, d)
	require.Contains(t, mustCommand(t, "order", "list", "--api", d.variable(t, "ALIQUOT_URL"), "--key",
		d.variable(t, "ALIQUOT_OPS_KEY")), id)
	_, err = runInProcess(t, "order", "list", "--data", d.data, "--key", "wrong")
	require.ErrorAs(t, err, &refused)
	require.Equal(t, http.StatusUnauthorized, refused.Status)
	require.Contains(t, hintFor(err), "API key with the role operations")

	_, err = runInProcess(t, "dev", "--data", d.data)
	require.ErrorContains(t, err, "another aliquot dev")
}

func requireKeyCommands(t *testing.T, d *devSystem) {
	t.Helper()
	made := mustCommand(t, "key", "create", "--name", "second", "--expires-in", "1h", "--data", d.data)
	require.Contains(t, made, "sk_us_")
	id := strings.Fields(made)[1]
	require.Contains(t, mustCommand(t, "key", "list", "--data", d.data), "good until")
	require.Contains(t, mustCommand(t, "key", "renew", id, "--data", d.data), "sk_us_")
	require.Contains(t, mustCommand(t, "key", "list", "--data", d.data), "old secret until")
	require.Contains(t, mustCommand(t, "key", "revoke", id, "--data", d.data), "revoked")
	require.Contains(t, mustCommand(t, "audit", "list", "--data", d.data), "key.revoke")
	require.Contains(t, mustCommand(t, "audit", "verify", "--data", d.data), "The audit is whole")
}

// restartParts kills processes of the system, and waits until all have been restarted.
func restartParts(t *testing.T, d *devSystem) {
	t.Helper()
	before := d.pids(t)
	for _, name := range []string{"temporal", "api", "worker-1"} {
		require.NoError(t, syscall.Kill(before[name], syscall.SIGKILL))
		d.waitFor(t, name+" died (signal: killed) and is started again")
	}
	c := apiclient.New(d.variable(t, "ALIQUOT_URL"), "")
	defer c.Close()
	require.Eventually(t, func() bool { return c.Call(t.Context(), http.MethodGet, "/readyz", nil, nil) == nil },
		devTimeout, 50*time.Millisecond)
}
