package conformance

import (
	"net/http"
	"testing"
	"time"

	"github.com/aliquot-labs/aliquot/labs"
	"github.com/aliquot-labs/aliquot/order"
)

// Canary is used as a patient's name. A fixture writes it into every free text. An adapter may return it only in fields
// for the encrypted store.
const Canary = "Quillfeather"

// Fixture is a partner for the suite, with the requests and webhooks that the suite needs. Fields are required unless
// their comment says otherwise.
type Fixture struct {
	Protocol labs.Protocol
	// FullAccount supports every call that the partner has, and MinimalAccount as few as possible. The suite sets their
	// base URLs.
	FullAccount, MinimalAccount labs.Account
	// Start starts the partner, or its simulation, with the full account.
	Start func(t testing.TB) Partner
	// NewRequisition returns an order that the partner accepts. NewRefusedRequisition returns one that the adapter sends
	// and the partner refuses.
	NewRequisition, NewRefusedRequisition func(number string) labs.Requisition
	Webhooks                              Webhooks
	Appointments                          Appointments // required if the full account supports appointments
}

// Partner is a running partner. It stops in the test's cleanup.
type Partner struct {
	URL string
	// PublishReport publishes a lab report of an accepted order. It is required if the full account supports results.
	PublishReport func(t testing.TB, number string, r ReportStage)
	// SendFact creates a fact about an accepted order and returns its webhook. Nil: the partner cannot be polled.
	SendFact func(t testing.TB, number string) Webhook
}

// ReportStage selects one of the lab reports that a partner publishes.
type ReportStage int

// The stages, in the order in which they are published.
const (
	PartialReport   ReportStage = iota // a partial lab report
	FinalReport                        // the final lab report
	RepeatedReport                     // the final lab report again, with the same content and a new version
	CorrectedReport                    // a correction of the final lab report
)

// Webhook is a webhook of a partner: its body, and its id if the protocol has ids.
type Webhook struct {
	ID   string
	Body []byte
}

// Webhooks are the partner's webhooks for the suite.
type Webhooks struct {
	// NewRequest returns the request by which the partner sends a webhook at a time, with the credentials of an account.
	NewRequest func(a labs.Account, w Webhook, at time.Time) *http.Request
	// Signed: the credentials of a request depend on its body and its time.
	Signed bool
	// Facts holds at least one example of every type.
	Facts []Example
	// AmendedFact is about the same event as the first of Facts, with other content. FactWithoutTime is a fact without a
	// readable time.
	AmendedFact, FactWithoutTime Webhook
	// Problems holds webhooks that are not facts, at least one for each problem.
	Problems map[labs.Problem][]Webhook
}

// Example is a webhook with its expected decoding. InboxID and ReceivedAt of Fact are not set.
type Example struct {
	Webhook
	Number      string
	Kind        string
	Fact        order.Fact
	Reason      string // the partner's own words
	HasLocation bool   // the webhook has the location of an appointment
}

// Appointments are the requests for appointments.
type Appointments struct {
	Query     labs.AvailabilityQuery // it finds at least two slots
	Booking   labs.Booking           // without ids and slot
	TakenSlot string                 // the key of a slot that is not free
}

// The order numbers and ids of the suite.
const (
	OrderNumber        = "K7Q2M9XW4T1B8C5D"
	otherOrderNumber   = "A3R8N5YV2P6H1J9E"
	appointmentID      = "0b1e5a52-7a0e-4a53-9f5a-3d9f6f2f8a11"
	otherAppointmentID = "1c2f6b63-8b1f-4b64-8a6b-4e0a7a3a9b22"
)

// check is one requirement of the suite.
type check struct {
	name string
	run  func(t testing.TB, f Fixture)
}

func allChecks() []check {
	return []check{
		{"accounts are checked", checkAccountSettings},
		{"capabilities match the calls", checkCapabilities},
		{"an order is placed once", checkPlacing},
		{"a refusal is a RefusedError", checkRefusal},
		{"a kit is registered", checkRegistration},
		{"outcomes have different errors", checkOutcomesDiffer},
		{"redirects are not followed", checkRedirects},
		{"every call waits for its turn", checkCallSpacing},
		{"an ended context ends the call", checkCancelledContext},
		{"changed results have another hash", checkResultVersions},
		{"an order is cancelled", checkCancelling},
		{"a polled fact equals its webhook", checkPolling},
		{"appointments are made", checkBooking},
		{"appointments are rescheduled and cancelled", checkReschedulingAndCancelling},
		{"appointments are requested", checkAppointmentRequests},
		{"only the partner is authenticated", checkAuthentication},
		{"signatures cover body and time", checkSignatures},
		{"webhooks are decoded", checkDecoding},
		{"each problem has its code", checkProblems},
		{"one event has one key", checkMessageKeys},
		{"a missing time is zero", checkMissingTimes},
	}
}

// RunSuite runs all checks of the suite against a partner.
func RunSuite(t *testing.T, f Fixture) {
	t.Helper()
	for _, c := range allChecks() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.run(t, f)
		})
	}
}
