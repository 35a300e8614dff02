package scenario

// appointmentPaths are the ways of appointments that their orders do not follow.
func appointmentPaths() []Path {
	early := func(method string) starter { return startScheduled(method, EarlyBookingPolicy) }
	return []Path{
		{
			Name: "appointment: reserved > confirmed, with the requisition", start: early(WalkIn), steps: []step{{to: "ordered"}},
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
				{to: "pending", by: bookPending}, {to: "reserved", by: changeAppointmentAction("reserved")}, {to: "confirmed", by: confirmAppointment},
				{to: "in_progress", by: startVisit}, {to: "completed", by: completeVisit},
			},
		},
		{
			Name: "appointment: confirmed > completed", start: startPlaced(WalkIn, ""), steps: []step{{to: "requisition_created"}},
			appointmentSteps: []step{{to: "confirmed", by: bookSlot}, {to: "completed", by: completeVisit}},
		},
		{
			Name: "appointment: in_progress > cancelled", start: startPlaced(Phlebotomy, ""), steps: []step{{to: "requisition_created"}},
			appointmentSteps: []step{{to: "confirmed", by: bookSlot}, {to: "in_progress", by: startVisit}, {to: "cancelled", by: providerCancels}},
		},
	}
}

var (
	startVisit    = changeAppointmentAction("in_progress")
	completeVisit = changeAppointmentAction("completed")
)
