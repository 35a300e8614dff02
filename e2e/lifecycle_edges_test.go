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

// recordedEvent is an event as the database has it, with the edge that it went over.
type recordedEvent struct {
	order  string
	status lifecycle.Status
	edge   tableEdge // zero for an order's first event
	cause  string
}

// tableEdge is a line of one of the lifecycle tables.
type tableEdge struct {
	machine  lifecycle.MachineName
	from, to lifecycle.LowStatus
}

func (e tableEdge) String() string { return fmt.Sprintf("%s: %s > %s", e.machine, e.from, e.to) }

// eventLog is all that has happened to orders and their appointments.
type eventLog struct {
	events           []recordedEvent
	appointmentEdges map[lifecycle.AppointmentEdge][]string // who brought it about: patient, provider, system
	paths            map[string]string                      // by order; a replacement has none
}

// readEventLog reads it from the database.
func (s *system) readEventLog(walks map[string]string) *eventLog {
	s.t.Helper()
	db := s.openDatabase()
	defer func() { require.NoError(s.t, db.Close()) }()
	h := &eventLog{appointmentEdges: map[lifecycle.AppointmentEdge][]string{}, paths: walks}
	before, registered := map[string]lifecycle.LowStatus{}, map[string]bool{}
	for _, row := range s.rows(db, `SELECT e.order_id, e.status, e.cause, o.modality,
		CASE WHEN o.registrable THEN 'registrable' ELSE '' END FROM events e JOIN orders o ON o.id = e.order_id ORDER BY e.order_id, e.sequence`) {
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

// edgeWithoutTimer is the one edge that the table gives to a timer and that no API call lets a timer go over: only bookings at patient service
// centers may wait for their confirmation (client-api#11-appointments).
var edgeWithoutTimer = tableEdge{lifecycle.NameAtHomePhlebotomy, lifecycle.AppointmentPending,
	lifecycle.AppointmentCancelled}

// unreachedEdges lists the statuses and edges of the tables that nothing has reached, and the edges on which a timer leads and none has led.
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

// undocumentedEdges lists the edges that orders went over and that no table has.
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

// causes are what may bring an event about: a request, what was asked of an order, a partner's report or answer, a deadline, and the
// end of the order that it replaces.
var causes = []string{"api", "demand", "inbox", "call", "timer", "parent"}

// unknownCauses lists the events that something else has brought about.
func (h *eventLog) unknownCauses() []string {
	var odd []string
	for _, e := range h.events {
		if !slices.Contains(causes, order.KindOfCause(e.cause)) {
			odd = append(odd, fmt.Sprintf("order %s: %s because of %s", e.order, e.status, e.cause))
		}
	}
	return odd
}

// edgeReport says of each edge what went over it: the kinds of causes, and for each the shortest of the walks.
func (h *eventLog) edgeReport() []string {
	type line struct{ edge, kind string }
	walks := map[line]string{}
	for _, e := range h.events {
		if e.edge == (tableEdge{}) {
			continue
		}
		at, own := line{e.edge.String(), order.KindOfCause(e.cause)}, h.paths[e.order]
		if walks[at] == "" || own != "" && len(own) < len(walks[at]) {
			walks[at] = own
		}
	}
	var lines []string
	for at, walk := range walks {
		lines = append(lines, fmt.Sprintf("%-90s %-7s %s", at.edge, at.kind, walk))
	}
	for e, origins := range h.appointmentEdges {
		slices.Sort(origins)
		lines = append(lines, fmt.Sprintf("%-90s %s", appointmentEdgeName(e),
			strings.Join(slices.Compact(slices.Clone(origins)), " ")))
	}
	slices.Sort(lines)
	return lines
}

// withoutEdge is the chronicle without the orders that went over an edge.
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
