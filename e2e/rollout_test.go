package e2e

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"golang.org/x/sync/errgroup"

	"github.com/aliquot-labs/aliquot/e2e/scenario"
	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/internal/rollout"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// The changes of workflow code that are rolled out: the order's run sleeps shortly before it looks at the order
// again. This adds a command to its history.
const (
	changePoint     = "	for r.mustLook {\n"
	changeStatement = `if err := workflow.Sleep(ctx, time.Millisecond); err != nil {
			return err
		}
`
	guardedChange = changePoint +
		"if r.started && workflow.GetVersion(ctx, \"rest\", workflow.DefaultVersion, 1) == 1 {\n" + changeStatement + "}\n"
	unguardedChange = changePoint + "if r.started {\n" + changeStatement + "}\n"
)

// changed names the programs with these changes.
var changed = map[string]string{guardedChange: "guarded", unguardedChange: "unguarded"}

// changedSource is a source file in which a text is replaced.
type changedSource struct{ path, point, change string }

// overlay returns the argument with which the go command uses a changed source of the Order workflow, and others.
func overlay(t *testing.T, change string, others ...changedSource) string {
	t.Helper()
	dir, replaced := t.TempDir(), map[string]string{}
	for _, c := range append(others, changedSource{"../workflows/wake.go", changePoint, change}) {
		source, err := filepath.Abs(c.path)
		require.NoError(t, err)
		content, err := os.ReadFile(source)
		require.NoError(t, err)
		require.Equal(t, 1, strings.Count(string(content), c.point), "where the change goes")
		text := strings.Replace(string(content), c.point, c.change, 1)
		text = strings.Replace(text, `"slices"`, "\"slices\"\n\t\"time\"", 1)
		replaced[source] = filepath.Join(dir, filepath.Base(source))
		require.NoError(t, os.WriteFile(replaced[source], []byte(text), 0o600))
	}
	replace, err := json.Marshal(map[string]any{"Replace": replaced})
	require.NoError(t, err)
	file := filepath.Join(dir, "overlay.json")
	require.NoError(t, os.WriteFile(file, replace, 0o600))
	return "-overlay=" + file
}

// newerField is a build's state of an order with one field more, which it always writes.
var newerField = changedSource{"../order/state.go", "type State struct {", `type newerField struct{}

func (newerField) MarshalJSON() ([]byte, error) { return []byte("\"v2\""), nil }
func (*newerField) UnmarshalJSON([]byte) error  { return nil }

type State struct {
	Newer newerField ` + "`json:\"newer\"`" + `
`}

// buildChanged builds the program with changed workflow code and a further field of an order's state on its first call
// and returns its path.
func buildChanged(t *testing.T, change string) string {
	t.Helper()
	return program(t, changed[change], func() []string { return []string{overlay(t, change, newerField)} })
}

// ordersWithNewerField returns the revisions of the orders whose state has the field of the newer build.
func (s *system) ordersWithNewerField() map[string]int64 {
	s.t.Helper()
	db, err := sqldb.Open(s.dbURL, 1)
	require.NoError(s.t, err)
	defer func() { require.NoError(s.t, db.Close()) }()
	revisions := map[string]int64{}
	_, err = sqldb.QueryAll(s.t.Context(), db.Reader, func(row sqldb.Scanner) (id string, err error) {
		var revision int64
		err = row.Scan(&id, &revision)
		revisions[id] = revision
		return id, err
	}, `SELECT CAST(order_id AS TEXT), revision FROM order_states WHERE state LIKE '%"newer":"v2"%'`)
	require.NoError(s.t, err)
	return revisions
}

// rollout runs `aliquot rollout` and returns its output.
func (s *system) rollout(binary string, arguments ...string) (string, error) {
	s.t.Helper()
	cmd := exec.CommandContext(s.t.Context(), binary, append([]string{"rollout"}, arguments...)...)
	cmd.Env = append(os.Environ(), "ALIQUOT_TEMPORAL="+s.temporal.Address, "ALIQUOT_TEMPORAL_NAMESPACE="+s.namespace)
	out, err := cmd.CombinedOutput()
	s.t.Logf("aliquot rollout %s\n%s", strings.Join(arguments, " "), out)
	return string(out), err
}

func (s *system) mustRollout(binary string, arguments ...string) string {
	s.t.Helper()
	out, err := s.rollout(binary, arguments...)
	require.NoError(s.t, err, "%s", out)
	return out
}

func (s *system) deployment() *rollout.Deployment {
	return rollout.Open(s.client, s.namespace, "aliquot")
}

// openOrdersOf returns the number of open orders that a build was the last to work on.
func (s *system) openOrdersOf(build string) int64 {
	s.t.Helper()
	status, err := s.deployment().Status(s.t.Context())
	require.NoError(s.t, err)
	for _, b := range status.Builds {
		if b.ID == build {
			return b.OpenOrders
		}
	}
	return 0
}

// drain stops a process with SIGTERM and checks that it exits without an error.
func (p *process) drain(t testing.TB) {
	t.Helper()
	require.NoError(t, p.cmd.Process.Signal(syscall.SIGTERM))
	require.NoError(t, p.cmd.Wait(), "%s", p.logs)
}

// TestARolloutAndBackWithOrdersInEveryStatus rolls out a build with changed workflow code, and goes back, while orders
// are open in every status of every table. The older build does not have the change: it restarts from the store the
// runs that the newer build has taken past it. Every order completes its journey with each event once. The newer build
// also has a further field in the state of an order: the older build keeps it in its recordings.
func TestARolloutAndBackWithOrdersInEveryStatus(t *testing.T) {
	t.Parallel()
	s := newSystem(t, options{workers: noWorkers, neutral: true})
	v1, v2 := buildAliquot(t), buildChanged(t, guardedChange)
	out, err := s.rollout(v1, "set", "v1", "--wait", "0s")
	require.Error(t, err)
	require.Contains(t, out, "aliquot worker --build-id v1", "the error says what to do")

	first := s.startProcess(v1, "--build-id", "v1")
	s.mustRollout(v1, "set", "v1")
	journeys := slices.Concat(scenario.Journeys(), scenario.Journeys())
	driver := s.scenarioSystem()
	s.forEachJourney(journeys, func(ctx context.Context, j *scenario.Journey) error { return j.Start(ctx, driver) })
	open := int64(len(journeys))
	s.await(func() bool { return s.openOrdersOf("v1") == open }, "orders are not open")

	// Roll out. The older workers are not needed any more.
	second := s.startProcess(v2, "--build-id", "v2")
	s.mustRollout(v2, "set", "v2")
	first.drain(t)
	moving := journeys[:len(journeys)/2] // the others stay open in every status meanwhile
	s.forEachJourney(moving, func(ctx context.Context, j *scenario.Journey) error { return j.Step(ctx) })
	require.Positive(t, s.openOrdersOf("v2"))
	require.Positive(t, s.openOrdersOf("v1"))
	require.Positive(t, s.openRunsPastChange("rest"), "some have begun the change")
	require.NotEmpty(t, s.ordersWithNewerField())

	// Go back.
	s.startProcess(v1, "--build-id", "v1")
	require.Contains(t, s.mustRollout(v1, "back"), "v1 is current")
	second.drain(t)
	require.NotContains(t, s.mustRollout(v1, "restart", "v2"), "Started 0")
	s.mustRollout(v1, "show")
	require.Zero(t, s.openRunsPastChange("rest"), "none is left that has")
	before := s.ordersWithNewerField()
	require.Less(t, len(before), len(journeys), "the control: the older build does not write the field")
	s.forEachJourney(journeys, func(ctx context.Context, j *scenario.Journey) error {
		for j.StepsLeft() > 0 {
			if err := j.Step(ctx); err != nil {
				return err
			}
		}
		return nil
	})
	s.requireCompleteJourneys(journeys)
	recorded, after := 0, s.ordersWithNewerField()
	require.Len(t, after, len(before))
	for id, revision := range before {
		require.Contains(t, after, id, "the older build keeps what it does not know")
		if after[id] > revision {
			recorded++
		}
	}
	require.Positive(t, recorded, "the older build has recorded something for some of them")
}

// forEachJourney calls the function for the journeys, a few at the same time. A cluster of two nodes, its database and
// three workers share the machine.
func (s *system) forEachJourney(journeys []*scenario.Journey, do func(context.Context, *scenario.Journey) error) {
	s.t.Helper()
	var mu sync.Mutex
	var failed []string
	var group errgroup.Group
	group.SetLimit(4)
	for _, j := range journeys {
		group.Go(func() error {
			if err := do(s.t.Context(), j); err != nil {
				mu.Lock()
				defer mu.Unlock()
				failed = append(failed, err.Error())
			}
			return nil
		})
	}
	_ = group.Wait() // the list has the errors
	slices.Sort(failed)
	require.Empty(s.t, strings.Join(failed, "\n"))
}

// openRunsPastChange returns the number of open runs that have begun a change.
func (s *system) openRunsPastChange(change string) int64 {
	s.t.Helper()
	found, err := s.client.CountWorkflow(s.t.Context(), &workflowservice.CountWorkflowExecutionsRequest{
		Query: `ExecutionStatus = "Running" AND TemporalChangeVersion = "` + change + `-1"`,
	})
	require.NoError(s.t, err)
	return found.GetCount()
}

// requireCompleteJourneys checks that each order has exactly the statuses of its journey, that each event has a
// webhook, that no run is open, and that the reconciler has nothing to heal.
func (s *system) requireCompleteJourneys(journeys []*scenario.Journey) {
	s.t.Helper()
	for _, j := range journeys {
		var lows []string
		for _, status := range s.order(j.OrderID()).statuses() {
			lows = append(lows, status[strings.LastIndex(status, ".")+1:])
		}
		want := j.LowStatuses()
		i := slices.Index(lows, want[0])
		require.GreaterOrEqual(s.t, i, 0, "%s: %v", j.Name, lows)
		require.Equal(s.t, want, lows[i:], j.Name)
		s.await(func() bool { return s.firstStatusWithoutWebhook(j.OrderID()) == "" }, "%s: not every status has a webhook",
			j.Name)
		s.awaitEnd(j.OrderID())
	}
	require.Equal(s.t, dispatch.SweepResult{}, s.reconcile())
}

// firstStatusWithoutWebhook returns the first status of an order without a webhook, or "". The policy sends no webhooks
// for partial results.
func (s *system) firstStatusWithoutWebhook(id string) string {
	s.t.Helper()
	hooks := s.receiver.forOrder(id)
	for _, e := range s.order(id).Events {
		if hooks[e.ID].Status != e.Status && !strings.HasSuffix(e.Status, "partial_results") {
			return e.Status
		}
	}
	return ""
}

// taskFailures returns the causes of failed workflow tasks of an order.
func (s *system) taskFailures(id string) []enumspb.WorkflowTaskFailedCause {
	s.t.Helper()
	var causes []enumspb.WorkflowTaskFailedCause
	for _, h := range s.histories(dispatch.OrderWorkflowID(id)) {
		for _, e := range h.GetEvents() {
			if failed := e.GetWorkflowTaskFailedEventAttributes(); failed != nil {
				causes = append(causes, failed.GetCause())
			}
		}
	}
	return causes
}

// TestAHeldChangeIsNotBegun shows that a rollout can go back to a build that has a change but holds it, without
// restarted runs, and from there to a build without the change.
func TestAHeldChangeIsNotBegun(t *testing.T) {
	t.Parallel()
	s := newSystem(t, options{workers: noWorkers})
	v1, v2 := buildAliquot(t), buildChanged(t, guardedChange)
	s.startProcess(v1, "--build-id", "v1")
	s.startProcess(v2, "--build-id", "v2-held", "ALIQUOT_HELD_CHANGES=all")
	s.startProcess(v2, "--build-id", "v2")
	s.mustRollout(v1, "set", "v1")
	early := s.placeAndAwait()

	s.mustRollout(v2, "set", "v2-held")
	s.sendFact(early, "kit_shipped")
	s.awaitStatus(early, "collecting_sample.testkit.transit_customer")
	require.Zero(t, s.openRunsPastChange("rest"))
	require.Contains(t, s.mustRollout(v2, "back"), "v1 is current")
	s.sendFact(early, "kit_received")
	s.awaitStatus(early, "sample_with_lab.testkit.delivered_to_lab")

	s.mustRollout(v2, "set", "v2")
	late := s.placeAndAwait()
	s.sendFact(late, "kit_shipped")
	s.awaitStatus(late, "collecting_sample.testkit.transit_customer")
	s.await(func() bool { return s.openRunsPastChange("rest") == 1 }, "the change is not begun")
	s.mustRollout(v2, "set", "v2-held")
	s.sendFact(late, "kit_received")
	s.awaitStatus(late, "sample_with_lab.testkit.delivered_to_lab")
	for _, id := range []string{early, late} {
		s.publishReport(id)
		s.awaitEvents(id, receivedEvents+" completed")
		s.awaitEnd(id)
		require.Empty(t, s.taskFailures(id))
	}
}

// TestSettingABuildEndsARamp shows that the build that is set gets all orders, also if another build had a ramp: the
// ramped build, the build before it, or no version.
func TestSettingABuildEndsARamp(t *testing.T) {
	t.Parallel()
	s := newSystem(t, options{workers: noWorkers})
	binary := buildAliquot(t)
	s.startProcess(binary, "--build-id", "v1")
	s.startProcess(binary, "--build-id", "v2")
	s.mustRollout(binary, "set", "v1")
	idle := "this worker gets no work"
	waiting := s.startProcess(binary, "--build-id", "v2")
	s.await(func() bool { return strings.Contains(waiting.logs.String(), "worker started") }, "it does not start")
	require.Contains(t, waiting.logs.String(), idle)
	s.mustRollout(binary, "ramp", "v2", "10")
	ramping := s.startProcess(binary, "--build-id", "v2")
	s.await(func() bool { return strings.Contains(ramping.logs.String(), "worker started") }, "it does not start")
	require.NotContains(t, ramping.logs.String(), idle, "it gets a part of it")

	for _, set := range [][]string{{"set", "v1"}, {"set", "v2"}, {"set", "v1"}, {"set", "--unversioned"}} {
		status, err := s.deployment().Status(t.Context())
		require.NoError(t, err)
		other := map[string]string{"v1": "v2", "v2": "v1"}[status.Current]
		s.mustRollout(binary, "ramp", other, "10")
		s.mustRollout(binary, set...)
		status, err = s.deployment().Status(t.Context())
		require.NoError(t, err)
		require.Empty(t, status.Ramping, "%v", set)
		require.Equal(t, strings.TrimPrefix(set[1], "--unversioned"), status.Current)
	}
}

// TestAnUnguardedChangeIsCaught is the control: the replay of stored histories finds a change without a guard. If it is
// rolled out nevertheless, the orders that have passed it stop without harm, and continue with the older build.
func TestAnUnguardedChangeIsCaught(t *testing.T) {
	t.Parallel()
	require.Error(t, replayKept(t, unguardedChange))
	require.NoError(t, replayKept(t, guardedChange))

	s := newSystem(t, options{workers: noWorkers})
	v1, v3 := buildAliquot(t), buildChanged(t, unguardedChange)
	s.startProcess(v1, "--build-id", "v1")
	s.startProcess(v3, "--build-id", "v3")
	s.mustRollout(v1, "set", "v1")
	id := s.placeAndAwait()
	s.sendFact(id, "kit_shipped")
	s.awaitStatus(id, "collecting_sample.testkit.transit_customer")

	s.mustRollout(v1, "set", "v3")
	s.sendFact(id, "kit_received")
	s.await(func() bool {
		return slices.Contains(s.taskFailures(id), enumspb.WORKFLOW_TASK_FAILED_CAUSE_NON_DETERMINISTIC_ERROR)
	}, "the change is not found out")
	require.Equal(t, shippedEvents, s.order(id).lowStatuses(), "the order waits")
	s.mustRollout(v1, "back")
	s.awaitStatus(id, "sample_with_lab.testkit.delivered_to_lab")
	s.publishReport(id)
	s.awaitEvents(id, receivedEvents+" completed")
}

// replayKept replays the stored histories with changed workflow code.
func replayKept(t *testing.T, change string) error {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "test", overlay(t, change), "-run", "^TestKeptHistoriesReplay$",
		"../workflows")
	out, err := cmd.CombinedOutput()
	if err != nil {
		require.Contains(t, string(out), "TMPRL1100", "it fails for another reason")
	}
	return err
}
