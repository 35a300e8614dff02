package e2e

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/e2e/scenario"
	"github.com/aliquot-labs/aliquot/lifecycle"
)

// Every status and every edge of the lifecycle tables is reached by what clients, operations and partners do over HTTP, and by timers.
// Package drive does that; what the database says afterwards is compared with the tables.
func TestEveryEdgeIsReached(t *testing.T) {
	t.Parallel()
	s := newSystem(t, options{neutral: true, noEndpoint: true})
	names, failures := scenario.RunAll(context.Background(), s.scenarioSystem(), scenario.Paths())
	require.Empty(t, strings.Join(failures, "\n"))
	h := s.readEventLog(names)
	t.Logf("what was reached, by what, and on which walk:\n%s", strings.Join(h.edgeReport(), "\n"))
	require.Empty(t, h.unreachedEdges())
	require.Empty(t, h.undocumentedEdges())
	require.Empty(t, h.unknownCauses())

	// The controls: a chronicle without the orders that went over an edge, and one with an event that nobody caused, on an edge of
	// another table.
	edge := tableEdge{lifecycle.NameTestkit, lifecycle.LabProcessingBlocked, lifecycle.DoNotProcess}
	require.Contains(t, h.withoutEdge(edge).unreachedEdges(), edge.String())
	h.events[1].cause, h.events[1].edge.machine = "console:1", "console"
	require.Len(t, h.unknownCauses(), 1)
	require.Len(t, h.undocumentedEdges(), 1)
}
