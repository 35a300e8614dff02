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

// Low is the low-level status, the last part of a status. The machines move between these.
type Low string

const (
	Ordered                    Low = "ordered"
	AwaitingRegistration       Low = "awaiting_registration"
	Registered                 Low = "registered"
	RequisitionCreated         Low = "requisition_created"
	RequisitionBypassed        Low = "requisition_bypassed"
	TransitCustomer            Low = "transit_customer"
	OutForDelivery             Low = "out_for_delivery"
	ProblemInTransitCustomer   Low = "problem_in_transit_customer"
	WithCustomer               Low = "with_customer"
	TransitLab                 Low = "transit_lab"
	ProblemInTransitLab        Low = "problem_in_transit_lab"
	AppointmentPending         Low = "appointment_pending"
	AppointmentScheduled       Low = "appointment_scheduled"
	AppointmentCancelled       Low = "appointment_cancelled"
	RedrawAvailable            Low = "redraw_available"
	DrawCompleted              Low = "draw_completed"
	DeliveredToLab             Low = "delivered_to_lab"
	LabProcessingBlocked       Low = "lab_processing_blocked"
	PartialResults             Low = "partial_results"
	Completed                  Low = "completed"
	Corrected                  Low = "corrected"
	SampleError                Low = "sample_error"
	FailureToDeliverToCustomer Low = "failure_to_deliver_to_customer"
	FailureToDeliverToLab      Low = "failure_to_deliver_to_lab"
	Lost                       Low = "lost"
	Cancelled                  Low = "cancelled"
	DoNotProcess               Low = "do_not_process"
)

// Top is the top-level status, the first part of a status and the `status` field of an order. It is not monotonic: a kit that
// is registered after it was delivered goes back from collecting_sample to received.
type Top string

const (
	TopReceived         Top = "received"
	TopCollectingSample Top = "collecting_sample"
	TopSampleWithLab    Top = "sample_with_lab"
	TopCompleted        Top = "completed"
	TopFailed           Top = "failed"
	TopCancelled        Top = "cancelled"
)

// none marks a low-level status that a modality does not have.
const none Top = ""

// statuses says of every low-level status its top level in each modality and its stage, from which all else follows. Its order is the
// order of statuses everywhere in this package.
var statuses = []struct {
	low                                 Low
	testkit, walkIn, phlebotomy, onSite Top
	stage                               Stage
}{
	{Ordered, TopReceived, TopReceived, TopReceived, TopReceived, StageOrdered},
	{AwaitingRegistration, TopReceived, none, none, none, StageUnregistered},
	{Registered, TopReceived, none, none, none, StageRegistered},
	{RequisitionCreated, TopReceived, TopReceived, TopReceived, TopReceived, StagePlaced},
	{RequisitionBypassed, TopReceived, TopReceived, TopReceived, TopReceived, StagePlaced},
	{TransitCustomer, TopCollectingSample, none, none, none, StageOutbound},
	{OutForDelivery, TopCollectingSample, none, none, none, StageOutbound},
	{ProblemInTransitCustomer, TopCollectingSample, none, none, none, StageOutbound},
	{WithCustomer, TopCollectingSample, none, none, none, StageWithCustomer},
	{TransitLab, TopCollectingSample, none, none, none, StageInbound},
	{ProblemInTransitLab, TopCollectingSample, none, none, none, StageInbound},
	{AppointmentPending, none, TopCollectingSample, TopCollectingSample, none, StageAppointmentPending},
	{AppointmentScheduled, none, TopCollectingSample, TopCollectingSample, none, StageAppointmentScheduled},
	{AppointmentCancelled, none, TopCollectingSample, TopCollectingSample, none, StageAppointmentCancelled},
	{RedrawAvailable, none, TopCollectingSample, none, none, StageRedraw},
	{DrawCompleted, none, none, TopCollectingSample, TopSampleWithLab, StageDrawn},
	{DeliveredToLab, TopSampleWithLab, none, none, none, StageAtLab},
	{LabProcessingBlocked, TopSampleWithLab, none, none, none, StageBlocked},
	{PartialResults, none, TopSampleWithLab, TopSampleWithLab, TopSampleWithLab, StagePartialResults},
	{Completed, TopCompleted, TopCompleted, TopCompleted, TopCompleted, StageCompleted},
	{Corrected, TopCompleted, TopCompleted, TopCompleted, TopCompleted, StageCompleted},
	{SampleError, TopFailed, TopFailed, TopFailed, TopFailed, StageFailed},
	{FailureToDeliverToCustomer, TopFailed, none, none, none, StageFailedOutbound},
	{FailureToDeliverToLab, TopFailed, none, none, none, StageFailedInbound},
	{Lost, TopFailed, none, none, none, StageFailed},
	{Cancelled, TopCancelled, TopCancelled, TopCancelled, TopCancelled, StageCancelled},
	{DoNotProcess, TopCancelled, none, none, none, StageCancelled},
}

// topOf is the top level of a low-level status in a modality, none where the modality has no such status.
func topOf(m Modality, l Low) Top {
	i := rank(l)
	if i < 0 {
		return none
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
	return none
}

// rank is the position of a low-level status in the documented order, -1 for one that does not exist.
func rank(l Low) int {
	for i := range statuses {
		if statuses[i].low == l {
			return i
		}
	}
	return -1
}

// Status is a whole status as clients see it: "<top level>.<modality>.<low level>".
type Status string

// Full composes the status that l is in modality m. It returns false when m has no such status.
func Full(m Modality, l Low) (Status, bool) {
	top := topOf(m, l)
	if top == none {
		return "", false
	}
	return Status(string(top) + "." + string(m) + "." + string(l)), true
}

// MustFull is Full for a pair that is known to exist; it panics on any other.
func MustFull(m Modality, l Low) Status {
	s, ok := Full(m, l)
	if !ok {
		panic(fmt.Sprintf("lifecycle: %s has no status %s", m, l))
	}
	return s
}

// Statuses lists all 54 statuses: by modality as Modalities lists them, within one by the order in which a life passes them, failures and
// cancellations last.
func Statuses() []Status {
	var all []Status
	for _, m := range Modalities() {
		for _, row := range statuses {
			if s, ok := Full(m, row.low); ok {
				all = append(all, s)
			}
		}
	}
	return all
}

// Top is the top-level part, empty when s does not have three parts.
func (s Status) Top() Top { return Top(s.part(0)) }

// Modality is the middle part, empty when s does not have three parts.
func (s Status) Modality() Modality { return Modality(s.part(1)) }

// Low is the low-level part, empty when s does not have three parts.
func (s Status) Low() Low { return Low(s.part(2)) }

// Valid reports whether s is one of the 54 statuses.
func (s Status) Valid() bool {
	full, ok := Full(s.Modality(), s.Low())
	return ok && full == s
}

func (s Status) part(i int) string {
	parts := strings.Split(string(s), ".")
	if len(parts) != 3 {
		return ""
	}
	return parts[i]
}
