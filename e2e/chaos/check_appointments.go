package chaos

import (
	"maps"
	"slices"
)

// cancelled is the status of an appointment that is over before it began. One that was never made, or given up before it was recorded,
// is as good as that.
const cancelled = "cancelled"

// checkAppointments: providers and store have the same appointments in the same status, each once; an order has one at most that is not cancelled,
// but for what it was too late to give back; and what a caller was told of is there.
func (c *checker) checkAppointments() {
	kept, made, held := map[string]Appointment{}, map[string]Appointment{}, map[string]int{}
	for _, v := range c.observations.Store.Appointments {
		kept[v.ID] = v
	}
	for _, v := range c.observations.Lab.Appointments {
		if _, again := made[v.ID]; again {
			c.report("appointment %s: is at its provider more than once", v.ID)
		}
		made[v.ID] = v
		if v.Status != cancelled && (appointmentStatus(kept[v.ID]) != cancelled || !c.isHeldByProvider(v)) {
			held[v.OrderRef]++
		}
		c.compareAppointments(v.ID, v, kept[v.ID])
	}
	for _, v := range c.observations.Store.Appointments {
		if _, there := made[v.ID]; !there {
			c.compareAppointments(v.ID, Appointment{}, v)
		}
	}
	for _, number := range slices.Sorted(maps.Keys(held)) {
		if held[number] > 1 {
			c.report("order number %s: has %d appointments", number, held[number])
		}
	}
	for _, t := range c.observations.CallerRecords {
		for _, id := range t.BookedIDs {
			if made[id].ID == "" || kept[id].OrderRef != t.OrderID {
				c.report("order %s: its caller was told of appointment %s; at the provider %t, in the store of order %q",
					t.OrderID, id, made[id].ID != "", kept[id].OrderRef)
			}
		}
	}
}

// compareAppointments compares what a provider and the store have of an appointment; neither needs to have one that is cancelled. A provider may keep
// one that it was too late to give back, if operations are told.
func (c *checker) compareAppointments(id string, made, kept Appointment) {
	if appointmentStatus(made) != appointmentStatus(kept) &&
		(appointmentStatus(kept) != cancelled || !c.isHeldByProvider(made)) {
		c.report("appointment %s: is %s at its provider, and %s in the store", id, appointmentStatus(made),
			appointmentStatus(kept))
	}
	if made.ID != "" && kept.ID != "" && c.orders[kept.OrderRef].Number != made.OrderRef {
		c.report("appointment %s: is of order number %s at its provider, and of order %s in the store", id, made.OrderRef,
			kept.OrderRef)
	}
}

// appointmentStatus is that of an appointment that may not be there.
func appointmentStatus(v Appointment) string {
	if v.ID == "" {
		return cancelled
	}
	return v.Status
}

// isHeldByProvider reports whether an appointment has begun at its provider, and operations are told that it is kept there.
func (c *checker) isHeldByProvider(made Appointment) bool {
	return (made.Status == "in_progress" || made.Status == "completed") &&
		slices.ContainsFunc(c.observations.Store.AppointmentsAtProvider,
			func(id string) bool { return c.orders[id].Number == made.OrderRef })
}
