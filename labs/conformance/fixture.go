package conformance

import (
	"net/http"
	"testing"
	"time"

	"github.com/aliquot-labs/aliquot/labs"
	"github.com/aliquot-labs/aliquot/order"
)

// Canary stands for a patient's data: a fixture writes it into every free text, and it must not come out of an adapter but in what
// is for the encrypted store only.
const Canary = "Quillfeather"

// Fixture is a partner, and what is needed to exercise its adapter. All that is not said to be optional is required.
type Fixture struct {
	Protocol labs.Protocol
	// FullAccount is an account of which all can be asked that the partner offers, Least one of which as little as possible can. Their base
	// URLs are set by the suite.
	FullAccount, MinimalAccount labs.Account
	// Start starts the partner, or what simulates it, with the full account.
	Start func(t testing.TB) Partner
	// NewRequisition is an order that the partner accepts, and Refused one that it refuses itself; the adapter has to ask.
	NewRequisition, NewRefusedRequisition func(number string) labs.Requisition
	Webhooks                              Webhooks
	Appointments                          Appointments // where the full account makes appointments
}

// Partner is a running partner. It is stopped by the test's own cleanup.
type Partner struct {
	URL string
	// PublishReport gives an accepted order a report. Where the full account has results.
	PublishReport func(t testing.TB, number string, r ReportStage)
	// SendFact lets something happen to an accepted order, and returns the webhook that the partner sends of it. Nil: the partner cannot
	// be polled.
	SendFact func(t testing.TB, number string) Webhook
}

// ReportStage is a report that a partner publishes.
type ReportStage int

// The reports, in the order in which they are published.
const (
	PartialReport   ReportStage = iota // partial
	FinalReport                        // final
	RepeatedReport                     // final, with the same content, in whatever counts as a new version
	CorrectedReport                    // a correction of the final one
)

// Webhook is a message of a partner: what identifies it, where the partner's protocol has such a thing, and its body.
type Webhook struct {
	ID   string
	Body []byte
}

// Webhooks are messages of the partner.
type Webhooks struct {
	// NewRequest is the webhook as the partner sends it on behalf of an account at a time.
	NewRequest func(a labs.Account, w Webhook, at time.Time) *http.Request
	// Signed: the credentials of a request depend on its body and its time.
	Signed bool
	// Facts are one example at least of every type.
	Facts []Example
	// AmendedFact tells of the same as the first of the facts, with other content. Timeless is a fact without a readable time.
	AmendedFact, FactWithoutTime Webhook
	// Problems are webhooks that are no facts: at least one for each problem.
	Problems map[labs.Problem][]Webhook
}

// Example is a webhook with what it says. Of the fact, InboxID and ReceivedAt are left out.
type Example struct {
	Webhook
	Number      string
	Kind        string
	Fact        order.Fact
	Reason      string // the partner's own words
	HasLocation bool   // it says where an appointment is
}

// Appointments are what appointments are made with.
type Appointments struct {
	Query     labs.AvailabilityQuery // finds two slots at least
	Booking   labs.Booking           // without ids and slot
	TakenSlot string                 // a slot that is not free any more
}

// The order numbers and ids of the suite.
const (
	OrderNumber        = "K7Q2M9XW4T1B8C5D"
	otherOrderNumber   = "A3R8N5YV2P6H1J9E"
	appointmentID      = "0b1e5a52-7a0e-4a53-9f5a-3d9f6f2f8a11"
	otherAppointmentID = "1c2f6b63-8b1f-4b64-8a6b-4e0a7a3a9b22"
)

// check is one thing that an adapter has to do.
type check struct {
	name string
	run  func(t testing.TB, f Fixture)
}

func allChecks() []check {
	return []check{
		{"accounts are checked", checkAccountSettings},
		{"capabilities are honest", checkCapabilities},
		{"an order is placed once", checkPlacing},
		{"a refusal is one", checkRefusal},
		{"a kit is registered", checkRegistration},
		{"outcomes are told apart", checkOutcomesDiffer},
		{"redirects are not followed", checkRedirects},
		{"turns are waited for", checkCallSpacing},
		{"an ended context ends the call", checkCancelledContext},
		{"results are versions", checkResultVersions},
		{"an order is cancelled", checkCancelling},
		{"what was told can be polled", checkPolling},
		{"appointments are made", checkBooking},
		{"appointments are moved and dropped", checkReschedulingAndCancelling},
		{"appointments are requested", checkAppointmentRequests},
		{"only the partner is let in", checkAuthentication},
		{"signatures hold for body and time", checkSignatures},
		{"webhooks are facts", checkDecoding},
		{"problems are told apart", checkProblems},
		{"what happened has one key", checkMessageKeys},
		{"a missing time is none", checkMissingTimes},
	}
}

// RunSuite runs the whole suite against a partner.
func RunSuite(t *testing.T, f Fixture) {
	t.Helper()
	for _, c := range allChecks() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.run(t, f)
		})
	}
}
