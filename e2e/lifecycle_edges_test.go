package e2e

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/e2e/scenario"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
)

// recordedEvent is an event of the database and the edge that it took.
type recordedEvent struct {
	order  string
	status lifecycle.Status
	edge   tableEdge // zero for an order's first event
	cause  string
}

// tableEdge is an edge of one of the lifecycle tables.
type tableEdge struct {
	machine  lifecycle.MachineName
	from, to lifecycle.LowStatus
}

func (e tableEdge) String() string { return fmt.Sprintf("%s: %s > %s", e.machine, e.from, e.to) }

// eventLog holds all events of orders and their appointments.
type eventLog struct {
	events           []recordedEvent
	appointmentEdges map[lifecycle.AppointmentEdge][]string // by the actors: patient, provider, system
	paths            map[string]string                      // by order; a replacement has none
}

// readEventLog reads the events from the database.
func (s *system) readEventLog(paths map[string]string) *eventLog {
	s.t.Helper()
	db := s.openDatabase()
	defer func() { require.NoError(s.t, db.Close()) }()
	h := &eventLog{appointmentEdges: map[lifecycle.AppointmentEdge][]string{}, paths: paths}
	before, registered := map[string]lifecycle.LowStatus{}, map[string]bool{}
	for _, row := range s.rows(db, `SELECT e.order_id, e.status, e.cause, o.modality,
		CASE WHEN o.registrable THEN 'registrable' ELSE '' END
		FROM events e JOIN orders o ON o.id = e.order_id ORDER BY e.order_id, e.sequence`) {
		id, status, registrable := row[0], lifecycle.Status(row[1]), row[4] != ""
		e := recordedEvent{order: id, status: status, cause: row[2]}
		if from, later := before[id]; later {
			e.edge = tableEdge{lifecycle.MachineFor(lifecycle.Modality(row[3]), registrable, registered[id]).Name(), from,
				status.Low()}
		}
		before[id] = status.Low()
		registered[id] = registered[id] || status.Low() == lifecycle.Registered
		h.events = append(h.events, e)
	}
	h.readAppointments(s, db)
	return h
}

func (h *eventLog) readAppointments(s *system, db *sql.DB) {
	before := map[string]lifecycle.AppointmentStatus{}
	for _, row := range s.rows(db,
		`SELECT appointment_id, status, origin FROM appointment_events ORDER BY appointment_id, number`) {
		to := lifecycle.AppointmentStatus(row[1])
		for _, status := range lifecycle.AppointmentStatuses() {
			if status.EventStatus() == row[1] {
				to = status
			}
		}
		e := lifecycle.AppointmentEdge{From: before[row[0]], To: to}
		h.appointmentEdges[e] = append(h.appointmentEdges[e], row[2])
		before[row[0]] = to
	}
}

// edgeWithoutTimer is the only edge of the timer that no API call can lead to: only bookings at patient service centers
// can wait for their confirmation (client-api#11-appointments).
var edgeWithoutTimer = tableEdge{lifecycle.NameAtHomePhlebotomy, lifecycle.AppointmentPending,
	lifecycle.AppointmentCancelled}

// unreachedEdges lists the statuses and edges of the tables that no order has reached, and the edges of the timer that
// no timer has taken.
func (h *eventLog) unreachedEdges() []string {
	statuses, edges, timed := map[lifecycle.Status]bool{}, map[tableEdge]bool{}, map[tableEdge]bool{}
	for _, e := range h.events {
		statuses[e.status], edges[e.edge] = true, true
		timed[e.edge] = timed[e.edge] || order.KindOfCause(e.cause) == "timer"
	}
	var missing []string
	for _, status := range lifecycle.Statuses() {
		if !statuses[status] {
			missing = append(missing, string(status))
		}
	}
	for _, m := range lifecycle.Machines() {
		for _, line := range m.Edges() {
			e := tableEdge{m.Name(), line.From, line.To}
			if !edges[e] {
				missing = append(missing, e.String())
			} else if slices.Contains(line.Actors, lifecycle.Timer) && !timed[e] && e != edgeWithoutTimer {
				missing = append(missing, e.String()+", by a timer")
			}
		}
	}
	for _, e := range lifecycle.AppointmentEdges() {
		if len(h.appointmentEdges[e]) == 0 {
			missing = append(missing, appointmentEdgeName(e))
		}
	}
	return missing
}

func appointmentEdgeName(e lifecycle.AppointmentEdge) string {
	return fmt.Sprintf("appointment: %s > %s", e.From, e.To)
}

// undocumentedEdges lists the edges that orders took and that no table has.
func (h *eventLog) undocumentedEdges() []string {
	listed := map[tableEdge]bool{{}: true}
	for _, m := range lifecycle.Machines() {
		for _, line := range m.Edges() {
			listed[tableEdge{m.Name(), line.From, line.To}] = true
		}
	}
	var odd []string
	for _, e := range h.events {
		if !listed[e.edge] {
			odd = append(odd, "order "+e.order+" went "+e.edge.String())
		}
	}
	return odd
}

// causes are the kinds of causes of an event: a request, a demand, an inbox item of a partner, the result of a call, a
// deadline, and the end of the parent order.
var causes = []string{"api", "demand", "inbox", "call", "timer", "parent"}

// unknownCauses lists the events with another cause.
func (h *eventLog) unknownCauses() []string {
	var odd []string
	for _, e := range h.events {
		if !slices.Contains(causes, order.KindOfCause(e.cause)) {
			odd = append(odd, fmt.Sprintf("order %s: %s because of %s", e.order, e.status, e.cause))
		}
	}
	return odd
}

// edgeReport lists, for each edge, the kinds of causes and the name of the shortest path over it.
func (h *eventLog) edgeReport() []string {
	type line struct{ edge, kind string }
	paths := map[line]string{}
	for _, e := range h.events {
		if e.edge == (tableEdge{}) {
			continue
		}
		at, own := line{e.edge.String(), order.KindOfCause(e.cause)}, h.paths[e.order]
		if paths[at] == "" || own != "" && len(own) < len(paths[at]) {
			paths[at] = own
		}
	}
	var lines []string
	for at, path := range paths {
		lines = append(lines, fmt.Sprintf("%-90s %-7s %s", at.edge, at.kind, path))
	}
	for e, origins := range h.appointmentEdges {
		slices.Sort(origins)
		lines = append(lines, fmt.Sprintf("%-90s %s", appointmentEdgeName(e),
			strings.Join(slices.Compact(slices.Clone(origins)), " ")))
	}
	slices.Sort(lines)
	return lines
}

// withoutEdge returns the log without the orders that took an edge.
func (h *eventLog) withoutEdge(gone tableEdge) *eventLog {
	over := map[string]bool{}
	for _, e := range h.events {
		if e.edge == gone {
			over[e.order] = true
		}
	}
	rest := *h
	rest.events = slices.DeleteFunc(slices.Clone(h.events), func(e recordedEvent) bool { return over[e.order] })
	return &rest
}

// TestEveryEdgeIsReached shows that clients, operations and partners over HTTP, and timers, reach every status and edge
// of the lifecycle tables. Package scenario drives the orders. The test compares the events in the database with the
// tables.
func TestEveryEdgeIsReached(t *testing.T) {
	t.Parallel()
	s := newSystem(t, options{neutral: true, noEndpoint: true})
	names, failures := scenario.RunAll(context.Background(), s.scenarioSystem(), scenario.Paths())
	require.Empty(t, strings.Join(failures, "\n"))
	h := s.readEventLog(names)
	t.Logf("the edges, with the causes and a path of each:\n%s", strings.Join(h.edgeReport(), "\n"))
	require.Empty(t, h.unreachedEdges())
	require.Empty(t, h.undocumentedEdges())
	require.Empty(t, h.unknownCauses())

	// The controls: a log without the orders that took an edge, and one with an event without a cause, on an edge of
	// another table.
	edge := tableEdge{lifecycle.NameTestkit, lifecycle.LabProcessingBlocked, lifecycle.DoNotProcess}
	require.Contains(t, h.withoutEdge(edge).unreachedEdges(), edge.String())
	h.events[1].cause, h.events[1].edge.machine = "console:1", "console"
	require.Len(t, h.unknownCauses(), 1)
	require.Len(t, h.undocumentedEdges(), 1)
}
