package order

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/lifecycle"
)

var writeRules = flag.Bool("write", false, "write testdata/status_rules.txt")

// TestRulesOfEveryStatus records what package order does in every status of every modality: which marks stay when an
// order enters it, which deadlines it has, and what else depends on it. A change of testdata/status_rules.txt is a
// change of behaviour.
func TestRulesOfEveryStatus(t *testing.T) {
	t.Parallel()
	const file = "testdata/status_rules.txt"
	got := statusRules()
	if *writeRules {
		require.NoError(t, os.WriteFile(file, []byte(got), 0o600))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), got,
		"if the rules are meant to change: go test ./order -run TestRulesOfEveryStatus -write")
}

func statusRules() string {
	var b strings.Builder
	b.WriteString("Written by: go test ./order -run TestRulesOfEveryStatus -write\n")
	for _, status := range lifecycle.Statuses() {
		m, low := status.Modality(), status.Low()
		fmt.Fprintf(&b, "\n%s\n", status)
		entered := stateEntering(m, low)
		fmt.Fprintf(&b, "  marks that stay: %s\n", strings.Join(entered.Agenda().MarkReasons(), " "))
		fmt.Fprintf(&b, "  is: %s\n", strings.Join(traits(entered), " "))
		for _, c := range circumstances(m) {
			s := entered
			c.edit(&s)
			s.recomputeDeadlines()
			fmt.Fprintf(&b, "  deadlines, %s:", c.name)
			for _, d := range s.Deadlines {
				fmt.Fprintf(&b, " %s+%s", d.Name, d.Due.Sub(t0))
			}
			b.WriteString("\n")
		}
	}
	return b.String()
}

// stateEntering returns an order with every mark that enters a status.
func stateEntering(m lifecycle.Modality, low lifecycle.LowStatus) State {
	s := State{Modality: m, Policy: DefaultPolicy(), CreatedAt: t0, Status: lifecycle.Ordered,
		ActivateAt: t0.Add(time.Hour)}
	for _, r := range AllAttentionReasons() {
		s.RaiseMark(r, t0)
	}
	s.Recovery = RecoveryState{OpenedAt: t0.Add(2 * time.Hour)}
	s.PendingCorrection = &PendingCorrection{}
	s.enterStatus(Step{To: low, At: t0.Add(3 * time.Hour)}, true)
	return s
}

// traits returns the answers to questions about a status.
func traits(s State) []string {
	var out []string
	is := func(name string, yes bool) {
		if yes {
			out = append(out, name)
		}
	}
	m := MatchableOrder{Status: s.Status}
	is("terminal", s.Terminal())
	is("failed", s.Failed())
	is("unplaced", s.awaitsRequisition())
	is("ended_otherwise", s.endedWithoutResults())
	is("uncollected", m.lacksRequisition())
	is("rank_"+fmt.Sprint(m.waitingRank()), true)
	is("transaction_"+string(TransactionStatusOf([]lifecycle.LowStatus{s.Status})), true)
	is("match_"+string(matchCode([]MatchableOrder{m}, []Candidate{{}}, "")), true)
	is("candidate_"+fmt.Sprint(m.asCandidate(LabReport{}, "", "").Reasons), true)
	is("recovery_kept", !s.Recovery.OpenedAt.IsZero() && s.PendingCorrection != nil)
	is("outbound_begins", !s.Outbound.StartedAt.IsZero())
	is("outbound_over", s.Outbound.Finished)
	is("inbound_begins", !s.Inbound.StartedAt.IsZero())
	scheduled := s.newDecision(t0)
	scheduled.Next.Scheduled = true
	is("schedule_moves_"+string(scheduled.changeActivation(Demand{})), true)
	is("recovers_"+string(s.CheckDemand(Demand{Kind: DemandRecover}, t0)), true)
	for _, kind := range []FactKind{FactKitShipped, FactKitReceived, FactKitRejected, FactReportReady, FactDrawCompleted} {
		final := false
		f := Fact{Kind: kind, ReceivedAt: t0.Add(4 * time.Hour), SentAt: t0.Add(4 * time.Hour), Recoverable: &final}
		d := s.ApplyFact(f, t0.Add(4*time.Hour))
		is(fmt.Sprintf("%s=%s/%s/%s", kind, d.Outcome, d.Reason, d.Next.Status), true)
	}
	for _, f := range []FetchOutcome{{ResultID: "r", Changed: true}, {ResultID: "r", Changed: true, Partial: true},
		{ResultID: "r", Changed: true, MissingByLabFault: true}} {
		d, visible := s.ApplyFetchedResults(f, t0.Add(4*time.Hour))
		is(fmt.Sprintf("fetched_%t_%t=%t/%s/%s", f.Partial, f.MissingByLabFault, visible, d.Reason, d.Next.Status), true)
	}
	return out
}

type circumstance struct {
	name string
	edit func(*State)
}

// circumstances are what deadlines depend on beside the status.
func circumstances(m lifecycle.Modality) []circumstance {
	all := []circumstance{
		{"placing", func(s *State) { s.Placement.State = PlacementStarted }},
		{"scheduled", func(s *State) { s.Placement.State = PlacementNone }},
	}
	if m != lifecycle.Testkit {
		return append(all, circumstance{"appointment", func(s *State) {
			s.Appointment = &Appointment{Status: lifecycle.AppointmentStatusPending, StartAt: t0.Add(40 * time.Hour),
				EndAt: t0.Add(41 * time.Hour), ConfirmBy: t0.Add(9 * time.Hour)}
		}})
	}
	return append(all,
		circumstance{"shipped", func(s *State) {
			s.HasShipped, s.Outbound.StartedAt, s.Inbound.StartedAt = true, t0.Add(5*time.Hour), t0.Add(6*time.Hour)
		}},
		circumstance{"fetching", func(s *State) {
			s.HasShipped, s.Outbound.StartedAt, s.Inbound.StartedAt = true, t0.Add(5*time.Hour), t0.Add(6*time.Hour)
			s.Fetch = Fetch{Pending: true, StartedAt: t0}
		}},
		circumstance{"registrable", func(s *State) { s.Registrable = true }},
	)
}
