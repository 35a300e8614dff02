package lifecycle

import (
	"slices"
)

const whyDrawn = "the draw is reported, or implied by the sample, without the appointment's steps"

// drawActors is who says that blood was drawn: the provider, or System where a sample or results imply it.
var drawActors = by(Provider, System)

// phlebotomyWay is the usual way of a draw at the patient's home.
var phlebotomyWay = []LowStatus{Ordered, RequisitionCreated, AppointmentPending, AppointmentScheduled, DrawCompleted,
	Completed}

// phlebotomyEdges is the table of a draw at the patient's home.
func phlebotomyEdges() []Edge {
	return slices.Concat(
		edgesFrom(Ordered,
			documented(RequisitionCreated, by(System)),
			documented(Cancelled, demandActors),
			extension(RequisitionBypassed, by(System), "an imported order already has a requisition"),
		),
		edgesFromEach([]LowStatus{RequisitionCreated, RequisitionBypassed},
			documented(AppointmentPending, bookingActors),
			documented(Cancelled, demandActors),
			extension(AppointmentScheduled, bookingActors, whyBookedAtOnce),
			extension(DrawCompleted, drawActors, whyDrawn),
		),
		edgesFrom(AppointmentPending,
			documented(AppointmentScheduled, bookingActors),
			documented(AppointmentCancelled, by(Client, Provider, Timer)),
			documented(Cancelled, demandActors),
			extension(DrawCompleted, drawActors, whyDrawn),
		),
		edgesFrom(AppointmentScheduled,
			documented(AppointmentScheduled, by(Client, Provider)).withReason("rescheduled"),
			documented(AppointmentCancelled, by(Client, Provider)),
			documented(DrawCompleted, drawActors),
			documented(Cancelled, demandActors),
			extension(AppointmentPending, by(Provider), "the provider withdrew"),
		),
		edgesFrom(AppointmentCancelled,
			documented(AppointmentPending, by(Client, Provider)),
			documented(AppointmentScheduled, by(Client, Provider)),
			documented(Cancelled, demandActors),
			extension(DrawCompleted, drawActors, whyDrawn),
		),
		edgesAfterDraw(),
		correctionEdges(),
	)
}

// edgesAfterDraw is the rows from the draw to the results, the same for both modalities in which someone comes to draw.
func edgesAfterDraw() []Edge {
	return slices.Concat(
		edgesFrom(DrawCompleted,
			documented(PartialResults, resultActors),
			documented(Completed, resultActors),
			documented(Cancelled, demandActors),
			extension(SampleError, by(Lab), whySampleFailed),
		),
		edgesFrom(PartialResults,
			documented(PartialResults, resultActors).withReason("again"),
			documented(Completed, resultActors),
			extension(SampleError, by(Lab), whySampleFailed),
		),
	)
}

// onSiteWay is the usual way of a draw at the client's own site.
var onSiteWay = []LowStatus{Ordered, RequisitionCreated, DrawCompleted, Completed}

// onSiteEdges is the table of a draw at the client's own site. The client says when it is done.
func onSiteEdges() []Edge {
	return slices.Concat(
		edgesFrom(Ordered,
			documented(RequisitionCreated, by(System)),
			documented(Cancelled, demandActors),
			extension(RequisitionBypassed, by(System), "an imported order already has a requisition"),
		),
		edgesFromEach([]LowStatus{RequisitionCreated, RequisitionBypassed},
			documented(DrawCompleted, by(Client, System)),
			documented(Cancelled, demandActors),
		),
		edgesAfterDraw(),
		correctionEdges(),
	)
}
