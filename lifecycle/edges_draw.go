package lifecycle

import (
	"slices"
)

const whyDrawn = "the draw is reported, or implied by the sample, without the appointment's steps"

// drawActors may report a draw: the provider, or System if a sample or results imply the draw.
var drawActors = by(Provider, System)

// phlebotomyUsualPath is the usual path of a draw at the patient's home.
var phlebotomyUsualPath = []LowStatus{
	Ordered, RequisitionCreated, AppointmentPending, AppointmentScheduled, DrawCompleted, Completed,
}

// phlebotomyEdges returns the table of a draw at the patient's home.
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

// edgesAfterDraw returns the edges from the draw to the results, which both modalities with a visiting drawer share.
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

// onSiteUsualPath is the usual path of a draw at the client's own site.
var onSiteUsualPath = []LowStatus{Ordered, RequisitionCreated, DrawCompleted, Completed}

// onSiteEdges returns the table of a draw at the client's own site. The client reports the draw.
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
