package lifecycle

import (
	"fmt"
	"slices"
	"strings"
)

// Modality is how the sample is collected, the middle part of a status.
type Modality string

const (
	Testkit          Modality = "testkit"
	WalkIn           Modality = "walk_in_test"
	AtHomePhlebotomy Modality = "at_home_phlebotomy"
	OnSite           Modality = "on_site_collection"
)

// Modalities lists the four modalities in the order of order-lifecycle#statuses-and-their-top-level.
func Modalities() []Modality {
	return []Modality{Testkit, WalkIn, AtHomePhlebotomy, OnSite}
}

// Valid reports whether m is one of the four modalities.
func (m Modality) Valid() bool { return slices.Contains(Modalities(), m) }

// LowStatus is the low-level status, the last part of a status. The machines move between these.
type LowStatus string

const (
	Ordered                    LowStatus = "ordered"
	AwaitingRegistration       LowStatus = "awaiting_registration"
	Registered                 LowStatus = "registered"
	RequisitionCreated         LowStatus = "requisition_created"
	RequisitionBypassed        LowStatus = "requisition_bypassed"
	TransitCustomer            LowStatus = "transit_customer"
	OutForDelivery             LowStatus = "out_for_delivery"
	ProblemInTransitCustomer   LowStatus = "problem_in_transit_customer"
	WithCustomer               LowStatus = "with_customer"
	TransitLab                 LowStatus = "transit_lab"
	ProblemInTransitLab        LowStatus = "problem_in_transit_lab"
	AppointmentPending         LowStatus = "appointment_pending"
	AppointmentScheduled       LowStatus = "appointment_scheduled"
	AppointmentCancelled       LowStatus = "appointment_cancelled"
	RedrawAvailable            LowStatus = "redraw_available"
	DrawCompleted              LowStatus = "draw_completed"
	DeliveredToLab             LowStatus = "delivered_to_lab"
	LabProcessingBlocked       LowStatus = "lab_processing_blocked"
	PartialResults             LowStatus = "partial_results"
	Completed                  LowStatus = "completed"
	Corrected                  LowStatus = "corrected"
	SampleError                LowStatus = "sample_error"
	FailureToDeliverToCustomer LowStatus = "failure_to_deliver_to_customer"
	FailureToDeliverToLab      LowStatus = "failure_to_deliver_to_lab"
	Lost                       LowStatus = "lost"
	Cancelled                  LowStatus = "cancelled"
	DoNotProcess               LowStatus = "do_not_process"
)

// TopStatus is the top-level status, the first part of a status and the `status` field of an order. It can go back: a
// kit that is registered after its delivery goes from collecting_sample to received.
type TopStatus string

const (
	TopReceived         TopStatus = "received"
	TopCollectingSample TopStatus = "collecting_sample"
	TopSampleWithLab    TopStatus = "sample_with_lab"
	TopCompleted        TopStatus = "completed"
	TopFailed           TopStatus = "failed"
	TopCancelled        TopStatus = "cancelled"
)

// noTopStatus says that a modality does not have a low-level status.
const noTopStatus TopStatus = ""

// statuses has the top level of every low-level status in each modality, and its stage. All other properties follow
// from the stage. Its order is the order of statuses everywhere in this package.
var statuses = []struct {
	low                                 LowStatus
	testkit, walkIn, phlebotomy, onSite TopStatus
	stage                               Stage
}{
	{Ordered, TopReceived, TopReceived, TopReceived, TopReceived, StageOrdered},
	{AwaitingRegistration, TopReceived, noTopStatus, noTopStatus, noTopStatus, StageUnregistered},
	{Registered, TopReceived, noTopStatus, noTopStatus, noTopStatus, StageRegistered},
	{RequisitionCreated, TopReceived, TopReceived, TopReceived, TopReceived, StagePlaced},
	{RequisitionBypassed, TopReceived, TopReceived, TopReceived, TopReceived, StagePlaced},
	{TransitCustomer, TopCollectingSample, noTopStatus, noTopStatus, noTopStatus, StageOutbound},
	{OutForDelivery, TopCollectingSample, noTopStatus, noTopStatus, noTopStatus, StageOutbound},
	{ProblemInTransitCustomer, TopCollectingSample, noTopStatus, noTopStatus, noTopStatus, StageOutbound},
	{WithCustomer, TopCollectingSample, noTopStatus, noTopStatus, noTopStatus, StageWithCustomer},
	{TransitLab, TopCollectingSample, noTopStatus, noTopStatus, noTopStatus, StageInbound},
	{ProblemInTransitLab, TopCollectingSample, noTopStatus, noTopStatus, noTopStatus, StageInbound},
	{AppointmentPending, noTopStatus, TopCollectingSample, TopCollectingSample, noTopStatus, StageAppointmentPending},
	{AppointmentScheduled, noTopStatus, TopCollectingSample, TopCollectingSample, noTopStatus, StageAppointmentScheduled},
	{AppointmentCancelled, noTopStatus, TopCollectingSample, TopCollectingSample, noTopStatus, StageAppointmentCancelled},
	{RedrawAvailable, noTopStatus, TopCollectingSample, noTopStatus, noTopStatus, StageRedraw},
	{DrawCompleted, noTopStatus, noTopStatus, TopCollectingSample, TopSampleWithLab, StageDrawn},
	{DeliveredToLab, TopSampleWithLab, noTopStatus, noTopStatus, noTopStatus, StageAtLab},
	{LabProcessingBlocked, TopSampleWithLab, noTopStatus, noTopStatus, noTopStatus, StageBlocked},
	{PartialResults, noTopStatus, TopSampleWithLab, TopSampleWithLab, TopSampleWithLab, StagePartialResults},
	{Completed, TopCompleted, TopCompleted, TopCompleted, TopCompleted, StageCompleted},
	{Corrected, TopCompleted, TopCompleted, TopCompleted, TopCompleted, StageCompleted},
	{SampleError, TopFailed, TopFailed, TopFailed, TopFailed, StageFailed},
	{FailureToDeliverToCustomer, TopFailed, noTopStatus, noTopStatus, noTopStatus, StageFailedOutbound},
	{FailureToDeliverToLab, TopFailed, noTopStatus, noTopStatus, noTopStatus, StageFailedInbound},
	{Lost, TopFailed, noTopStatus, noTopStatus, noTopStatus, StageFailed},
	{Cancelled, TopCancelled, TopCancelled, TopCancelled, TopCancelled, StageCancelled},
	{DoNotProcess, TopCancelled, noTopStatus, noTopStatus, noTopStatus, StageCancelled},
}

// topStatusOf returns the top level of a low-level status in a modality, or noTopStatus.
func topStatusOf(m Modality, l LowStatus) TopStatus {
	i := statusIndex(l)
	if i < 0 {
		return noTopStatus
	}
	switch row := statuses[i]; m {
	case Testkit:
		return row.testkit
	case WalkIn:
		return row.walkIn
	case AtHomePhlebotomy:
		return row.phlebotomy
	case OnSite:
		return row.onSite
	}
	return noTopStatus
}

// statusIndex returns the position of a low-level status in the documented order, or -1 if it does not exist.
func statusIndex(l LowStatus) int {
	for i := range statuses {
		if statuses[i].low == l {
			return i
		}
	}
	return -1
}

// Status is a full status as clients see it: "<top level>.<modality>.<low level>".
type Status string

// FullStatus returns the full status of l in modality m. It returns false if m has no such status.
func FullStatus(m Modality, l LowStatus) (Status, bool) {
	top := topStatusOf(m, l)
	if top == noTopStatus {
		return "", false
	}
	return Status(string(top) + "." + string(m) + "." + string(l)), true
}

// MustFullStatus is FullStatus for a pair that is known to exist. It panics on any other pair.
func MustFullStatus(m Modality, l LowStatus) Status {
	s, ok := FullStatus(m, l)
	if !ok {
		panic(fmt.Sprintf("lifecycle: %s has no status %s", m, l))
	}
	return s
}

// Statuses lists all 54 statuses, by modality in the order of Modalities. Within a modality they have the order in
// which orders usually reach them, with failures and cancellations last.
func Statuses() []Status {
	var all []Status
	for _, m := range Modalities() {
		for _, row := range statuses {
			if s, ok := FullStatus(m, row.low); ok {
				all = append(all, s)
			}
		}
	}
	return all
}

// Top is the top-level part; empty if s does not have three parts.
func (s Status) Top() TopStatus { return TopStatus(s.part(0)) }

// Modality is the middle part; empty if s does not have three parts.
func (s Status) Modality() Modality { return Modality(s.part(1)) }

// Low is the low-level part; empty if s does not have three parts.
func (s Status) Low() LowStatus { return LowStatus(s.part(2)) }

// Valid reports whether s is one of the 54 statuses.
func (s Status) Valid() bool {
	full, ok := FullStatus(s.Modality(), s.Low())
	return ok && full == s
}

func (s Status) part(i int) string {
	parts := strings.Split(string(s), ".")
	if len(parts) != 3 {
		return ""
	}
	return parts[i]
}
