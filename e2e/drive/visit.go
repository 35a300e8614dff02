package drive

// visits are the ways of appointments that their orders do not follow.
func visits() []Walk {
	early := func(method string) start { return scheduled(method, Early) }
	return []Walk{
		{
			Name: "appointment: reserved > confirmed, with the requisition", begin: early(WalkIn), steps: []step{{to: "ordered"}},
			visits: []step{{to: "reserved", by: booked}, {to: "confirmed", by: activated}},
		},
		{
			Name: "appointment: reserved > cancelled", begin: early(Phlebotomy), steps: []step{{to: "ordered"}},
			visits: []step{{to: "reserved", by: booked}, {to: "cancelled", by: dropped}},
		},
		{
			Name: "appointment: pending > reserved > confirmed > in_progress > completed", begin: placed(WalkIn, ""),
			steps: []step{{to: "requisition_created"}},
			visits: []step{
				{to: "pending", by: bookedPending}, {to: "reserved", by: visit("reserved")}, {to: "confirmed", by: confirmed},
				{to: "in_progress", by: begun}, {to: "completed", by: kept},
			},
		},
		{
			Name: "appointment: confirmed > completed", begin: placed(WalkIn, ""), steps: []step{{to: "requisition_created"}},
			visits: []step{{to: "confirmed", by: booked}, {to: "completed", by: kept}},
		},
		{
			Name: "appointment: in_progress > cancelled", begin: placed(Phlebotomy, ""), steps: []step{{to: "requisition_created"}},
			visits: []step{{to: "confirmed", by: booked}, {to: "in_progress", by: begun}, {to: "cancelled", by: calledOff}},
		},
	}
}

var (
	begun = visit("in_progress")
	kept  = visit("completed")
)
