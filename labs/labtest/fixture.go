package labtest

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
	// Full is an account of which all can be asked that the partner offers, Least one of which as little as possible can. Their base
	// URLs are set by the suite.
	Full, Least labs.Account
	// Start starts the partner, or what simulates it, with the full account.
	Start func(t testing.TB) Partner
	// Order is an order that the partner accepts, and Refused one that it refuses itself; the adapter has to ask.
	Order, Refused func(number string) labs.Requisition
	Webhooks       Webhooks
	Appointments   Appointments // where the full account makes appointments
}

// Partner is a running partner. It is stopped by the test's own cleanup.
type Partner struct {
	URL string
	// Publish gives an accepted order a report. Where the full account has results.
	Publish func(t testing.TB, number string, r Report)
	// Tell lets something happen to an accepted order, and returns the webhook that the partner sends of it. Nil: the partner cannot
	// be polled.
	Tell func(t testing.TB, number string) Webhook
}

// Report is a report that a partner publishes.
type Report int

// The reports, in the order in which they are published.
const (
	SomeResults  Report = iota // partial
	AllResults                 // final
	SameResults                // final, with the same content, in whatever counts as a new version
	OtherResults               // a correction of the final one
)

// Webhook is a message of a partner: what identifies it, where the partner's protocol has such a thing, and its body.
type Webhook struct {
	ID   string
	Body []byte
}

// Webhooks are messages of the partner.
type Webhooks struct {
	// Request is the webhook as the partner sends it on behalf of an account at a time.
	Request func(a labs.Account, w Webhook, at time.Time) *http.Request
	// Signed: the credentials of a request depend on its body and its time.
	Signed bool
	// Facts are one example at least of every type.
	Facts []Example
	// Amended tells of the same as the first of the facts, with other content. Timeless is a fact without a readable time.
	Amended, Timeless Webhook
	// Problems are webhooks that are no facts: at least one for each problem.
	Problems map[labs.Problem][]Webhook
}

// Example is a webhook with what it says. Of the fact, InboxID and ReceivedAt are left out.
type Example struct {
	Webhook
	Number string
	Kind   string
	Fact   order.Fact
	Reason string // the partner's own words
	Placed bool   // it says where an appointment is
}

// Appointments are what appointments are made with.
type Appointments struct {
	Query   labs.AvailabilityQuery // finds two slots at least
	Booking labs.Booking           // without ids and slot
	Gone    string                 // a slot that is not free any more
}

// The order numbers and ids of the suite.
const (
	Number      = "K7Q2M9XW4T1B8C5D"
	otherNumber = "A3R8N5YV2P6H1J9E"
	appointment = "0b1e5a52-7a0e-4a53-9f5a-3d9f6f2f8a11"
	another     = "1c2f6b63-8b1f-4b64-8a6b-4e0a7a3a9b22"
)

// check is one thing that an adapter has to do.
type check struct {
	name string
	run  func(t testing.TB, f Fixture)
}

func checks() []check {
	return []check{
		{"accounts are checked", accountsAreChecked},
		{"capabilities are honest", capabilitiesAreHonest},
		{"an order is placed once", anOrderIsPlacedOnce},
		{"a refusal is one", aRefusalIsOne},
		{"a kit is registered", aKitIsRegistered},
		{"outcomes are told apart", outcomesAreToldApart},
		{"redirects are not followed", redirectsAreNotFollowed},
		{"turns are waited for", turnsAreWaitedFor},
		{"an ended context ends the call", anEndedContextEndsTheCall},
		{"results are versions", resultsAreVersions},
		{"an order is cancelled", anOrderIsCancelled},
		{"what was told can be polled", whatWasToldCanBePolled},
		{"appointments are made", appointmentsAreMade},
		{"appointments are moved and dropped", appointmentsAreMovedAndDropped},
		{"appointments are requested", appointmentsAreRequested},
		{"only the partner is let in", onlyThePartnerIsLetIn},
		{"signatures hold for body and time", signaturesHold},
		{"webhooks are facts", webhooksAreFacts},
		{"problems are told apart", problemsAreToldApart},
		{"what happened has one key", whatHappenedHasOneKey},
		{"a missing time is none", aMissingTimeIsNone},
	}
}

// Exercise runs the whole suite against a partner.
func Exercise(t *testing.T, f Fixture) {
	t.Helper()
	for _, c := range checks() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.run(t, f)
		})
	}
}
