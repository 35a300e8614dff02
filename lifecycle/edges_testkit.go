package lifecycle

import "slices"

// Reasons that several extensions of the testkit tables share. Steps may be skipped for one reason: a lab may report
// that it shipped, received or rejected a kit and nothing in between, and courier facts may be missing.
const (
	whySkipped      = "the steps in between come from couriers and may never be reported"
	whyNoShipNotice = "the lab did not report the shipment"
	whyProblem      = "couriers report problems that the vendor's diagrams leave out"
	whyResumed      = "the problem on the way was resolved"
	whyLost         = "couriers lose parcels at any point, and a silent leg is given up"
	whyLostReported = "couriers lose parcels at any point"
	whyDoNotProcess = "operations may stop an order that has not ended"
	whyUnregistered = "operations, the lab's final rejection or the kit's expiry end a kit that nobody registered"
	whyRegistered   = "the patient may register before the delivery is reported"
	whyInTransit    = "the kit may be registered while it is in transit"
	whyCorrected    = "a lab may correct its report, more than once"
)

// Who may ask, for groups of testkit edges.
var (
	transitActors = by(Lab, Courier)         // where the kit is; some labs forward what their courier reports
	lossActors    = by(Lab, Courier, Timer)  // lost is reported, or concluded from a silent leg
	receiptActors = by(Lab, Courier, System) // at the lab; System if a rejection or a lab report implies it
	resultActors  = by(Lab, System)          // a lab report, once its results are stored
	demandActors  = by(Client, Operations)
	expiryActors  = by(Operations, Lab, Timer)
)

// The usual paths of kits: the statuses of an order without problems.
var (
	testkitUsualPath = []LowStatus{
		Ordered, RequisitionCreated, TransitCustomer, OutForDelivery, WithCustomer, TransitLab, DeliveredToLab, Completed,
	}
	beforeRegistrationUsualPath = []LowStatus{Ordered, AwaitingRegistration, TransitCustomer, OutForDelivery, WithCustomer}
	afterRegistrationUsualPath  = []LowStatus{
		Registered, RequisitionCreated, TransitCustomer, OutForDelivery, WithCustomer, TransitLab, DeliveredToLab, Completed,
	}
)

// testkitEdges returns the table of a testkit whose patient is known when it is ordered.
func testkitEdges() []Edge {
	return slices.Concat(
		edgesFrom(Ordered,
			documented(RequisitionCreated, by(System)),
			documented(Cancelled, demandActors),
			extension(RequisitionBypassed, by(System), "an imported order already has a requisition"),
			extension(DoNotProcess, by(Operations), whyDoNotProcess),
		),
		edgesFromEach([]LowStatus{RequisitionCreated, RequisitionBypassed},
			documented(TransitCustomer, transitActors),
			documented(Cancelled, demandActors),
			extension(OutForDelivery, transitActors, whyNoShipNotice),
			extension(WithCustomer, transitActors, whyNoShipNotice),
			extension(TransitLab, transitActors, whyNoShipNotice),
			extension(DeliveredToLab, receiptActors, whyNoShipNotice),
			extension(Lost, transitActors, whyLostReported),
			extension(DoNotProcess, by(Operations), whyDoNotProcess),
		),
		edgesFrom(TransitCustomer,
			documented(OutForDelivery, transitActors),
			documented(FailureToDeliverToCustomer, transitActors),
			extension(WithCustomer, transitActors, whySkipped),
			extension(TransitLab, transitActors, whySkipped),
			extension(DeliveredToLab, receiptActors, whySkipped),
			extension(ProblemInTransitCustomer, transitActors, whyProblem),
			extension(Lost, lossActors, whyLost),
			extension(DoNotProcess, by(Operations), whyDoNotProcess),
		),
		edgesFrom(OutForDelivery,
			documented(WithCustomer, transitActors),
			documented(FailureToDeliverToCustomer, transitActors),
			extension(TransitLab, transitActors, whySkipped),
			extension(DeliveredToLab, receiptActors, whySkipped),
			extension(ProblemInTransitCustomer, transitActors, whyProblem),
			extension(Lost, lossActors, whyLost),
			extension(DoNotProcess, by(Operations), whyDoNotProcess),
		),
		edgesFrom(ProblemInTransitCustomer,
			extension(TransitCustomer, transitActors, whyResumed),
			extension(OutForDelivery, transitActors, whyResumed),
			extension(WithCustomer, transitActors, whyResumed),
			extension(TransitLab, transitActors, whySkipped),
			extension(DeliveredToLab, receiptActors, whySkipped),
			extension(FailureToDeliverToCustomer, transitActors, "the problem on the way was not resolved"),
			extension(Lost, lossActors, whyLost),
			extension(DoNotProcess, by(Operations), whyDoNotProcess),
		),
		edgesFrom(WithCustomer,
			documented(TransitLab, transitActors),
			extension(DeliveredToLab, receiptActors, whySkipped),
			extension(ProblemInTransitLab, transitActors, whyProblem),
			extension(Lost, transitActors, whyLostReported),
			extension(DoNotProcess, by(Operations), whyDoNotProcess),
		),
		edgesFrom(TransitLab,
			documented(DeliveredToLab, receiptActors),
			documented(FailureToDeliverToLab, transitActors),
			extension(ProblemInTransitLab, transitActors, whyProblem),
			extension(Lost, lossActors, whyLost),
			extension(DoNotProcess, by(Operations), whyDoNotProcess),
		),
		edgesFrom(ProblemInTransitLab,
			extension(TransitLab, transitActors, whyResumed),
			extension(DeliveredToLab, receiptActors, whyResumed),
			extension(FailureToDeliverToLab, transitActors, "the problem on the way was not resolved"),
			extension(Lost, lossActors, whyLost),
			extension(DoNotProcess, by(Operations), whyDoNotProcess),
		),
		edgesFrom(DeliveredToLab,
			documented(Completed, resultActors),
			documented(SampleError, by(Lab)),
			extension(LabProcessingBlocked, by(Lab), "the lab rejected the kit, but what is missing can be supplied"),
			extension(DoNotProcess, by(Operations), whyDoNotProcess),
		),
		edgesFrom(LabProcessingBlocked,
			// Not a courier: its scan of the delivery may arrive after the lab's rejection.
			extension(DeliveredToLab, by(Operations, Lab, System),
				"what was missing has been supplied; the kit is back in production"),
			extension(Completed, resultActors, "the lab sent results without reporting that it resumed"),
			extension(SampleError, by(Lab, Timer), "the lab's rejection was final, or the recovery window closed"),
			extension(DoNotProcess, by(Operations), whyDoNotProcess),
		),
		correctionEdges(),
	)
}

// correctionEdges returns the edges that every machine ends with: the only ones out of a terminal status.
func correctionEdges() []Edge {
	return edgesFromEach([]LowStatus{Completed, Corrected},
		extension(Corrected, resultActors, whyCorrected),
	)
}

// beforeRegistrationEdges returns the table of a registrable testkit without a patient. It ends at registered, where
// the machine after registration takes over.
func beforeRegistrationEdges() []Edge {
	return slices.Concat(
		edgesFrom(Ordered,
			documented(AwaitingRegistration, by(System)),
			documented(Cancelled, demandActors),
			extension(DoNotProcess, expiryActors, whyUnregistered),
		),
		edgesFrom(AwaitingRegistration,
			documented(TransitCustomer, transitActors),
			documented(Cancelled, demandActors),
			extension(OutForDelivery, transitActors, whyNoShipNotice),
			extension(WithCustomer, transitActors, whyNoShipNotice),
			extension(Registered, by(Client), whyRegistered),
			extension(DoNotProcess, expiryActors, whyUnregistered),
		),
		edgesFrom(TransitCustomer,
			documented(OutForDelivery, transitActors),
			documented(FailureToDeliverToCustomer, transitActors),
			extension(WithCustomer, transitActors, whySkipped),
			extension(ProblemInTransitCustomer, transitActors, whyProblem),
			extension(Registered, by(Client), whyRegistered),
			extension(Lost, lossActors, whyLost),
			extension(DoNotProcess, expiryActors, whyUnregistered),
		),
		edgesFrom(OutForDelivery,
			documented(WithCustomer, transitActors),
			documented(FailureToDeliverToCustomer, transitActors),
			extension(ProblemInTransitCustomer, transitActors, whyProblem),
			extension(Registered, by(Client), whyRegistered),
			extension(Lost, lossActors, whyLost),
			extension(DoNotProcess, expiryActors, whyUnregistered),
		),
		edgesFrom(ProblemInTransitCustomer,
			extension(TransitCustomer, transitActors, whyResumed),
			extension(OutForDelivery, transitActors, whyResumed),
			extension(WithCustomer, transitActors, whyResumed),
			extension(FailureToDeliverToCustomer, transitActors, "the problem on the way was not resolved"),
			extension(Registered, by(Client), whyRegistered),
			extension(Lost, lossActors, whyLost),
			extension(DoNotProcess, expiryActors, whyUnregistered),
		),
		edgesFrom(WithCustomer,
			documented(Registered, by(Client)),
			extension(Lost, transitActors, whyLostReported),
			extension(DoNotProcess, expiryActors, whyUnregistered),
		),
	)
}

// afterRegistrationEdges returns the table of a registrable testkit from registered on. It is the testkit table from
// the requisition on, changed for a kit that may be in transit already. No edge leads back to registered.
func afterRegistrationEdges() []Edge {
	afterRequisition := slices.DeleteFunc(testkitEdges(), func(e Edge) bool {
		return e.From == Ordered || e.From == RequisitionBypassed // passed already, or only for imported orders
	})
	return slices.Concat(
		edgesFrom(Registered,
			documented(RequisitionCreated, by(System)),
			documented(Cancelled, demandActors).withGuard(NothingShipped),
			extension(DoNotProcess, by(Operations), whyDoNotProcess),
		),
		replaceEdges(afterRequisition, edgesFrom(RequisitionCreated,
			documented(TransitLab, transitActors),
			documented(Cancelled, demandActors).withGuard(NothingShipped),
			extension(ProblemInTransitCustomer, transitActors, whyInTransit),
			extension(ProblemInTransitLab, transitActors, whyInTransit),
			extension(FailureToDeliverToCustomer, transitActors, whyInTransit),
			extension(FailureToDeliverToLab, transitActors, whyInTransit),
			extension(Lost, lossActors, "the deadlines of the outbound leg also apply after the registration"),
		)),
	)
}
