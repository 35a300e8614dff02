package scenario

import (
	"slices"
)

// The statuses of a kit in transit, by leg.
var (
	outbound = []string{"transit_customer", "out_for_delivery", "problem_in_transit_customer"}
	inbound  = []string{"transit_lab", "problem_in_transit_lab"}
)

// timerPaths are the paths whose last edge only a deadline takes.
func timerPaths() []Path {
	silent := withCourierScans(testkit)
	silent.name = "testkit, silent"
	silent.starters = map[string]starter{"requisition_created": startPlaced(Testkit, SilentPolicy)}
	paths := expiryPaths(silent, map[string][]string{
		"lost":         slices.Concat(outbound, inbound),
		"sample_error": {"lab_processing_blocked"},
	})

	silent = withCourierScans(beforeRegistration)
	silent.name = "testkit_before_registration, silent"
	silent.starters = map[string]starter{"awaiting_registration": startUnregisteredKit(SilentPolicy)}
	paths = append(paths, expiryPaths(silent, map[string][]string{
		"lost": outbound,
	})...)

	expiring := beforeRegistration
	expiring.name = "testkit_before_registration, expiring"
	expiring.starters = map[string]starter{"ordered": startRefusedKit(ExpiringPolicy),
		"awaiting_registration": startUnregisteredKit(ExpiringPolicy)}
	paths = append(paths, expiryPaths(expiring, map[string][]string{
		"do_not_process": slices.Concat([]string{"ordered", "awaiting_registration"}, outbound, []string{"with_customer"}),
	})...)
	return slices.Concat([]Path{unconfirmedBookingPath()}, paths, silentAfterRegistrationPaths())
}

// silentAfterRegistrationPaths are the paths of kits that were registered in transit, and of kits that were shipped
// again after the registration.
func silentAfterRegistrationPaths() []Path {
	silent := withCourierScans(afterRegistration)
	silent.name = "testkit_after_registration, silent"
	silent.starters = map[string]starter{"requisition_created": startRegisteredKit(SilentPolicy, false)}
	paths := expiryPaths(silent, map[string][]string{
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
	return append(paths, onTheWay)
}

// unconfirmedBookingPath is a booking that the provider does not confirm in its time, which is at least one minute. An
// at-home visit cannot be booked without confirmation (client-api#11-appointments).
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

// withCourierScans returns the table with a courier that reports when it has picked up a kit. A leg becomes silent only
// after a courier fact.
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

// expiryPaths take orders to statuses and wait there for their deadline.
func expiryPaths(m table, to map[string][]string) []Path {
	var paths []Path
	for target, statuses := range to {
		for _, from := range statuses {
			w := m.pathOver(from, step{to: target, by: awaitDeadline})
			w.deadlineMayPassEarly = true
			paths = append(paths, w)
		}
	}
	return paths
}

// appointmentPaths are paths of appointments whose order keeps its status.
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
