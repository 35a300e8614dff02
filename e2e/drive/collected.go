package drive

import "slices"

// The tables of what is collected by somebody, after order-lifecycle#walk_in_test, order-lifecycle#at_home_phlebotomy
// and order-lifecycle#on_site_collection.

var walkIn = machine{
	name: WalkIn,
	begins: map[string]start{
		"ordered":              scheduled(WalkIn, ""),
		"requisition_created":  placed(WalkIn, ""),
		"requisition_bypassed": imported(WalkIn),
	},
	routes: map[string]string{
		"appointment_pending":   "requisition_created appointment_pending",
		"appointment_scheduled": "requisition_created appointment_scheduled",
		"appointment_cancelled": "requisition_created appointment_scheduled appointment_cancelled",
		"partial_results":       "requisition_created partial_results",
		"completed":             "requisition_created completed",
		"corrected":             "requisition_created completed corrected",
	},
	edges: map[string][]step{
		"ordered":              by(cancelled, "cancelled"),
		"requisition_created":  walkInRequisition,
		"requisition_bypassed": walkInRequisition,
		"appointment_pending": slices.Concat(
			by(confirmed, "appointment_scheduled"), by(dropped, "appointment_cancelled"), by(calledOff, "appointment_cancelled"),
			by(cancelled, "cancelled"), walkInResults,
		),
		"appointment_scheduled": slices.Concat(
			by(withdrawn, "appointment_pending"), alone(by(rescheduled, "appointment_scheduled")), by(confirmed, "appointment_scheduled"),
			by(dropped, "appointment_cancelled"), by(calledOff, "appointment_cancelled"), by(cancelled, "cancelled"), walkInResults,
		),
		"appointment_cancelled": slices.Concat(
			by(bookedPending, "appointment_pending"), by(booked, "appointment_scheduled"), by(cancelled, "cancelled"), walkInResults,
		),
		"partial_results": walkInResults,
		"completed":       by(final, "corrected"),
		"corrected":       by(final, "corrected"),
	},
}

var walkInRequisition = slices.Concat(
	by(bookedPending, "appointment_pending"), by(booked, "appointment_scheduled"), by(cancelled, "cancelled"), walkInResults,
)

var walkInResults = slices.Concat(
	by(partial, "partial_results"), by(final, "completed"), by(rejected, "sample_error"), by(deficient, "redraw_available"),
)

var phlebotomy = machine{
	name: Phlebotomy,
	begins: map[string]start{
		"ordered":              scheduled(Phlebotomy, ""),
		"requisition_created":  placed(Phlebotomy, ""),
		"requisition_bypassed": imported(Phlebotomy),
	},
	routes: map[string]string{
		"appointment_pending":   "requisition_created appointment_pending",
		"appointment_scheduled": "requisition_created appointment_scheduled",
		"appointment_cancelled": "requisition_created appointment_scheduled appointment_cancelled",
		"draw_completed":        "requisition_created draw_completed",
		"partial_results":       "requisition_created draw_completed partial_results",
		"completed":             "requisition_created draw_completed completed",
		"corrected":             "requisition_created draw_completed completed corrected",
	},
	edges: with(drawnEdges, map[string][]step{
		"ordered":              by(cancelled, "cancelled"),
		"requisition_created":  phlebotomyRequisition,
		"requisition_bypassed": phlebotomyRequisition,
		"appointment_pending": slices.Concat(
			by(confirmed, "appointment_scheduled"), by(dropped, "appointment_cancelled"), by(calledOff, "appointment_cancelled"),
			by(cancelled, "cancelled"), by(reported, "draw_completed"),
		),
		"appointment_scheduled": slices.Concat(
			alone(by(rescheduled, "appointment_scheduled")), by(confirmed, "appointment_scheduled"), by(dropped, "appointment_cancelled"),
			by(calledOff, "appointment_cancelled"), by(reported, "draw_completed"), by(cancelled, "cancelled"), by(withdrawn, "appointment_pending"),
		),
		"appointment_cancelled": slices.Concat(
			by(requested, "appointment_pending"), by(booked, "appointment_scheduled"), by(cancelled, "cancelled"), by(reported, "draw_completed"),
		),
	}),
}

var phlebotomyRequisition = slices.Concat(
	by(requested, "appointment_pending"), by(bookedPending, "appointment_pending"), by(booked, "appointment_scheduled"),
	by(cancelled, "cancelled"), by(reported, "draw_completed"), by(received, "draw_completed"),
)

// drawnEdges are the rows from the draw to the results.
var drawnEdges = map[string][]step{
	"draw_completed": slices.Concat(
		by(partial, "partial_results"), by(final, "completed"), by(critical, "completed"), by(cancelled, "cancelled"), by(rejected, "sample_error"),
	),
	"partial_results": slices.Concat(by(partial, "partial_results"), by(final, "completed"), by(rejected, "sample_error")),
	"completed":       by(final, "corrected"),
	"corrected":       by(final, "corrected"),
}

var onSite = machine{
	name: OnSite,
	begins: map[string]start{
		"ordered":              scheduled(OnSite, ""),
		"requisition_created":  placed(OnSite, ""),
		"requisition_bypassed": imported(OnSite),
	},
	routes: map[string]string{
		"draw_completed":  "requisition_created draw_completed",
		"partial_results": "requisition_created draw_completed partial_results",
		"completed":       "requisition_created draw_completed completed",
		"corrected":       "requisition_created draw_completed completed corrected",
	},
	edges: with(drawnEdges, map[string][]step{
		"ordered":              by(cancelled, "cancelled"),
		"requisition_created":  slices.Concat(by(drawn, "draw_completed"), by(received, "draw_completed"), by(cancelled, "cancelled")),
		"requisition_bypassed": slices.Concat(by(drawn, "draw_completed"), by(cancelled, "cancelled")),
	}),
}
