package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/labs/simlab"
)

// plainLife lists the statuses of an order with the lab's facts shipped, received and report ready.
var plainLife = []string{
	"received.testkit.ordered",
	"received.testkit.requisition_created",
	"collecting_sample.testkit.transit_customer",
	"sample_with_lab.testkit.delivered_to_lab",
	"completed.testkit.completed",
}

// TestKilledWorkersLoseNothing runs orders on two worker processes and repeatedly kills one of them with -9 while
// orders are open. The other one takes over each time.
func TestKilledWorkersLoseNothing(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, o options) {
		o.workers = noWorkers
		s := newSystem(t, o)
		binary := buildAliquot(t)
		workers := []*process{s.startProcess(binary), s.startProcess(binary)}
		first := []int{workers[0].pid(), workers[1].pid()}
		require.NotEqual(t, first[0], first[1])

		var ids []string
		for range 8 {
			ids = append(ids, s.placeOrder(nil))
		}
		kill := func(n int) {
			workers[n].kill(t)
			workers[n] = s.startProcess(binary)
		}
		s.awaitAll(ids, 2)
		for !containsAll(s.workersOfOrders(ids), first) { // the server may not have given tasks to one of them yet
			require.Less(t, len(ids), 50, "one of the processes gets no work")
			ids = append(ids, s.placeOrder(nil))
			s.awaitAll(ids, 2)
		}
		s.sendFactToAll(ids, "kit_shipped")
		kill(0)
		s.awaitAll(ids, 3)
		s.sendFactToAll(ids, "kit_received")
		kill(0)
		kill(1)
		s.awaitAll(ids, 4)
		for _, id := range ids {
			s.publishReport(id)
		}
		s.awaitAll(ids, 5)
		for _, id := range ids {
			s.awaitWebhooks(id)
		}
		account := s.observe(ids)
		require.Empty(t, account.discrepancies())
	})
}

func containsAll(seen, want []int) bool {
	return slices.Contains(seen, want[0]) && slices.Contains(seen, want[1])
}

// TestDiscrepanciesOfKilledWorkersAreFound is the control: a missing or doubled event, a missing webhook and an order
// that was placed twice are found.
func TestDiscrepanciesOfKilledWorkersAreFound(t *testing.T) {
	t.Parallel()
	good := func() observations {
		return observations{
			events: map[string][]string{"a": slices.Clone(plainLife)},
			webhooks: map[string]map[int64]string{"a": {1: plainLife[0], 2: plainLife[1], 3: plainLife[2], 4: plainLife[3],
				5: plainLife[4]}},
			accepted: map[string]int{"a": 1},
		}
	}
	require.Empty(t, good().discrepancies())
	for name, spoil := range map[string]func(*observations){
		"an event is missing": func(a *observations) { a.events["a"] = a.events["a"][:4] },
		"an event is doubled": func(a *observations) {
			a.events["a"] = slices.Insert(a.events["a"], 2, plainLife[2])
		},
		"a webhook is missing":         func(a *observations) { delete(a.webhooks["a"], 3) },
		"a webhook has a wrong status": func(a *observations) { a.webhooks["a"][3] = plainLife[4] },
		"placed twice":                 func(a *observations) { a.accepted["a"] = 2 },
		"never placed":                 func(a *observations) { a.accepted["a"] = 0 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := good()
			spoil(&a)
			require.NotEmpty(t, a.discrepancies())
		})
	}
}

// observations are what the API, the webhook receiver and the lab say of the same orders.
type observations struct {
	events   map[string][]string
	webhooks map[string]map[int64]string
	accepted map[string]int // requisitions that the lab accepted, by order
}

func (s *system) observe(ids []string) observations {
	a := observations{events: map[string][]string{}, webhooks: map[string]map[int64]string{}, accepted: map[string]int{}}
	calls := s.lab.Traffic()
	for _, id := range ids {
		a.events[id] = s.order(id).statuses()
		a.webhooks[id] = map[int64]string{}
		for sequence, d := range s.receiver.forOrder(id) {
			a.webhooks[id][sequence] = d.Status
		}
		for _, call := range calls.CallsFor(s.labOrderNumber(id)) {
			for _, o := range call.Orders {
				if o.OrderNumber == s.labOrderNumber(id) && o.Outcome == simlab.OutcomeAccepted {
					a.accepted[id]++
				}
			}
		}
	}
	return a
}

func (a observations) discrepancies() []string {
	var out []string
	for id, events := range a.events {
		if !slices.Equal(events, plainLife) {
			out = append(out, fmt.Sprintf("order %s: events %v", id, events))
		}
		for i, status := range events {
			if got := a.webhooks[id][int64(i+1)]; got != status {
				out = append(out, fmt.Sprintf("order %s: webhook %d has status %q instead of %q", id, i+1, got, status))
			}
		}
		if a.accepted[id] != 1 {
			out = append(out, fmt.Sprintf("order %s: placed %d times", id, a.accepted[id]))
		}
	}
	return out
}

func (s *system) awaitAll(ids []string, sequence int64) {
	s.t.Helper()
	for _, id := range ids {
		require.Eventually(s.t, func() bool { return s.order(id).Sequence >= sequence }, 2*timeout, 100*time.Millisecond,
			"order %s: event %d", id, sequence)
	}
}

func (s *system) sendFactToAll(ids []string, kind string) {
	s.t.Helper()
	for _, id := range ids {
		s.sendLabFact(id, map[string]any{"type": kind})
	}
}

// workersOfOrders lists the process ids of the workers of the orders, from the identities in their histories
// (pid@host@).
func (s *system) workersOfOrders(ids []string) []int {
	s.t.Helper()
	var out []int
	for _, id := range ids {
		for _, h := range s.histories(dispatch.OrderWorkflowID(id)) {
			for _, e := range h.GetEvents() {
				var pid int
				if _, err := fmt.Sscanf(e.GetWorkflowTaskStartedEventAttributes().GetIdentity(), "%d@", &pid); err == nil {
					out = append(out, pid)
				}
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// buildAliquot builds the released program on its first call and returns its path.
func buildAliquot(t testing.TB) string {
	t.Helper()
	return program(t, "shipped", func() []string { return nil })
}

// programs are the programs that this process has built, by name, in a directory that is removed when the process ends.
var programs struct {
	mu    sync.Mutex
	dir   string
	files map[string]string
}

// program builds a program if it is not built yet, and returns its path. arguments returns further arguments for the go
// command.
func program(t testing.TB, name string, arguments func() []string) string {
	t.Helper()
	programs.mu.Lock()
	defer programs.mu.Unlock()
	if file, built := programs.files[name]; built {
		return file
	}
	if programs.dir == "" {
		dir, err := os.MkdirTemp("", "aliquot-e2e-") //nolint:usetesting // the programs outlive the test that builds them
		require.NoError(t, err)
		programs.dir, programs.files = dir, map[string]string{}
	}
	file := filepath.Join(programs.dir, name)
	args := append(append([]string{"build"}, arguments()...), "-o", file, "../cmd/aliquot")
	out, err := exec.CommandContext(t.Context(), "go", args...).CombinedOutput()
	require.NoError(t, err, "%s", out)
	programs.files[name] = file
	return file
}

func removePrograms() error { return os.RemoveAll(programs.dir) }

// process is a worker process.
type process struct {
	cmd  *exec.Cmd
	logs *lockedBuffer
}

// startProcess starts `aliquot worker` with the system's settings and with further arguments and environment variables
// (NAME=value). The process ends with the test.
func (s *system) startProcess(binary string, more ...string) *process {
	s.t.Helper()
	return s.startCommand(binary, "worker", more...)
}

// startCommand starts another command of the program in the same way.
func (s *system) startCommand(binary, command string, more ...string) *process {
	s.t.Helper()
	p := &process{cmd: exec.CommandContext(context.Background(), binary, command), logs: &lockedBuffer{}}
	p.cmd.Env = append(os.Environ(),
		"ALIQUOT_DATABASE_URL="+s.dbURL, "ALIQUOT_ENCRYPTION_KEYS="+encryptionKeys, "ALIQUOT_TEMPORAL="+s.temporal.Address,
		"ALIQUOT_TEMPORAL_NAMESPACE="+s.namespace, "ALIQUOT_WEBHOOK_NETWORKS=127.0.0.0/8",
		"ALIQUOT_COURIER_URL="+s.labURL, "ALIQUOT_COURIER_KEY="+courierKey)
	for _, m := range more {
		if strings.HasPrefix(m, "ALIQUOT_") {
			p.cmd.Env = append(p.cmd.Env, m)
		} else {
			p.cmd.Args = append(p.cmd.Args, m)
		}
	}
	p.cmd.Stderr = p.logs
	require.NoError(s.t, p.cmd.Start())
	s.t.Cleanup(func() { p.kill(s.t) })
	return p
}

func (p *process) pid() int { return p.cmd.Process.Pid }

// kill kills the process with -9, unless it has ended.
func (p *process) kill(t testing.TB) {
	t.Helper()
	if p.cmd.ProcessState != nil {
		return
	}
	require.NoError(t, p.cmd.Process.Kill())
	if err := p.cmd.Wait(); err != nil && !strings.Contains(err.Error(), "killed") {
		t.Errorf("a worker process ended and nobody stopped it: %v\n%s", err, p.logs)
	}
}
