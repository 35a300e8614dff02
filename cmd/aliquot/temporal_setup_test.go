package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/aliquot-labs/aliquot/internal/childprocess"
	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/internal/testservers/certtest"
	"github.com/aliquot-labs/aliquot/internal/testservers/temporaltest"
	"github.com/aliquot-labs/aliquot/store/keyring"
	"github.com/aliquot-labs/aliquot/worker"
)

const setupPatience = time.Minute

// managed is a Temporal namespace behind a proxy, and a database, for processes of aliquot.
type managed struct {
	server    *temporaltest.DevServer
	proxy     *temporaltest.Proxy
	namespace string
	environ   []string
}

func newManaged(t *testing.T, secured *tls.Config, refuse func(temporaltest.Call) error) *managed {
	t.Helper()
	server := temporaltest.SharedServer(t)
	m := &managed{server: server, namespace: server.Namespace(t), proxy: server.Proxy(t, secured, refuse)}
	key, err := keyring.NewEncryptionKey("k1")
	require.NoError(t, err)
	m.environ = []string{"ALIQUOT_DATABASE_URL=sqlite:" + t.TempDir() + "/aliquot.db", "ALIQUOT_ENCRYPTION_KEYS=" + key,
		"ALIQUOT_TEMPORAL=" + m.proxy.Address, "ALIQUOT_TEMPORAL_NAMESPACE=" + m.namespace}
	require.NoError(t, m.start(t, "migrate").cmd.Wait())
	return m
}

// aliquot is a running command.
type aliquot struct {
	cmd     *exec.Cmd
	metrics string // address

	mu  sync.Mutex
	out bytes.Buffer
}

func (a *aliquot) Write(p []byte) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.out.Write(p)
}

func (a *aliquot) output() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.out.String()
}

func (m *managed) start(t *testing.T, command string) *aliquot {
	t.Helper()
	port, err := childprocess.FreePort(t.Context())
	require.NoError(t, err)
	a := &aliquot{metrics: "127.0.0.1:" + strconv.Itoa(port), cmd: exec.Command(os.Args[0], command)}
	a.cmd.Env = append(append(os.Environ(), m.environ...), selfVariable+"=1", "ALIQUOT_METRICS="+a.metrics)
	a.cmd.Stdout, a.cmd.Stderr = a, a
	require.NoError(t, a.cmd.Start())
	t.Cleanup(func() {
		if a.cmd.ProcessState == nil {
			_ = a.cmd.Process.Kill()
			_ = a.cmd.Wait()
		}
		if t.Failed() {
			t.Log(command, a.output())
		}
	})
	return a
}

// get returns the status and the body of a page of the process; 0 if it does not answer.
func (a *aliquot) get(t *testing.T, path string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+a.metrics+path, nil)
	require.NoError(t, err)
	response, err := (&http.Client{Timeout: 5 * time.Second}).Do(request)
	if err != nil {
		return 0, ""
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, string(body)
}

func (a *aliquot) await(t *testing.T, why string, reached func() bool) {
	t.Helper()
	require.Eventually(t, func() bool {
		require.Nil(t, a.cmd.ProcessState, "the process has ended")
		return reached()
	}, setupPatience, 50*time.Millisecond, why)
}

func (a *aliquot) awaitReady(t *testing.T) {
	t.Helper()
	a.await(t, "the process is not ready", func() bool {
		code, _ := a.get(t, "/readyz")
		return code == http.StatusOK
	})
}

// dial connects to the server itself.
func (m *managed) dial(t *testing.T) client.Client {
	t.Helper()
	c, err := client.Dial(client.Options{HostPort: m.server.Address, Namespace: m.namespace,
		DataConverter: dispatch.NewConverter()})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

// reconcile runs the reconciler, which needs a worker that takes tasks.
func reconcile(t *testing.T, c client.Client, patience time.Duration) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	run, err := c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{TaskQueue: dispatch.QueueDeliveries},
		dispatch.WorkflowReconcile, dispatch.ReconcileInput{})
	require.NoError(t, err)
	return run.Get(ctx, nil)
}

// TestAWorkerWaitsForAnAdministrator starts a worker that may not make search attributes and schedules. It says what
// is missing and takes no task. It starts when the attributes are there, and says what schedules are missing until they
// are there.
func TestAWorkerWaitsForAnAdministrator(t *testing.T) {
	t.Parallel()
	for name, code := range map[string]codes.Code{"denied": codes.PermissionDenied, "not offered": codes.Unimplemented} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newManaged(t, nil, temporaltest.AdministrativeCalls(code))
			direct := m.dial(t)
			w := m.start(t, "worker")
			w.await(t, "it does not say what is missing", func() bool {
				code, body := w.get(t, "/readyz")
				return code == http.StatusServiceUnavailable && strings.Contains(body, "OrderAttention (KeywordList) is missing") &&
					strings.Contains(body, "schedule reconcile-day is missing")
			})
			alive, _ := w.get(t, "/healthz")
			require.Equal(t, http.StatusOK, alive)
			_, page := w.get(t, "/metrics")
			require.Contains(t, page, `aliquot_temporal_missing{kind="search_attribute"} 4`)
			require.Contains(t, w.output(), "temporal operator search-attribute create --namespace "+m.namespace+
				" --name OrderStatus --type Keyword")
			require.Contains(t, w.output(), "temporal schedule create --namespace "+m.namespace)
			require.Error(t, reconcile(t, direct, 3*time.Second), "it takes tasks")
			require.Equal(t, 1, strings.Count(w.output(), "what is missing in Temporal"), "said once")

			// An administrator makes the attributes first, then the schedules.
			makeAttributes(t, m)
			w.awaitReady(t)
			require.NoError(t, reconcile(t, direct, setupPatience))
			_, page = w.get(t, "/metrics")
			require.Contains(t, page, `aliquot_temporal_missing{kind="search_attribute"} 0`)
			require.Contains(t, page, `aliquot_temporal_missing{kind="schedule"} 3`)
			require.Contains(t, w.output(), "the reconciler does not run as it should")
			require.NoError(t, worker.EnsureAttributesAndSchedules(t.Context(), direct, m.namespace, quietLog))
			w.await(t, "it does not notice the schedules", func() bool {
				_, page := w.get(t, "/metrics")
				return strings.Contains(page, `aliquot_temporal_missing{kind="schedule"} 0`)
			})
		})
	}
}

var quietLog = slog.New(slog.DiscardHandler)

// makeAttributes makes the search attributes on the server itself, and no schedules.
func makeAttributes(t *testing.T, m *managed) {
	t.Helper()
	withoutSchedules := m.server.Proxy(t, nil, func(c temporaltest.Call) error {
		if strings.HasSuffix(c.Method, "/CreateSchedule") {
			return status.Error(codes.PermissionDenied, "no schedules")
		}
		return nil
	})
	c, err := client.Dial(client.Options{HostPort: withoutSchedules.Address, Namespace: m.namespace})
	require.NoError(t, err)
	defer c.Close()
	err = worker.EnsureAttributesAndSchedules(t.Context(), c, m.namespace, quietLog)
	var missing *worker.MissingError
	require.ErrorAs(t, err, &missing)
	require.True(t, missing.OrdersCanRun())
}

// TestAWorkerThatMayAdministrateStartsAtOnce is the control of the test above.
func TestAWorkerThatMayAdministrateStartsAtOnce(t *testing.T) {
	t.Parallel()
	m := newManaged(t, nil, func(temporaltest.Call) error { return nil })
	w := m.start(t, "worker")
	w.awaitReady(t)
	require.NotContains(t, w.output(), "an administrator")
	require.NoError(t, reconcile(t, m.dial(t), setupPatience))
}

// TestARebuildWaitsForAnAdministrator runs a rebuild in a namespace that does not exist and that it may not make.
func TestARebuildWaitsForAnAdministrator(t *testing.T) {
	t.Parallel()
	for name, code := range map[string]codes.Code{"denied": codes.PermissionDenied, "not offered": codes.Unimplemented} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newManaged(t, nil, temporaltest.AdministrativeCalls(code))
			m.namespace += "-lost"
			m.environ = append(m.environ, "ALIQUOT_TEMPORAL_NAMESPACE="+m.namespace)
			rebuild, w := m.start(t, "rebuild"), m.start(t, "worker")
			rebuild.await(t, "it does not say what is missing", func() bool {
				return strings.Contains(rebuild.output(), "At Temporal Cloud:")
			})
			for _, command := range []string{
				"  temporal operator namespace create --namespace " + m.namespace + " --retention 72h\n",
				"  temporal operator search-attribute create --namespace " + m.namespace + " --name OrderTeam --type Keyword\n",
				"  temporal schedule create --namespace " + m.namespace + " --schedule-id reconcile-hour --interval 1h0m0s " +
					"--overlap-policy Skip --workflow-id reconcile-hour --type Reconcile --task-queue aliquot-deliveries " +
					`--input '{"open_orders":true}'` + "\n",
				"  tcld namespace create --namespace " + m.namespace + " --region REGION --retention-days 3\n",
			} {
				require.Contains(t, rebuild.output(), command)
			}
			direct := m.dial(t)
			ctx, cancel := context.WithTimeout(t.Context(), setupPatience)
			defer cancel()
			require.NoError(t, worker.PrepareRebuild(ctx, direct, m.namespace, worker.NamespaceRetention, quietLog))
			require.NoError(t, rebuild.cmd.Wait())
			require.Contains(t, rebuild.output(), "Started 0 orders")
			w.awaitReady(t)
		})
	}
}

// frontendTLS returns the configuration of a proxy with a certificate of the authority.
func frontendTLS(t *testing.T, authority *certtest.Authority) *tls.Config {
	t.Helper()
	pair := authority.Issue(t, "temporal")
	certificate, err := tls.LoadX509KeyPair(pair.Cert, pair.Key)
	require.NoError(t, err)
	return &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{certificate}}
}

// onlyKey returns a rule that refuses calls without this API key.
func onlyKey(key string) func(temporaltest.Call) error {
	return func(c temporaltest.Call) error {
		if got := c.Header.Get("authorization"); len(got) != 1 || got[0] != "Bearer "+key {
			return status.Error(codes.Unauthenticated, "unknown API key")
		}
		return nil
	}
}

// TestAnAPIKeyIsRotatedWithoutARestart rotates the API key of a running worker. A file that holds no key changes
// nothing.
func TestAnAPIKeyIsRotatedWithoutARestart(t *testing.T) {
	t.Parallel()
	authority := certtest.NewAuthority(t)
	m := newManaged(t, frontendTLS(t, authority), onlyKey("key-1"))
	file := t.TempDir() + "/key"
	rotate := func(key string) { require.NoError(t, os.WriteFile(file, []byte(key+"\n"), 0o600)) }
	rotate("key-1")
	m.environ = append(m.environ, "ALIQUOT_TEMPORAL_CA_FILE="+authority.File, "ALIQUOT_TEMPORAL_API_KEY_FILE="+file)
	w, direct := m.start(t, "worker"), m.dial(t)
	w.awaitReady(t)
	require.NoError(t, reconcile(t, direct, setupPatience))

	rotate("")
	require.NoError(t, reconcile(t, direct, setupPatience), "the key before is used")
	require.Contains(t, w.output(), `the one before is used","what":"ALIQUOT_TEMPORAL_API_KEY_FILE"`)
	require.NotContains(t, w.output(), "key-1")

	// Control: with only the new key accepted and the file unchanged, the worker is cut off.
	m.proxy.Refuse(onlyKey("key-2"))
	require.Error(t, reconcile(t, direct, 5*time.Second))

	rotate("key-2")
	require.NoError(t, reconcile(t, direct, setupPatience))
	require.NotContains(t, w.output(), "key-2")
}
