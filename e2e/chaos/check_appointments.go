package chaos

import (
	"maps"
	"slices"
)

// cancelled is the status of an appointment that ended before it began. An appointment that does not exist counts as
// cancelled.
const cancelled = "cancelled"

// checkAppointments checks that providers and store have the same appointments in the same status, each once. An order
// has at most one appointment that is not cancelled, not counting one that the provider keeps because it was too late
// to cancel it. The appointments in the callers' responses exist.
func (c *checker) checkAppointments() {
	stored, atProvider, held := map[string]Appointment{}, map[string]Appointment{}, map[string]int{}
	for _, v := range c.observations.Store.Appointments {
		stored[v.ID] = v
	}
	for _, v := range c.observations.Lab.Appointments {
		if _, again := atProvider[v.ID]; again {
			c.report("appointment %s: is at its provider more than once", v.ID)
		}
		atProvider[v.ID] = v
		if v.Status != cancelled && (appointmentStatus(stored[v.ID]) != cancelled || !c.isHeldByProvider(v)) {
			held[v.OrderRef]++
		}
		c.compareAppointments(v.ID, v, stored[v.ID])
	}
	for _, v := range c.observations.Store.Appointments {
		if _, there := atProvider[v.ID]; !there {
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
			if atProvider[id].ID == "" || stored[id].OrderRef != t.OrderID {
				c.report("order %s: its caller got appointment %s; at the provider %t, in the store of order %q",
					t.OrderID, id, atProvider[id].ID != "", stored[id].OrderRef)
			}
		}
	}
}

// compareAppointments compares an appointment at the provider with the one of the store. A cancelled one may be missing
// on either side. The provider may keep an appointment that the store has as cancelled, if an attention mark reports it
// to operations.
func (c *checker) compareAppointments(id string, atProvider, stored Appointment) {
	if appointmentStatus(atProvider) != appointmentStatus(stored) &&
		(appointmentStatus(stored) != cancelled || !c.isHeldByProvider(atProvider)) {
		c.report("appointment %s: is %s at its provider, and %s in the store", id, appointmentStatus(atProvider),
			appointmentStatus(stored))
	}
	if atProvider.ID != "" && stored.ID != "" && c.orders[stored.OrderRef].Number != atProvider.OrderRef {
		c.report("appointment %s: is of order number %s at its provider, and of order %s in the store", id,
			atProvider.OrderRef, stored.OrderRef)
	}
}

// appointmentStatus returns the appointment's status, or cancelled for the zero value.
func appointmentStatus(v Appointment) string {
	if v.ID == "" {
		return cancelled
	}
	return v.Status
}

// isHeldByProvider reports whether the appointment has begun at its provider and an attention mark reports that to
// operations.
func (c *checker) isHeldByProvider(atProvider Appointment) bool {
	return (atProvider.Status == "in_progress" || atProvider.Status == "completed") &&
		slices.ContainsFunc(c.observations.Store.AppointmentsAtProvider,
			func(id string) bool { return c.orders[id].Number == atProvider.OrderRef })
}
