package lifecycle

import (
	"fmt"
	"slices"
	"strings"
)

// writeDiagram draws a flowchart, because Mermaid's state diagrams have no dashed arrows.
func writeDiagram(b *strings.Builder, m *Machine) {
	b.WriteString("```mermaid\nflowchart TD\n")
	for _, l := range m.LowStatuses() {
		if Terminal(l) {
			fmt.Fprintf(b, "    %s([%s])\n", l, l)
			continue
		}
		fmt.Fprintf(b, "    %s[%s]\n", l, l)
	}
	for _, e := range m.edges {
		fmt.Fprintf(b, "    %s %s%s %s\n", e.From, edgeArrow(e), guardLabel(e.Guard), e.To)
	}
	b.WriteString("```\n")
}

func edgeArrow(e Edge) string {
	if e.Documented {
		return "-->"
	}
	return "-.->"
}

func guardLabel(g Guard) string {
	if g == Always {
		return ""
	}
	return "|" + string(g) + "|"
}

// headings has the title and a description of each machine.
var headings = map[MachineName]struct{ title, about string }{
	NameTestkit: {"Testkit",
		"A kit is sent to a patient who is known when the order is placed."},
	NameTestkitBeforeRegistration: {"Registrable testkit, before registration",
		"A kit is sent out before its patient is known. There is no requisition, and there are no results, before\n" +
			"`registered`. There the next machine takes over."},
	NameTestkitAfterRegistration: {"Registrable testkit, after registration",
		"The patient is known. The kit may be in transit, with the patient, or back at the lab. The facts of a sample\n" +
			"that reached the lab first are applied once the requisition exists."},
	NameWalkIn: {"Walk-in test",
		"The patient goes to a patient service center, with or without an appointment."},
	NameAtHomePhlebotomy: {"At-home phlebotomy",
		"A phlebotomist comes to the patient by appointment."},
	NameOnSite: {"On-site collection",
		"The client draws the sample at its own site and reports the draw."},
}

const introduction = `<!-- Generated from the tables in package lifecycle by "go generate ./lifecycle". Do not edit. -->

# Order lifecycle

An order moves through the statuses below. A full status is "<top level>.<modality>.<low level>", for example
"%s". A transition that no machine lists is refused. The rules are in
package "lifecycle": the statuses in "status.go", the edges in "edges_*.go". After a change run
"go generate ./lifecycle".

In the diagrams a solid arrow is an edge that the vendor documents, and a dashed one is our extension. The text on an
arrow is its condition. Statuses with round ends are terminal; only a correction leaves one.
`

// writeIntroduction writes introduction with its quoted words as code.
func writeIntroduction(b *strings.Builder) {
	comment, text, _ := strings.Cut(introduction, "\n")
	example := MustFullStatus(Testkit, LowsIn(StageWithCustomer)[0])
	b.WriteString(comment + "\n" + strings.ReplaceAll(fmt.Sprintf(text, example), `"`, "`"))
}

// Markdown returns the text of docs/lifecycle.md: the statuses, their stages, what clients may cancel, and for every
// machine its diagram and its edges, with who may ask for each and the reason of each extension.
func Markdown() string {
	var b strings.Builder
	writeIntroduction(&b)
	writeStatuses(&b)
	writeStages(&b)
	writeDetails(&b)
	writeActors(&b)
	writeCancellable(&b)
	for _, m := range Machines() {
		heading := headings[m.name]
		fmt.Fprintf(&b, "\n## %s\n\n%s\n\n", heading.title, heading.about)
		writeDiagram(&b, m)
		writeEdges(&b, m)
	}
	writeAppointments(&b)
	return b.String()
}

// writeAppointments writes the machine of an appointment, which runs beside the order's machine.
func writeAppointments(b *strings.Builder) {
	b.WriteString("\n## Appointments\n\n" +
		"Walk-in and phlebotomy orders have appointments, one at a time. Once there is a requisition, the order follows\n" +
		"its appointment:\n" + followingStatuses() + ".\n" +
		"A phlebotomy that is `completed` is `" + string(DrawCompleted) + "`. " +
		"Before the requisition an appointment is only `reserved`;\nthe requisition confirms it.\n\n" +
		"```mermaid\nflowchart TD\n")
	for _, s := range AppointmentStatuses() {
		if s.Active() {
			fmt.Fprintf(b, "    %s[%s]\n", s, s)
			continue
		}
		fmt.Fprintf(b, "    %s([%s])\n", s, s)
	}
	for _, e := range appointmentEdges {
		if e.From == appointmentNew {
			fmt.Fprintf(b, "    new(( )) --> %s\n", e.To)
			continue
		}
		fmt.Fprintf(b, "    %s --> %s\n", e.From, e.To)
	}
	b.WriteString("```\n\n| status | event_status |\n|---|---|\n")
	for _, s := range AppointmentStatuses() {
		fmt.Fprintf(b, "| `%s` | `%s` |\n", s, s.EventStatus())
	}
}

// followingStatuses says which status an order has while it follows an appointment.
func followingStatuses() string {
	var parts []string
	for _, a := range AppointmentStatuses() {
		if low, ok := Following(a); ok {
			parts = append(parts, "`"+string(a)+"` is `"+string(low)+"`")
		}
	}
	return strings.Join(parts, ", ")
}

func writeStatuses(b *strings.Builder) {
	b.WriteString("\n## Statuses and their top levels\n\n")
	b.WriteString("| low level | testkit | walk_in_test | at_home_phlebotomy | on_site_collection | terminal | stage |\n" +
		"|---|---|---|---|---|---|---|\n")
	for _, row := range statuses {
		fmt.Fprintf(b, "| `%s` | %s | %s | %s | %s | %s | %s |\n",
			row.low, row.testkit, row.walkIn, row.phlebotomy, row.onSite, yesOrBlank(Terminal(row.low)), row.stage)
	}
}

// writeStages writes what the statuses of each stage have in common.
func writeStages(b *strings.Builder) {
	b.WriteString("\n## Stages\n\n" +
		"The stage of a status says what it means. Statuses of one stage have the same deadlines and attention marks, and\n" +
		"differ in their edges. A kit that was registered in transit also has the marks of the outbound leg in\n" +
		statusList(IsRegisteredInTransit) + ".\n\n" +
		"| stage | it means | leg | appointment |\n|---|---|---|---|\n")
	for _, row := range stages {
		fmt.Fprintf(b, "| %s | %s | %s | %s |\n", row.stage, row.about, row.leg, row.appointment)
	}
}

// statusList lists the statuses for which is returns true.
func statusList(is func(LowStatus) bool) string {
	var lows []LowStatus
	for _, row := range statuses {
		if is(row.low) {
			lows = append(lows, row.low)
		}
	}
	return quoteStatuses(lows)
}

func writeDetails(b *strings.Builder) {
	b.WriteString("\n## Status details\n\n| status_detail | with |\n|---|---|\n")
	for _, d := range Details() {
		fmt.Fprintf(b, "| `%s` | %s |\n", d, statusesWithDetail(d))
	}
}

func statusesWithDetail(d Detail) string {
	if list := statusList(d.AllowedWith); list != "" {
		return list
	}
	return "none: its use is not documented"
}

// writeActors writes what each actor may ask for in any machine.
func writeActors(b *strings.Builder) {
	b.WriteString("\n## Who may ask for what\n\n| actor | may ask for |\n|---|---|\n")
	for _, a := range Actors() {
		fmt.Fprintf(b, "| %s | %s |\n", a, statusesAskedBy(a))
	}
	b.WriteString("\nFrom which status each may ask is in the tables of edges below.\n")
}

func statusesAskedBy(a Actor) string {
	return statusList(func(l LowStatus) bool {
		return slices.ContainsFunc(Machines(), func(m *Machine) bool { return m.mayAskFor(a, l) })
	})
}

// mayAskFor reports whether the actor may ask for the status from anywhere.
func (m *Machine) mayAskFor(a Actor, to LowStatus) bool {
	return slices.ContainsFunc(m.edges, func(e Edge) bool { return e.To == to && slices.Contains(e.Actors, a) })
}

func writeCancellable(b *strings.Builder) {
	b.WriteString("\n## What a client may cancel\n\n| machine | cancellable in |\n|---|---|\n")
	for _, m := range Machines() {
		fmt.Fprintf(b, "| %s | %s |\n", headings[m.name].title, cancellableStatuses(m))
	}
}

func cancellableStatuses(m *Machine) string {
	var lows []LowStatus
	condition := ""
	for _, e := range m.edges {
		if e.To != Cancelled {
			continue
		}
		lows = append(lows, e.From)
		if e.Guard != Always {
			condition = ", while " + string(e.Guard)
		}
	}
	return quoteStatuses(lows) + condition
}

func writeEdges(b *strings.Builder, m *Machine) {
	b.WriteString("\n| from | to | edge | who may ask | only if | why |\n|---|---|---|---|---|---|\n")
	for _, e := range m.edges {
		fmt.Fprintf(b, "| `%s` | `%s` | %s | %s | %s | %s |\n",
			e.From, e.To, edgeOrigin(e), actorList(e.Actors), e.Guard, e.Why)
	}
}

func edgeOrigin(e Edge) string {
	if e.Documented {
		return "documented"
	}
	return "extension"
}

func actorList(actors []Actor) string {
	names := make([]string, len(actors))
	for i, a := range actors {
		names[i] = string(a)
	}
	return strings.Join(names, ", ")
}

func quoteStatuses(lows []LowStatus) string {
	quoted := make([]string, len(lows))
	for i, l := range lows {
		quoted[i] = "`" + string(l) + "`"
	}
	return strings.Join(quoted, ", ")
}

func yesOrBlank(is bool) string {
	if is {
		return "yes"
	}
	return ""
}
