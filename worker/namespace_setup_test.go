package worker_test

import (
	"bytes"
	"context"
	"log/slog"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/sdk/client"
	"google.golang.org/grpc/codes"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/internal/testservers/temporaltest"
	"github.com/aliquot-labs/aliquot/worker"
)

var quiet = slog.New(slog.DiscardHandler)

func dial(t *testing.T, address, namespace string) client.Client {
	t.Helper()
	c, err := client.Dial(client.Options{HostPort: address, Namespace: namespace, DataConverter: dispatch.NewConverter()})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

func ensure(t *testing.T, c client.Client, namespace string) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	return worker.EnsureAttributesAndSchedules(ctx, c, namespace, quiet)
}

// missing returns the error that lists what is missing.
func missing(t *testing.T, err error) *worker.MissingError {
	t.Helper()
	var found *worker.MissingError
	require.ErrorAs(t, err, &found)
	return found
}

// administrate runs commands as an administrator would, against the server itself.
func administrate(t *testing.T, server *temporaltest.DevServer, commands []string) {
	t.Helper()
	program, err := temporaltest.FindBinary()
	require.NoError(t, err)
	for _, command := range commands {
		rest, ok := strings.CutPrefix(command, "temporal ")
		require.True(t, ok, command)
		cmd := exec.CommandContext(t.Context(), "sh", "-c", `"$TEMPORAL_PROGRAM" `+rest)
		cmd.Env = append(cmd.Environ(), "TEMPORAL_PROGRAM="+program, "TEMPORAL_ADDRESS="+server.Address)
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s\n%s", command, out)
	}
}

var refusals = map[string]codes.Code{"denied": codes.PermissionDenied, "not offered": codes.Unimplemented}

// TestWhatAClientMayNotMakeIsListed lets a client that may not administrate set a namespace up. It lists what is
// missing; the commands that it lists make it; and then nothing is missing.
func TestWhatAClientMayNotMakeIsListed(t *testing.T) {
	t.Parallel()
	server := temporaltest.SharedServer(t)
	for name, code := range refusals {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			namespace := server.Namespace(t)
			proxy := server.Proxy(t, nil, temporaltest.AdministrativeCalls(code))
			c := dial(t, proxy.Address, namespace)

			all := missing(t, ensure(t, c, namespace))
			require.Len(t, all.Items, 7)
			for _, what := range []string{"search attribute OrderStatus (Keyword) is missing",
				"search attribute OrderCollectionMethod (Keyword) is missing", "search attribute OrderTeam (Keyword) is missing",
				"search attribute OrderAttention (KeywordList) is missing", "schedule reconcile-minute is missing",
				"schedule reconcile-hour is missing", "schedule reconcile-day is missing"} {
				require.ErrorContains(t, all, what)
			}
			require.False(t, all.OrdersCanRun())
			require.Equal(t, []string{"tcld namespace search-attributes add --namespace " + namespace +
				" --search-attribute OrderStatus=Keyword --search-attribute OrderCollectionMethod=Keyword" +
				" --search-attribute OrderTeam=Keyword --search-attribute OrderAttention=KeywordList"},
				all.CloudCommands()[:1])

			administrate(t, server, all.Commands()[:4])
			var some *worker.MissingError
			require.Eventually(t, func() bool {
				some = missing(t, ensure(t, c, namespace))
				return some.Count(worker.KindAttribute) == 0
			}, 30*time.Second, 100*time.Millisecond)
			require.True(t, some.OrdersCanRun(), "only schedules are missing")
			require.Equal(t, 3, some.Count(worker.KindSchedule))

			administrate(t, server, some.Commands())
			require.Eventually(t, func() bool { return ensure(t, c, namespace) == nil }, 30*time.Second, 100*time.Millisecond)
		})
	}
}

// TestAClientThatMayAdministrateMakesEverything is the control of the test above: a proxy that refuses nothing.
func TestAClientThatMayAdministrateMakesEverything(t *testing.T) {
	t.Parallel()
	server := temporaltest.SharedServer(t)
	namespace := server.Namespace(t)
	proxy := server.Proxy(t, nil, func(temporaltest.Call) error { return nil })
	c := dial(t, proxy.Address, namespace)
	require.NoError(t, ensure(t, c, namespace))
	proxy.Refuse(temporaltest.AdministrativeCalls(codes.PermissionDenied))
	require.Eventually(t, func() bool { return ensure(t, c, namespace) == nil }, 30*time.Second, 100*time.Millisecond,
		"what exists is found without administrative calls")
}

func TestAMissingNamespaceIsListedWithEverythingElse(t *testing.T) {
	t.Parallel()
	server := temporaltest.SharedServer(t)
	for name, code := range refusals {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			namespace := "unmade-" + strings.ToLower(strings.ReplaceAll(name, " ", "-"))
			proxy := server.Proxy(t, nil, temporaltest.AdministrativeCalls(code))
			c := dial(t, proxy.Address, namespace)
			require.Error(t, worker.EnsureNamespace(t.Context(), c, namespace, worker.NamespaceRetention))
			all := missing(t, ensure(t, c, namespace))
			require.Equal(t, 1, all.Count(worker.KindNamespace))
			require.Equal(t, 4, all.Count(worker.KindAttribute))
			require.Contains(t, all.Commands()[0], "operator namespace create --namespace "+namespace+" --retention 72h")

			administrate(t, server, all.Commands()[:1])
			require.Eventually(t, func() bool {
				return worker.EnsureNamespace(t.Context(), c, namespace, worker.NamespaceRetention) == nil
			}, 30*time.Second, 100*time.Millisecond)
			require.Equal(t, 0, missing(t, ensure(t, c, namespace)).Count(worker.KindNamespace))
		})
	}
}

func TestAnAttributeOfAnotherTypeIsReported(t *testing.T) {
	t.Parallel()
	server := temporaltest.SharedServer(t)
	namespace := server.Namespace(t)
	c := dial(t, server.Address, namespace)
	_, err := c.OperatorService().AddSearchAttributes(t.Context(), &operatorservice.AddSearchAttributesRequest{
		Namespace:        namespace,
		SearchAttributes: map[string]enumspb.IndexedValueType{"OrderTeam": enumspb.INDEXED_VALUE_TYPE_TEXT},
	})
	require.NoError(t, err)
	var wrong *worker.MissingError
	require.Eventually(t, func() bool {
		wrong = missing(t, ensure(t, c, namespace))
		return len(wrong.Items) == 1
	}, 30*time.Second, 100*time.Millisecond)
	require.ErrorContains(t, wrong, "search attribute OrderTeam (Keyword) has the wrong type: its type is Text")
	require.False(t, wrong.OrdersCanRun())
	administrate(t, server, wrong.Commands())
	require.Eventually(t, func() bool { return ensure(t, c, namespace) == nil }, 30*time.Second, 100*time.Millisecond)
}

// TestSchedulesAreBroughtUpToDate changes everything about a schedule. A start restores what a build decides, and keeps
// what operations decide. Its control is the log, which names every schedule that was changed.
func TestSchedulesAreBroughtUpToDate(t *testing.T) {
	t.Parallel()
	server := temporaltest.SharedServer(t)
	namespace := server.Namespace(t)
	c := dial(t, server.Address, namespace)
	require.NoError(t, ensure(t, c, namespace))
	const id = "reconcile-hour"
	handle := c.ScheduleClient().GetHandle(t.Context(), id)
	before, err := handle.Describe(t.Context())
	require.NoError(t, err)
	require.NoError(t, handle.Pause(t.Context(), client.SchedulePauseOptions{Note: "maintenance of the lab"}))
	administrate(t, server, []string{"temporal schedule update --schedule-id " + id + " --namespace " + namespace +
		" --interval 5m --overlap-policy AllowAll --workflow-id other --type Other --task-queue other --jitter 7s" +
		` --paused --notes "maintenance of the lab" --input '{"thorough":true,"of_another_build":1}'`})

	var logged bytes.Buffer
	log := slog.New(slog.NewJSONHandler(&logged, nil))
	require.Eventually(t, func() bool {
		return worker.EnsureAttributesAndSchedules(t.Context(), c, namespace, log) == nil
	}, time.Minute, 100*time.Millisecond)
	require.Contains(t, logged.String(), `"schedule":"reconcile-hour","changed":"interval, overlap policy, workflow, `+
		`task queue, input"`)
	require.Equal(t, 1, strings.Count(logged.String(), "updated a schedule"), "the others are as they have to be")
	after, err := handle.Describe(t.Context())
	require.NoError(t, err)
	require.Equal(t, before.Schedule.Spec.Intervals, after.Schedule.Spec.Intervals)
	require.Equal(t, before.Schedule.Policy.Overlap, after.Schedule.Policy.Overlap)
	wanted, restored := actionOf(t, before), actionOf(t, after)
	require.Equal(t, 10*time.Second, restored.WorkflowTaskTimeout, "the program has set it, and it stays")
	restored.WorkflowTaskTimeout = wanted.WorkflowTaskTimeout
	require.Equal(t, wanted, restored)
	require.True(t, after.Schedule.State.Paused)
	require.Equal(t, "maintenance of the lab", after.Schedule.State.Note)
	require.Equal(t, 7*time.Second, after.Schedule.Spec.Jitter)

	logged.Reset()
	require.Eventually(t, func() bool {
		return worker.EnsureAttributesAndSchedules(t.Context(), c, namespace, log) == nil
	}, time.Minute, 100*time.Millisecond)
	require.Empty(t, logged.String(), "nothing is changed twice")
}

func actionOf(t *testing.T, d *client.ScheduleDescription) *client.ScheduleWorkflowAction {
	t.Helper()
	action, ok := d.Schedule.Action.(*client.ScheduleWorkflowAction)
	require.True(t, ok)
	return action
}

// TestAScheduleThatMayNotBeChangedIsListed lists the differences and the command that ends them.
func TestAScheduleThatMayNotBeChangedIsListed(t *testing.T) {
	t.Parallel()
	server := temporaltest.SharedServer(t)
	namespace := server.Namespace(t)
	direct := dial(t, server.Address, namespace)
	require.NoError(t, ensure(t, direct, namespace))
	administrate(t, server, []string{"temporal schedule update --schedule-id reconcile-day --namespace " + namespace +
		" --interval 48h --workflow-id reconcile-day --type Reconcile --task-queue aliquot-deliveries" +
		` --input '{"open_orders":true,"thorough":true}'`})
	proxy := server.Proxy(t, nil, temporaltest.AdministrativeCalls(codes.PermissionDenied))
	c := dial(t, proxy.Address, namespace)
	var outdated *worker.MissingError
	require.Eventually(t, func() bool {
		outdated = missing(t, ensure(t, c, namespace))
		return len(outdated.Items) == 1
	}, 30*time.Second, 100*time.Millisecond)
	require.ErrorContains(t, outdated, "schedule reconcile-day has another interval than this build wants")
	require.True(t, outdated.OrdersCanRun())
	administrate(t, server, outdated.Commands())
	require.NoError(t, ensure(t, c, namespace))
}
