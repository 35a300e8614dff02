package lifecycle

import "slices"

// Why an extension of the testkit tables exists, where several edges share the reason. The forward skips have one cause: a lab may report
// that it shipped, received or rejected a kit and nothing in between, and the couriers' reports may never come.
const (
	whySkipped      = "the steps in between come from couriers and may never be reported"
	whyNoShipNotice = "the shipped notice never came"
	whyProblem      = "couriers report problems on the way that the vendor's diagrams leave out"
	whyResumed      = "the problem on the way was resolved"
	whyLost         = "couriers lose parcels at any point, and a leg that fell silent is given up"
	whyLostReported = "couriers lose parcels at any point"
	whyDoNotProcess = "operations may stop an order that has not ended"
	whyUnregistered = "operations, the lab's final rejection or the kit's expiry end a kit that nobody registered"
	whyRegistered   = "the patient may register before the delivery is reported"
	whyOnItsWay     = "the kit may be registered while it is still on its way"
	whyCorrected    = "a lab may correct its report, more than once"
)

// Who may ask, for groups of testkit edges.
var (
	transitActors = by(Lab, Courier)         // where the kit is; some labs pass on what their courier tells them
	lossActors    = by(Lab, Courier, Timer)  // lost is reported, or concluded from a silent leg
	receiptActors = by(Lab, Courier, System) // at the lab; System where a rejection or a report implies it
	resultActors  = by(Lab, System)          // a report, once its results are stored
	demandActors  = by(Client, Operations)
	expiryActors  = by(Operations, Lab, Timer)
)

// The usual ways of kits: the statuses of an order with which all goes well.
var (
	testkitWay = []LowStatus{
		Ordered, RequisitionCreated, TransitCustomer, OutForDelivery, WithCustomer, TransitLab, DeliveredToLab, Completed,
	}
	beforeRegistrationWay = []LowStatus{Ordered, AwaitingRegistration, TransitCustomer, OutForDelivery, WithCustomer}
	afterRegistrationWay  = []LowStatus{
		Registered, RequisitionCreated, TransitCustomer, OutForDelivery, WithCustomer, TransitLab, DeliveredToLab, Completed,
	}
)

// testkitEdges is the table of a testkit whose patient is known when it is ordered.
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
			// Never a courier: its scan of the delivery may come after the lab's rejection.
			extension(DeliveredToLab, by(Operations, Lab, System), "what was missing has been supplied: back in production"),
			extension(Completed, resultActors, "the lab reported without saying that it went on"),
			extension(SampleError, by(Lab, Timer), "the lab rejected the kit for good, or the recovery window closed"),
			extension(DoNotProcess, by(Operations), whyDoNotProcess),
		),
		correctionEdges(),
	)
}

// correctionEdges is the row that every machine ends with: the one edge out of a terminal status.
func correctionEdges() []Edge {
	return edgesFromEach([]LowStatus{Completed, Corrected},
		extension(Corrected, resultActors, whyCorrected),
	)
}

// beforeRegistrationEdges is the table of a registrable testkit whose patient is not known yet. It ends at registered, where
// testkitAfterRegistration takes over.
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

// afterRegistrationEdges is the table of a registrable testkit from registered on: the table of a testkit from its requisition on, amended
// for a kit that may have travelled already. Nothing leads back to registered.
func afterRegistrationEdges() []Edge {
	afterRequisition := slices.DeleteFunc(testkitEdges(), func(e Edge) bool {
		return e.From == Ordered || e.From == RequisitionBypassed // passed, or only for imported orders
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
			extension(ProblemInTransitCustomer, transitActors, whyOnItsWay),
			extension(ProblemInTransitLab, transitActors, whyOnItsWay),
			extension(FailureToDeliverToCustomer, transitActors, whyOnItsWay),
			extension(FailureToDeliverToLab, transitActors, whyOnItsWay),
			extension(Lost, lossActors, "the deadlines of the outbound leg run on after registration"),
		)),
	)
}
