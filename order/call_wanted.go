package order

import "slices"

// The methods of this file say whether an order asks for a call to a partner. The call is made only if the order as
// stored asks for it: the run that asked may be behind the store.

// WantsPlacement reports whether the requisition has to be sent to the lab.
func (s State) WantsPlacement() bool { return s.Placement.State == PlacementStarted && !s.Terminal() }

// WantsCancellation reports whether the lab has to confirm the cancellation that the demand asks for.
func (s State) WantsCancellation(demandID string) bool {
	return s.PendingCancellation != nil && s.PendingCancellation.ID == demandID
}

// WantsCorrection reports whether the correction that the demand supplied has to be sent to the lab.
func (s State) WantsCorrection(demandID string) bool {
	return s.PendingCorrection != nil && s.PendingCorrection.DemandID == demandID
}

// WantsFetch reports whether the lab report of an announcement has to be fetched.
func (s State) WantsFetch(generation int) bool {
	return s.Fetch.inProgress() && s.Fetch.Generation == generation
}

// WantsBooking reports whether the provider has to be asked for the demand about an appointment.
func (s State) WantsBooking(demandID string) bool {
	return s.PendingBooking != nil && s.PendingBooking.Demand.ID == demandID
}

// AwaitsConfirmation reports whether a caller waits for the provider's confirmation of the booking that the demand asks
// for.
func (s State) AwaitsConfirmation(demandID string) bool {
	return s.WantsBooking(demandID) && !s.PendingBooking.AnsweredPending
}

// WantsRelease reports whether the provider has to drop the appointment.
func (s State) WantsRelease(appointmentID string) bool {
	return slices.ContainsFunc(s.PendingReleases,
		func(r AppointmentRelease) bool { return r.AppointmentID == appointmentID })
}
