package lifecycle

import "slices"

const whyDrawn = "the draw is reported, or implied by the sample, without the appointment's steps"

// draw is who says that blood was drawn: the provider, or System where a sample or results imply it.
var draw = by(Provider, System)

// phlebotomyWay is the usual way of a draw at the patient's home.
var phlebotomyWay = []Low{Ordered, RequisitionCreated, AppointmentPending, AppointmentScheduled, DrawCompleted, Completed}

// phlebotomy is the table of a draw at the patient's home.
func phlebotomy() []Edge {
	return slices.Concat(
		from(Ordered,
			documented(RequisitionCreated, by(System)),
			documented(Cancelled, demand),
			extension(RequisitionBypassed, by(System), "an imported order already has a requisition"),
		),
		fromEach([]Low{RequisitionCreated, RequisitionBypassed},
			documented(AppointmentPending, booking),
			documented(Cancelled, demand),
			extension(AppointmentScheduled, booking, whyBookedAtOnce),
			extension(DrawCompleted, draw, whyDrawn),
		),
		from(AppointmentPending,
			documented(AppointmentScheduled, booking),
			documented(AppointmentCancelled, by(Client, Provider, Timer)),
			documented(Cancelled, demand),
			extension(DrawCompleted, draw, whyDrawn),
		),
		from(AppointmentScheduled,
			documented(AppointmentScheduled, by(Client, Provider)).because("rescheduled"),
			documented(AppointmentCancelled, by(Client, Provider)),
			documented(DrawCompleted, draw),
			documented(Cancelled, demand),
			extension(AppointmentPending, by(Provider), "the provider withdrew"),
		),
		from(AppointmentCancelled,
			documented(AppointmentPending, by(Client, Provider)),
			documented(AppointmentScheduled, by(Client, Provider)),
			documented(Cancelled, demand),
			extension(DrawCompleted, draw, whyDrawn),
		),
		drawn(),
		corrections(),
	)
}

// drawn is the rows from the draw to the results, the same for both modalities in which someone comes to draw.
func drawn() []Edge {
	return slices.Concat(
		from(DrawCompleted,
			documented(PartialResults, results),
			documented(Completed, results),
			documented(Cancelled, demand),
			extension(SampleError, by(Lab), whySampleFailed),
		),
		from(PartialResults,
			documented(PartialResults, results).because("again"),
			documented(Completed, results),
			extension(SampleError, by(Lab), whySampleFailed),
		),
	)
}
