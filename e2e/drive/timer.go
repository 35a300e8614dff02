package drive

import "slices"

// The statuses of a kit that is on its way, by its leg.
var (
	outbound = []string{"transit_customer", "out_for_delivery", "problem_in_transit_customer"}
	inbound  = []string{"transit_lab", "problem_in_transit_lab"}
)

// timers are the ways on which only a deadline leads over the last edge.
func timers() []Walk {
	silent := told(testkit)
	silent.name = "testkit, silent"
	silent.begins = map[string]start{"requisition_created": placed(Testkit, Silent)}
	walks := expire(silent, map[string][]string{
		"lost":         slices.Concat(outbound, inbound),
		"sample_error": {"lab_processing_blocked"},
	})

	silent = told(beforeRegistration)
	silent.name = "testkit_before_registration, silent"
	silent.begins = map[string]start{"awaiting_registration": kit(Silent)}
	walks = append(walks, expire(silent, map[string][]string{
		"lost": outbound,
	})...)

	expiring := beforeRegistration
	expiring.name = "testkit_before_registration, expiring"
	expiring.begins = map[string]start{"ordered": refusedKit(Expiring), "awaiting_registration": kit(Expiring)}
	walks = append(walks, expire(expiring, map[string][]string{
		"do_not_process": slices.Concat([]string{"ordered", "awaiting_registration"}, outbound, []string{"with_customer"}),
	})...)
	return slices.Concat([]Walk{unconfirmed()}, walks, silentAfterRegistration())
}

// silentAfterRegistration are kits that were registered on their way, and those that set out again after it.
func silentAfterRegistration() []Walk {
	silent := told(afterRegistration)
	silent.name = "testkit_after_registration, silent"
	silent.begins = map[string]start{"requisition_created": registered(Silent, false)}
	walks := expire(silent, map[string][]string{
		"lost":         slices.Concat(outbound, inbound),
		"sample_error": {"lab_processing_blocked"},
	})
	before := told(beforeRegistration)
	before.begins = map[string]start{"awaiting_registration": kit(Silent)}
	onTheWay := before.walk("transit_customer", step{to: "registered", by: register})
	onTheWay.hurried = true
	onTheWay.Name = silent.name + ": registered on the way, requisition_created > lost, " + waited.name
	onTheWay.steps = append(onTheWay.steps, step{to: "requisition_created", by: waited}, step{to: "lost", by: waited})
	return append(walks, onTheWay)
}

// unconfirmed is a booking that the provider does not answer in the time that it has, which is a minute at least. A phlebotomist's visit
// cannot be booked so (client-api#11-appointments).
func unconfirmed() Walk {
	return Walk{
		Name:  WalkIn + ": appointment_pending > appointment_cancelled, " + waited.name,
		begin: placed(WalkIn, ""),
		steps: []step{
			{to: "requisition_created"}, {to: "appointment_pending", by: bookedAway}, {to: "appointment_cancelled", by: waited},
		},
	}
}

// told is the machine with a courier that says when it has taken a kit: only of a leg that was reported on can it be said that it has
// fallen silent.
func told(m machine) machine {
	edges := map[string][]step{}
	for from, row := range m.edges {
		row = slices.Clone(row)
		for i := range row {
			if row[i].to == "transit_customer" {
				row[i].by = carried
			}
		}
		edges[from] = row
	}
	m.edges = edges
	return m
}

// expire takes orders to statuses and waits there for their deadline.
func expire(m machine, to map[string][]string) []Walk {
	var walks []Walk
	for target, statuses := range to {
		for _, from := range statuses {
			w := m.walk(from, step{to: target, by: waited})
			w.hurried = true
			walks = append(walks, w)
		}
	}
	return walks
}
