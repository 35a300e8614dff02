package scenario

import (
	"slices"
)

// The statuses of a kit that is on its way, by its leg.
var (
	outbound = []string{"transit_customer", "out_for_delivery", "problem_in_transit_customer"}
	inbound  = []string{"transit_lab", "problem_in_transit_lab"}
)

// timerPaths are the ways on which only a deadline leads over the last edge.
func timerPaths() []Path {
	silent := withCourierScans(testkit)
	silent.name = "testkit, silent"
	silent.starters = map[string]starter{"requisition_created": startPlaced(Testkit, SilentPolicy)}
	walks := expiryPaths(silent, map[string][]string{
		"lost":         slices.Concat(outbound, inbound),
		"sample_error": {"lab_processing_blocked"},
	})

	silent = withCourierScans(beforeRegistration)
	silent.name = "testkit_before_registration, silent"
	silent.starters = map[string]starter{"awaiting_registration": startUnregisteredKit(SilentPolicy)}
	walks = append(walks, expiryPaths(silent, map[string][]string{
		"lost": outbound,
	})...)

	expiring := beforeRegistration
	expiring.name = "testkit_before_registration, expiring"
	expiring.starters = map[string]starter{"ordered": startRefusedKit(ExpiringPolicy),
		"awaiting_registration": startUnregisteredKit(ExpiringPolicy)}
	walks = append(walks, expiryPaths(expiring, map[string][]string{
		"do_not_process": slices.Concat([]string{"ordered", "awaiting_registration"}, outbound, []string{"with_customer"}),
	})...)
	return slices.Concat([]Path{unconfirmedBookingPath()}, walks, silentAfterRegistrationPaths())
}

// silentAfterRegistrationPaths are kits that were registered on their way, and those that set out again after it.
func silentAfterRegistrationPaths() []Path {
	silent := withCourierScans(afterRegistration)
	silent.name = "testkit_after_registration, silent"
	silent.starters = map[string]starter{"requisition_created": startRegisteredKit(SilentPolicy, false)}
	walks := expiryPaths(silent, map[string][]string{
		"lost":         slices.Concat(outbound, inbound),
		"sample_error": {"lab_processing_blocked"},
	})
	before := withCourierScans(beforeRegistration)
	before.starters = map[string]starter{"awaiting_registration": startUnregisteredKit(SilentPolicy)}
	onTheWay := before.pathOver("transit_customer", step{to: "registered", by: registerKit})
	onTheWay.deadlineMayPassEarly = true
	onTheWay.Name = silent.name + ": registered on the way, requisition_created > lost, " + awaitDeadline.name
	onTheWay.steps = append(onTheWay.steps, step{to: "requisition_created", by: awaitDeadline},
		step{to: "lost", by: awaitDeadline})
	return append(walks, onTheWay)
}

// unconfirmedBookingPath is a booking that the provider does not answer in the time that it has, which is a minute at least. A phlebotomist's visit
// cannot be booked so (client-api#11-appointments).
func unconfirmedBookingPath() Path {
	return Path{
		Name:  WalkIn + ": appointment_pending > appointment_cancelled, " + awaitDeadline.name,
		start: startPlaced(WalkIn, ""),
		steps: []step{
			{to: "requisition_created"}, {to: "appointment_pending", by: bookUnanswered},
			{to: "appointment_cancelled", by: awaitDeadline},
		},
	}
}

// withCourierScans is the machine with a courier that says when it has taken a kit: only of a leg that was reported on can it be said that it has
// fallen silent.
func withCourierScans(m table) table {
	edges := map[string][]step{}
	for from, row := range m.edges {
		row = slices.Clone(row)
		for i := range row {
			if row[i].to == "transit_customer" {
				row[i].by = sendTransit
			}
		}
		edges[from] = row
	}
	m.edges = edges
	return m
}

// expiryPaths takes orders to statuses and waits there for their deadline.
func expiryPaths(m table, to map[string][]string) []Path {
	var walks []Path
	for target, statuses := range to {
		for _, from := range statuses {
			w := m.pathOver(from, step{to: target, by: awaitDeadline})
			w.deadlineMayPassEarly = true
			walks = append(walks, w)
		}
	}
	return walks
}

// appointmentPaths are the ways of appointments that their orders do not follow.
func appointmentPaths() []Path {
	early := func(method string) starter { return startScheduled(method, EarlyBookingPolicy) }
	return []Path{
		{
			Name: "appointment: reserved > confirmed, with the requisition", start: early(WalkIn),
			steps:            []step{{to: "ordered"}},
			appointmentSteps: []step{{to: "reserved", by: bookSlot}, {to: "confirmed", by: activateOrder}},
		},
		{
			Name: "appointment: reserved > cancelled", start: early(Phlebotomy), steps: []step{{to: "ordered"}},
			appointmentSteps: []step{{to: "reserved", by: bookSlot}, {to: "cancelled", by: cancelAppointment}},
		},
		{
			Name: "appointment: pending > reserved > confirmed > in_progress > completed", start: startPlaced(WalkIn, ""),
			steps: []step{{to: "requisition_created"}},
			appointmentSteps: []step{
				{to: "pending", by: bookPending}, {to: "reserved", by: changeAppointmentAction("reserved")},
				{to: "confirmed", by: confirmAppointment},
				{to: "in_progress", by: startVisit}, {to: "completed", by: completeVisit},
			},
		},
		{
			Name: "appointment: confirmed > completed", start: startPlaced(WalkIn, ""),
			steps:            []step{{to: "requisition_created"}},
			appointmentSteps: []step{{to: "confirmed", by: bookSlot}, {to: "completed", by: completeVisit}},
		},
		{
			Name: "appointment: in_progress > cancelled", start: startPlaced(Phlebotomy, ""),
			steps: []step{{to: "requisition_created"}},
			appointmentSteps: []step{{to: "confirmed", by: bookSlot}, {to: "in_progress", by: startVisit},
				{to: "cancelled", by: providerCancels}},
		},
	}
}

var (
	startVisit    = changeAppointmentAction("in_progress")
	completeVisit = changeAppointmentAction("completed")
)
