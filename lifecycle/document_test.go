package lifecycle

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDocumentIsCurrent(t *testing.T) {
	t.Parallel()
	found, err := os.ReadFile("../docs/lifecycle.md")
	require.NoError(t, err)
	require.Equal(t, Markdown(), string(found), "docs/lifecycle.md is not current: run go generate ./lifecycle")
}

// TestDiagramsMatchTheContract checks that each diagram has exactly the arrows of order-lifecycle#edges: solid if
// documented, dashed if not, with the condition.
func TestDiagramsMatchTheContract(t *testing.T) {
	t.Parallel()
	labels := map[string]string{"": "", "unshipped": "|nothing shipped|", "initial": "|not a redraw|"}
	diagrams := strings.Split(Markdown(), "```mermaid\nflowchart TD\n")[1:]
	require.Len(t, diagrams, len(Machines())+1, "and that of appointments")
	for i, m := range Machines() {
		diagram, _, ok := strings.Cut(diagrams[i], "```")
		require.True(t, ok)
		rules := contractRules(t, m.Name())
		require.Equal(t, len(rules), strings.Count(diagram, "-->")+strings.Count(diagram, "-.->"))
		for at, rule := range rules {
			arrow := map[string]string{"D": "-->", "X": "-.->"}[rule.origin]
			require.Contains(t, diagram, "    "+at.from+" "+arrow+labels[rule.condition]+" "+at.to+"\n")
		}
	}
	appointments := diagrams[len(Machines())]
	for _, e := range AppointmentEdges() {
		from := string(e.From)
		if from == "" {
			from = "new(( ))"
		}
		require.Contains(t, appointments, "    "+from+" --> "+string(e.To)+"\n")
	}
}

func TestDocumentSaysWhyAndWho(t *testing.T) {
	t.Parallel()
	document := Markdown()
	for _, line := range []string{
		"| `draw_completed` |  |  | collecting_sample | sample_with_lab |  |",
		"| `sample_stability_exceeded` | `sample_error` |",
		"| courier | `transit_customer`, `out_for_delivery`,",
		"| Registrable testkit, after registration | `registered`, `requisition_created`, while nothing shipped |",
		"| `lab_processing_blocked` | `sample_error` | extension | lab, timer |  | " +
			"the lab's rejection was final, or the recovery window closed |",
		"| `registered` | `cancelled` | documented | client, operations | nothing shipped |  |",
	} {
		require.Contains(t, document, line)
	}
}
