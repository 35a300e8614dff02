package workflows_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/workflow"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/workflows"
)

// replayedStatesFile names the file into which TestReplayedStates writes what it saw, for a build with other rules.
const replayedStatesFile = "ALIQUOT_REPLAYED_STATES"

// changedDeadlines is a change of the rules: every deadline is an hour later.
var changedDeadlines = edits{"../order/deadline.go": {
	`Deadline{Name: name, Due: from.Add(after.Std())})`: `Deadline{Name: name, Due: from.Add(after.Std() + time.Hour)})`,
}}

// derivedDeadlines makes a run derive its deadlines itself, by the rules of its build, as a run would that decides.
var derivedDeadlines = edits{
	"../order/deadline.go": {
		"\nfunc containsDeadline(": "\n// DueNow is when a deadline is due by the changed rules.\n" +
			"func DueNow(d Deadline) time.Time { return d.Due.Add(time.Hour) }\n\nfunc containsDeadline(",
	},
	"settle.go": {
		"	r.agenda, r.started = a, true\n": "	r.agenda, r.started = a, true\n" +
			"	for i, d := range r.agenda.Deadlines {\n		r.agenda.Deadlines[i].Due = order.DueNow(d)\n	}\n",
	},
}

// notReplayed stands for the states of a history that does not replay.
const notReplayed = "it does not replay"

// TestReplayedStates: a run that is replayed by a build with other rules sees the states that it saw before. It replays
// every kept history with changed rules and compares what the run shows after each step.
func TestReplayedStates(t *testing.T) {
	t.Parallel()
	states := replayedStates(t)
	if file := os.Getenv(replayedStatesFile); file != "" {
		text, err := json.Marshal(states)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(file, text, 0o600))
		return
	}
	require.Contains(t, strings.Join(states["scheduled-1"], "\n"), "next: activate at ")
	for name, shown := range states {
		require.NotContains(t, shown, notReplayed, name)
	}
	t.Run("changed rules", func(t *testing.T) {
		t.Parallel()
		require.Equal(t, states, statesOfBuild(t, changedDeadlines))
	})
	t.Run("control: a run that decides", func(t *testing.T) {
		t.Parallel()
		require.NotEqual(t, states, statesOfBuild(t, derivedDeadlines))
	})
}

// replayedStates replays the kept histories of orders. It returns what each run shows in the Temporal UI before each of
// its settlings and at its end.
func replayedStates(t *testing.T) map[string][]string {
	t.Helper()
	files, err := filepath.Glob("testdata/*.json")
	require.NoError(t, err)
	states := map[string][]string{}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		seen := &shownStates{}
		if err := newReplayer(t, workflows.Order, seen).ReplayWorkflowHistoryFromJSONFile(nil, file); err != nil {
			seen.details = append(seen.details, notReplayed)
		}
		states[name] = seen.details
	}
	return states
}

// shownStates notes the details that a run shows.
type shownStates struct {
	interceptor.WorkerInterceptorBase

	details []string
}

func (s *shownStates) InterceptWorkflow(_ workflow.Context,
	next interceptor.WorkflowInboundInterceptor) interceptor.WorkflowInboundInterceptor {
	return &shownInbound{WorkflowInboundInterceptorBase: interceptor.WorkflowInboundInterceptorBase{Next: next}, s: s}
}

type shownInbound struct {
	interceptor.WorkflowInboundInterceptorBase

	s *shownStates
}

func (i *shownInbound) Init(next interceptor.WorkflowOutboundInterceptor) error {
	return i.Next.Init(&shownOutbound{
		WorkflowOutboundInterceptorBase: interceptor.WorkflowOutboundInterceptorBase{Next: next}, s: i.s})
}

func (i *shownInbound) ExecuteWorkflow(ctx workflow.Context, in *interceptor.ExecuteWorkflowInput) (any, error) {
	out, err := i.Next.ExecuteWorkflow(ctx, in)
	i.s.details = append(i.s.details, workflow.GetCurrentDetails(ctx))
	return out, err
}

type shownOutbound struct {
	interceptor.WorkflowOutboundInterceptorBase

	s *shownStates
}

func (o *shownOutbound) ExecuteLocalActivity(ctx workflow.Context, name string, args ...any) workflow.Future {
	o.s.details = append(o.s.details, workflow.GetCurrentDetails(ctx))
	return o.Next.ExecuteLocalActivity(ctx, name, args...)
}

func (o *shownOutbound) ExecuteActivity(ctx workflow.Context, name string, args ...any) workflow.Future {
	if name == dispatch.ActivitySettle {
		o.s.details = append(o.s.details, workflow.GetCurrentDetails(ctx))
	}
	return o.Next.ExecuteActivity(ctx, name, args...)
}

// edits replace texts in files.
type edits map[string]map[string]string

// statesOfBuild returns the replayed states of a build with changed files.
func statesOfBuild(t *testing.T, changes edits) map[string][]string {
	t.Helper()
	dir := t.TempDir()
	replaced := map[string]string{}
	for file, texts := range changes {
		source, err := os.ReadFile(file)
		require.NoError(t, err)
		text := string(source)
		for before, after := range texts {
			require.Equal(t, 1, strings.Count(text, before), "%s has another text than %q", file, before)
			text = strings.Replace(text, before, after, 1)
		}
		path, err := filepath.Abs(file)
		require.NoError(t, err)
		replaced[path] = filepath.Join(dir, strings.ReplaceAll(file, "/", "_"))
		require.NoError(t, os.WriteFile(replaced[path], []byte(text), 0o600))
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replaced})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "overlay.json"), overlay, 0o600))
	file := filepath.Join(dir, "states.json")
	command := exec.CommandContext(t.Context(), "go", "test", "-count=1", "-vet=off",
		"-overlay="+filepath.Join(dir, "overlay.json"), "-run", "^TestReplayedStates$", ".")
	command.Env = append(os.Environ(), replayedStatesFile+"="+file)
	out, err := command.CombinedOutput()
	require.NoError(t, err, "%s", out)
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	var states map[string][]string
	require.NoError(t, json.Unmarshal(text, &states))
	return states
}
