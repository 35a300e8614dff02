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
	carriage = by(Lab, Courier)         // where the kit is; some labs pass on what their courier tells them
	silence  = by(Lab, Courier, Timer)  // lost is reported, or concluded from a silent leg
	receipt  = by(Lab, Courier, System) // at the lab; System where a rejection or a report implies it
	results  = by(Lab, System)          // a report, once its results are stored
	demand   = by(Client, Operations)
	expiry   = by(Operations, Lab, Timer)
)

// The usual ways of kits: the statuses of an order with which all goes well.
var (
	testkitWay = []Low{
		Ordered, RequisitionCreated, TransitCustomer, OutForDelivery, WithCustomer, TransitLab, DeliveredToLab, Completed,
	}
	beforeRegistrationWay = []Low{Ordered, AwaitingRegistration, TransitCustomer, OutForDelivery, WithCustomer}
	afterRegistrationWay  = []Low{
		Registered, RequisitionCreated, TransitCustomer, OutForDelivery, WithCustomer, TransitLab, DeliveredToLab, Completed,
	}
)

// testkit is the table of a testkit whose patient is known when it is ordered.
func testkit() []Edge {
	return slices.Concat(
		from(Ordered,
			documented(RequisitionCreated, by(System)),
			documented(Cancelled, demand),
			extension(RequisitionBypassed, by(System), "an imported order already has a requisition"),
			extension(DoNotProcess, by(Operations), whyDoNotProcess),
		),
		fromEach([]Low{RequisitionCreated, RequisitionBypassed},
			documented(TransitCustomer, carriage),
			documented(Cancelled, demand),
			extension(OutForDelivery, carriage, whyNoShipNotice),
			extension(WithCustomer, carriage, whyNoShipNotice),
			extension(TransitLab, carriage, whyNoShipNotice),
			extension(DeliveredToLab, receipt, whyNoShipNotice),
			extension(Lost, carriage, whyLostReported),
			extension(DoNotProcess, by(Operations), whyDoNotProcess),
		),
		from(TransitCustomer,
			documented(OutForDelivery, carriage),
			documented(FailureToDeliverToCustomer, carriage),
			extension(WithCustomer, carriage, whySkipped),
			extension(TransitLab, carriage, whySkipped),
			extension(DeliveredToLab, receipt, whySkipped),
			extension(ProblemInTransitCustomer, carriage, whyProblem),
			extension(Lost, silence, whyLost),
			extension(DoNotProcess, by(Operations), whyDoNotProcess),
		),
		from(OutForDelivery,
			documented(WithCustomer, carriage),
			documented(FailureToDeliverToCustomer, carriage),
			extension(TransitLab, carriage, whySkipped),
			extension(DeliveredToLab, receipt, whySkipped),
			extension(ProblemInTransitCustomer, carriage, whyProblem),
			extension(Lost, silence, whyLost),
			extension(DoNotProcess, by(Operations), whyDoNotProcess),
		),
		from(ProblemInTransitCustomer,
			extension(TransitCustomer, carriage, whyResumed),
			extension(OutForDelivery, carriage, whyResumed),
			extension(WithCustomer, carriage, whyResumed),
			extension(TransitLab, carriage, whySkipped),
			extension(DeliveredToLab, receipt, whySkipped),
			extension(FailureToDeliverToCustomer, carriage, "the problem on the way was not resolved"),
			extension(Lost, silence, whyLost),
			extension(DoNotProcess, by(Operations), whyDoNotProcess),
		),
		from(WithCustomer,
			documented(TransitLab, carriage),
			extension(DeliveredToLab, receipt, whySkipped),
			extension(ProblemInTransitLab, carriage, whyProblem),
			extension(Lost, carriage, whyLostReported),
			extension(DoNotProcess, by(Operations), whyDoNotProcess),
		),
		from(TransitLab,
			documented(DeliveredToLab, receipt),
			documented(FailureToDeliverToLab, carriage),
			extension(ProblemInTransitLab, carriage, whyProblem),
			extension(Lost, silence, whyLost),
			extension(DoNotProcess, by(Operations), whyDoNotProcess),
		),
		from(ProblemInTransitLab,
			extension(TransitLab, carriage, whyResumed),
			extension(DeliveredToLab, receipt, whyResumed),
			extension(FailureToDeliverToLab, carriage, "the problem on the way was not resolved"),
			extension(Lost, silence, whyLost),
			extension(DoNotProcess, by(Operations), whyDoNotProcess),
		),
		from(DeliveredToLab,
			documented(Completed, results),
			documented(SampleError, by(Lab)),
			extension(LabProcessingBlocked, by(Lab), "the lab rejected the kit, but what is missing can be supplied"),
			extension(DoNotProcess, by(Operations), whyDoNotProcess),
		),
		from(LabProcessingBlocked,
			// Never a courier: its scan of the delivery may come after the lab's rejection.
			extension(DeliveredToLab, by(Operations, Lab, System), "what was missing has been supplied: back in production"),
			extension(Completed, results, "the lab reported without saying that it went on"),
			extension(SampleError, by(Lab, Timer), "the lab rejected the kit for good, or the recovery window closed"),
			extension(DoNotProcess, by(Operations), whyDoNotProcess),
		),
		corrections(),
	)
}

// corrections is the row that every machine ends with: the one edge out of a terminal status.
func corrections() []Edge {
	return fromEach([]Low{Completed, Corrected},
		extension(Corrected, results, whyCorrected),
	)
}

// testkitBeforeRegistration is the table of a registrable testkit whose patient is not known yet. It ends at registered, where
// testkitAfterRegistration takes over.
func testkitBeforeRegistration() []Edge {
	return slices.Concat(
		from(Ordered,
			documented(AwaitingRegistration, by(System)),
			documented(Cancelled, demand),
			extension(DoNotProcess, expiry, whyUnregistered),
		),
		from(AwaitingRegistration,
			documented(TransitCustomer, carriage),
			documented(Cancelled, demand),
			extension(OutForDelivery, carriage, whyNoShipNotice),
			extension(WithCustomer, carriage, whyNoShipNotice),
			extension(Registered, by(Client), whyRegistered),
			extension(DoNotProcess, expiry, whyUnregistered),
		),
		from(TransitCustomer,
			documented(OutForDelivery, carriage),
			documented(FailureToDeliverToCustomer, carriage),
			extension(WithCustomer, carriage, whySkipped),
			extension(ProblemInTransitCustomer, carriage, whyProblem),
			extension(Registered, by(Client), whyRegistered),
			extension(Lost, silence, whyLost),
			extension(DoNotProcess, expiry, whyUnregistered),
		),
		from(OutForDelivery,
			documented(WithCustomer, carriage),
			documented(FailureToDeliverToCustomer, carriage),
			extension(ProblemInTransitCustomer, carriage, whyProblem),
			extension(Registered, by(Client), whyRegistered),
			extension(Lost, silence, whyLost),
			extension(DoNotProcess, expiry, whyUnregistered),
		),
		from(ProblemInTransitCustomer,
			extension(TransitCustomer, carriage, whyResumed),
			extension(OutForDelivery, carriage, whyResumed),
			extension(WithCustomer, carriage, whyResumed),
			extension(FailureToDeliverToCustomer, carriage, "the problem on the way was not resolved"),
			extension(Registered, by(Client), whyRegistered),
			extension(Lost, silence, whyLost),
			extension(DoNotProcess, expiry, whyUnregistered),
		),
		from(WithCustomer,
			documented(Registered, by(Client)),
			extension(Lost, carriage, whyLostReported),
			extension(DoNotProcess, expiry, whyUnregistered),
		),
	)
}

// testkitAfterRegistration is the table of a registrable testkit from registered on: the table of a testkit from its requisition on, amended
// for a kit that may have travelled already. Nothing leads back to registered.
func testkitAfterRegistration() []Edge {
	onwards := slices.DeleteFunc(testkit(), func(e Edge) bool {
		return e.From == Ordered || e.From == RequisitionBypassed // passed, or only for imported orders
	})
	return slices.Concat(
		from(Registered,
			documented(RequisitionCreated, by(System)),
			documented(Cancelled, demand).guarded(NothingShipped),
			extension(DoNotProcess, by(Operations), whyDoNotProcess),
		),
		amend(onwards, from(RequisitionCreated,
			documented(TransitLab, carriage),
			documented(Cancelled, demand).guarded(NothingShipped),
			extension(ProblemInTransitCustomer, carriage, whyOnItsWay),
			extension(ProblemInTransitLab, carriage, whyOnItsWay),
			extension(FailureToDeliverToCustomer, carriage, whyOnItsWay),
			extension(FailureToDeliverToLab, carriage, whyOnItsWay),
			extension(Lost, silence, "the deadlines of the outbound leg run on after registration"),
		)),
	)
}
