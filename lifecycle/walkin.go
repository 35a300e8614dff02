package lifecycle

import "slices"

// Why an extension of the tables with appointments exists, where several edges share the reason.
const (
	whyNoAppointment = "no appointment is needed"
	whyWalkedIn      = "the patient walked in"
	whyRebooked      = "the provider may confirm a new time at once"
	whyBookedAtOnce  = "the provider may confirm the first time at once"
	whySampleFailed  = "the lab may reject the sample instead of reporting on it"
)

// booking is who moves an appointment: the client books, the provider answers, and a time reserved before the requisition follows it by itself.
var booking = by(Client, Provider, System)

// walkInWay is the usual way of a test at a patient service center.
var walkInWay = []Low{Ordered, RequisitionCreated, AppointmentPending, AppointmentScheduled, Completed}

// walkIn is the table of a test at a patient service center.
func walkIn() []Edge {
	return slices.Concat(
		from(Ordered,
			documented(RequisitionCreated, by(System)),
			documented(Cancelled, demand),
			extension(RequisitionBypassed, by(System), "an imported order already has a requisition"),
		),
		fromEach([]Low{RequisitionCreated, RequisitionBypassed},
			documented(AppointmentPending, booking),
			documented(PartialResults, results),
			documented(Cancelled, demand),
			extension(AppointmentScheduled, booking, whyBookedAtOnce),
			extension(Completed, results, whyNoAppointment),
			extension(SampleError, by(Lab), whyNoAppointment),
			redraw(),
		),
		from(AppointmentPending,
			documented(AppointmentScheduled, booking),
			documented(AppointmentCancelled, by(Client, Provider, Timer)),
			documented(Cancelled, demand),
			extension(PartialResults, results, whyWalkedIn),
			extension(Completed, results, whyWalkedIn),
			extension(SampleError, by(Lab), whyWalkedIn),
			redraw(),
		),
		from(AppointmentScheduled,
			documented(AppointmentPending, by(Provider)).because("the provider withdrew"),
			documented(AppointmentScheduled, by(Client, Provider)).because("rescheduled"),
			documented(AppointmentCancelled, by(Client, Provider)),
			documented(Completed, results),
			documented(PartialResults, results),
			documented(Cancelled, demand),
			extension(SampleError, by(Lab), whySampleFailed),
			redraw(),
		),
		from(AppointmentCancelled,
			documented(AppointmentPending, by(Client, Provider)),
			documented(Cancelled, demand),
			extension(AppointmentScheduled, by(Client, Provider), whyRebooked),
			extension(PartialResults, results, whyWalkedIn),
			extension(Completed, results, whyWalkedIn),
			extension(SampleError, by(Lab), whyWalkedIn),
			redraw(),
		),
		from(PartialResults,
			documented(PartialResults, results).because("again"),
			documented(Completed, results),
			extension(SampleError, by(Lab), whySampleFailed),
			redraw(),
		),
		corrections(),
	)
}

// redraw is the edge to redraw_available: our decision on final results, never on an order that is a redraw itself.
func redraw() Edge {
	return extension(RedrawAvailable, by(System), "final results lack markers through the lab's fault").guarded(NotRedraw)
}
