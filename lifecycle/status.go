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

// tops gives every low-level status its top level in each modality. Its order is the order of statuses everywhere in this package.
var tops = []struct {
	low                                 Low
	testkit, walkIn, phlebotomy, onSite Top
}{
	{Ordered, TopReceived, TopReceived, TopReceived, TopReceived},
	{AwaitingRegistration, TopReceived, none, none, none},
	{Registered, TopReceived, none, none, none},
	{RequisitionCreated, TopReceived, TopReceived, TopReceived, TopReceived},
	{RequisitionBypassed, TopReceived, TopReceived, TopReceived, TopReceived},
	{TransitCustomer, TopCollectingSample, none, none, none},
	{OutForDelivery, TopCollectingSample, none, none, none},
	{ProblemInTransitCustomer, TopCollectingSample, none, none, none},
	{WithCustomer, TopCollectingSample, none, none, none},
	{TransitLab, TopCollectingSample, none, none, none},
	{ProblemInTransitLab, TopCollectingSample, none, none, none},
	{AppointmentPending, none, TopCollectingSample, TopCollectingSample, none},
	{AppointmentScheduled, none, TopCollectingSample, TopCollectingSample, none},
	{AppointmentCancelled, none, TopCollectingSample, TopCollectingSample, none},
	{RedrawAvailable, none, TopCollectingSample, none, none},
	{DrawCompleted, none, none, TopCollectingSample, TopSampleWithLab},
	{DeliveredToLab, TopSampleWithLab, none, none, none},
	{LabProcessingBlocked, TopSampleWithLab, none, none, none},
	{PartialResults, none, TopSampleWithLab, TopSampleWithLab, TopSampleWithLab},
	{Completed, TopCompleted, TopCompleted, TopCompleted, TopCompleted},
	{Corrected, TopCompleted, TopCompleted, TopCompleted, TopCompleted},
	{SampleError, TopFailed, TopFailed, TopFailed, TopFailed},
	{FailureToDeliverToCustomer, TopFailed, none, none, none},
	{FailureToDeliverToLab, TopFailed, none, none, none},
	{Lost, TopFailed, none, none, none},
	{Cancelled, TopCancelled, TopCancelled, TopCancelled, TopCancelled},
	{DoNotProcess, TopCancelled, none, none, none},
}

// topOf is the top level of a low-level status in a modality, none where the modality has no such status.
func topOf(m Modality, l Low) Top {
	i := rank(l)
	if i < 0 {
		return none
	}
	switch row := tops[i]; m {
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

// rank is the place of a low-level status in the documented order, -1 for one that does not exist.
func rank(l Low) int {
	for i := range tops {
		if tops[i].low == l {
			return i
		}
	}
	return -1
}

// Terminal reports whether a status ends the order. One edge leaves a terminal status: completed or corrected to corrected.
func Terminal(l Low) bool {
	switch l {
	case Completed, Corrected, Cancelled, DoNotProcess, SampleError,
		FailureToDeliverToCustomer, FailureToDeliverToLab, Lost, RedrawAvailable:
		return true
	}
	return false
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
		for _, row := range tops {
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
