package scenario

import "slices"

// The tables of draws by another person, after order-lifecycle#walk_in_test, order-lifecycle#at_home_phlebotomy and
// order-lifecycle#on_site_collection.

var walkIn = table{
	name: WalkIn,
	starters: map[string]starter{
		"ordered":              startScheduled(WalkIn, ""),
		"requisition_created":  startPlaced(WalkIn, ""),
		"requisition_bypassed": startImported(WalkIn),
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
		"ordered":              stepsTo(cancelOrder, "cancelled"),
		"requisition_created":  walkInRequisition,
		"requisition_bypassed": walkInRequisition,
		"appointment_pending": slices.Concat(
			stepsTo(confirmAppointment, "appointment_scheduled"), stepsTo(cancelAppointment, "appointment_cancelled"),
			stepsTo(providerCancels, "appointment_cancelled"),
			stepsTo(cancelOrder, "cancelled"), walkInResults,
		),
		"appointment_scheduled": slices.Concat(
			stepsTo(withdrawAppointment, "appointment_pending"),
			afterShortestPath(stepsTo(rescheduleVisit, "appointment_scheduled")),
			stepsTo(confirmAppointment, "appointment_scheduled"),
			stepsTo(cancelAppointment, "appointment_cancelled"), stepsTo(providerCancels, "appointment_cancelled"),
			stepsTo(cancelOrder, "cancelled"), walkInResults,
		),
		"appointment_cancelled": slices.Concat(
			stepsTo(bookPending, "appointment_pending"), stepsTo(bookSlot, "appointment_scheduled"),
			stepsTo(cancelOrder, "cancelled"), walkInResults,
		),
		"partial_results": walkInResults,
		"completed":       stepsTo(publishFinal, "corrected"),
		"corrected":       stepsTo(publishFinal, "corrected"),
	},
}

var walkInRequisition = slices.Concat(
	stepsTo(bookPending, "appointment_pending"), stepsTo(bookSlot, "appointment_scheduled"),
	stepsTo(cancelOrder, "cancelled"), walkInResults,
)

var walkInResults = slices.Concat(
	stepsTo(publishPartial, "partial_results"), stepsTo(publishFinal, "completed"), stepsTo(rejectFinally, "sample_error"),
	stepsTo(publishLabFailure, "redraw_available"),
)

var phlebotomy = table{
	name: Phlebotomy,
	starters: map[string]starter{
		"ordered":              startScheduled(Phlebotomy, ""),
		"requisition_created":  startPlaced(Phlebotomy, ""),
		"requisition_bypassed": startImported(Phlebotomy),
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
	edges: mergeRows(drawnEdges, map[string][]step{
		"ordered":              stepsTo(cancelOrder, "cancelled"),
		"requisition_created":  phlebotomyRequisition,
		"requisition_bypassed": phlebotomyRequisition,
		"appointment_pending": slices.Concat(
			stepsTo(confirmAppointment, "appointment_scheduled"), stepsTo(cancelAppointment, "appointment_cancelled"),
			stepsTo(providerCancels, "appointment_cancelled"),
			stepsTo(cancelOrder, "cancelled"), stepsTo(sendDrawCompleted, "draw_completed"),
		),
		"appointment_scheduled": slices.Concat(
			afterShortestPath(stepsTo(rescheduleVisit, "appointment_scheduled")),
			stepsTo(confirmAppointment, "appointment_scheduled"), stepsTo(cancelAppointment, "appointment_cancelled"),
			stepsTo(providerCancels, "appointment_cancelled"), stepsTo(sendDrawCompleted, "draw_completed"),
			stepsTo(cancelOrder, "cancelled"), stepsTo(withdrawAppointment, "appointment_pending"),
		),
		"appointment_cancelled": slices.Concat(
			stepsTo(requestVisit, "appointment_pending"), stepsTo(bookSlot, "appointment_scheduled"),
			stepsTo(cancelOrder, "cancelled"), stepsTo(sendDrawCompleted, "draw_completed"),
		),
	}),
}

var phlebotomyRequisition = slices.Concat(
	stepsTo(requestVisit, "appointment_pending"), stepsTo(bookPending, "appointment_pending"),
	stepsTo(bookSlot, "appointment_scheduled"),
	stepsTo(cancelOrder, "cancelled"), stepsTo(sendDrawCompleted, "draw_completed"),
	stepsTo(sendReceived, "draw_completed"),
)

// drawnEdges are the edges from the draw to the results.
var drawnEdges = map[string][]step{
	"draw_completed": slices.Concat(
		stepsTo(publishPartial, "partial_results"), stepsTo(publishFinal, "completed"), stepsTo(publishCritical, "completed"),
		stepsTo(cancelOrder, "cancelled"), stepsTo(rejectFinally, "sample_error"),
	),
	"partial_results": slices.Concat(stepsTo(publishPartial, "partial_results"), stepsTo(publishFinal, "completed"),
		stepsTo(rejectFinally, "sample_error")),
	"completed": stepsTo(publishFinal, "corrected"),
	"corrected": stepsTo(publishFinal, "corrected"),
}

var onSite = table{
	name: OnSite,
	starters: map[string]starter{
		"ordered":              startScheduled(OnSite, ""),
		"requisition_created":  startPlaced(OnSite, ""),
		"requisition_bypassed": startImported(OnSite),
	},
	routes: map[string]string{
		"draw_completed":  "requisition_created draw_completed",
		"partial_results": "requisition_created draw_completed partial_results",
		"completed":       "requisition_created draw_completed completed",
		"corrected":       "requisition_created draw_completed completed corrected",
	},
	edges: mergeRows(drawnEdges, map[string][]step{
		"ordered": stepsTo(cancelOrder, "cancelled"),
		"requisition_created": slices.Concat(stepsTo(completeDraw, "draw_completed"),
			stepsTo(sendReceived, "draw_completed"), stepsTo(cancelOrder, "cancelled")),
		"requisition_bypassed": slices.Concat(stepsTo(completeDraw, "draw_completed"), stepsTo(cancelOrder, "cancelled")),
	}),
}
