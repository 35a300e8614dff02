package lifecycle

import "slices"

// Reasons that several extensions of the tables with appointments share.
const (
	whyNoAppointment = "no appointment is needed"
	whyWalkedIn      = "the patient walked in"
	whyRebooked      = "the provider may confirm a new time at once"
	whyBookedAtOnce  = "the provider may confirm the first time at once"
	whySampleFailed  = "the lab may reject the sample instead of reporting on it"
)

// bookingActors may move an appointment: the client books, the provider answers, and System confirms a slot that was
// reserved before the requisition.
var bookingActors = by(Client, Provider, System)

// walkInUsualPath is the usual path of a test at a patient service center.
var walkInUsualPath = []LowStatus{Ordered, RequisitionCreated, AppointmentPending, AppointmentScheduled, Completed}

// walkInEdges returns the table of a test at a patient service center.
func walkInEdges() []Edge {
	return slices.Concat(
		edgesFrom(Ordered,
			documented(RequisitionCreated, by(System)),
			documented(Cancelled, demandActors),
			extension(RequisitionBypassed, by(System), "an imported order already has a requisition"),
		),
		edgesFromEach([]LowStatus{RequisitionCreated, RequisitionBypassed},
			documented(AppointmentPending, bookingActors),
			documented(PartialResults, resultActors),
			documented(Cancelled, demandActors),
			extension(AppointmentScheduled, bookingActors, whyBookedAtOnce),
			extension(Completed, resultActors, whyNoAppointment),
			extension(SampleError, by(Lab), whyNoAppointment),
			redrawEdge(),
		),
		edgesFrom(AppointmentPending,
			documented(AppointmentScheduled, bookingActors),
			documented(AppointmentCancelled, by(Client, Provider, Timer)),
			documented(Cancelled, demandActors),
			extension(PartialResults, resultActors, whyWalkedIn),
			extension(Completed, resultActors, whyWalkedIn),
			extension(SampleError, by(Lab), whyWalkedIn),
			redrawEdge(),
		),
		edgesFrom(AppointmentScheduled,
			documented(AppointmentPending, by(Provider)).withReason("the provider withdrew"),
			documented(AppointmentScheduled, by(Client, Provider)).withReason("rescheduled"),
			documented(AppointmentCancelled, by(Client, Provider)),
			documented(Completed, resultActors),
			documented(PartialResults, resultActors),
			documented(Cancelled, demandActors),
			extension(SampleError, by(Lab), whySampleFailed),
			redrawEdge(),
		),
		edgesFrom(AppointmentCancelled,
			documented(AppointmentPending, by(Client, Provider)),
			documented(Cancelled, demandActors),
			extension(AppointmentScheduled, by(Client, Provider), whyRebooked),
			extension(PartialResults, resultActors, whyWalkedIn),
			extension(Completed, resultActors, whyWalkedIn),
			extension(SampleError, by(Lab), whyWalkedIn),
			redrawEdge(),
		),
		edgesFrom(PartialResults,
			documented(PartialResults, resultActors).withReason("again"),
			documented(Completed, resultActors),
			extension(SampleError, by(Lab), whySampleFailed),
			redrawEdge(),
		),
		correctionEdges(),
	)
}

// redrawEdge returns the edge to redraw_available. We decide on it when results are final. A redraw itself has no
// redraw.
func redrawEdge() Edge {
	return extension(RedrawAvailable, by(System),
		"final results lack markers through the lab's fault").withGuard(NotRedraw)
}
