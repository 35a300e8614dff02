// Package labs is the port to lab partners: what Aliquot asks of a lab, and how a lab's answer is told apart from no answer.
// Adapters of labs are packages below it.
//
// A lab makes one attempt per call and keeps nothing between calls. Retries, and the memory of what has been tried, belong to
// the callers.
package labs

import (
	"context"
	"log/slog"
	"time"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
)

// The environments of an account.
const (
	Production = "production"
	Sandbox    = "sandbox" // the simulated lab
)

// Account is our account at a lab: where it is called, and with which credentials.
type Account struct {
	ID          string
	Partner     string // which adapter speaks to it: the name of its Protocol
	BaseURL     string // scheme and host, and a path if the lab's calls are below one
	User, Token string
	Spacing     time.Duration // least time between the starts of two calls; what Pace keeps
	Settings    []byte        // JSON, the adapter's own
	Environment string        // Production or Sandbox
}

// String names the account without its credentials.
func (a Account) String() string { return "lab account " + a.ID }

// LogValue keeps the credentials out of logs.
func (a Account) LogValue() slog.Value {
	return slog.GroupValue(slog.String("id", a.ID), slog.String("partner", a.Partner),
		slog.String("environment", a.Environment))
}

// Requisition is an order as it is placed at a lab.
type Requisition struct {
	OrderNumber  string       // our order number, the same for every attempt of the same intent
	Order        *order.Order // with patient and address
	OriginNumber string       // the number of the order that this one replaces; empty: it replaces none
	Script       string       // what a simulated lab is to do with the order, by name; never sent to a real one
}

// Acceptance is a requisition that the lab has accepted.
type Acceptance struct {
	Accession     string // the lab's own number; empty when it has not told it yet
	AlreadyPlaced bool   // the lab has the order from an earlier attempt
	Raw           []byte // the lab's answer, verbatim. It may hold patient data
}

// FetchedResults is what a lab answers when asked for results.
type FetchedResults struct {
	LabReport *order.LabReport // nil: there are no results yet
	PDF       []byte           // nil: none
	Raw       []byte           // the lab's answer, verbatim. It holds patient data
	// SHA-256 of the content, hexadecimal: a report that differs in it is a correction. Empty without a report
	Hash string
}

// PolledFact is a lab's report as a poll finds it: what the webhook would have been. The same report by webhook has the same Key and
// Hash, so it counts once.
type PolledFact struct {
	Partner   string // as the account names it
	Key, Hash string
	Kind      string
	Reason    string // the lab's own words; for the encrypted store only
	Body      []byte // verbatim
	Fact      *order.Fact
	Location  *order.Location // where the fact's appointment is; nil: not told. For the encrypted store only
}

// Capabilities are what a lab can be asked beyond accepting orders.
type Capabilities struct {
	Cancel         bool // an order can be cancelled by a call
	CorrectPatient bool // a placed order's patient data can be corrected by a call: the Lab is a Corrector
	Registrable    bool // kits can be shipped before it is known whose they are
	Results        bool // results can be fetched by a call
	Schedule       bool // appointments can be made by calls: the Lab is a Scheduler

	Methods []lifecycle.Modality // how samples can be collected
	// with Schedule: who keeps the appointments, by the client API's name of it, such as quest
	Provider string
	Tiers    []Tier // with Schedule: how they are made
}

// Tier is how appointments of a provider are made.
type Tier string

// The tiers, by the client API's names of them.
const (
	AppointmentReady   Tier = "appointment-ready"   // a slot is chosen among the free ones
	AppointmentRequest Tier = "appointment-request" // the provider sets the time later
)

// Lab is an account at a lab that can be called. Its errors are, besides those of Pace and of a context that ended before the call
// was made: *RefusedError, *UnansweredError, *BusyError, *UnauthorizedError and ErrNotSupported. It is safe for concurrent use.
type Lab interface {
	// Place sends a requisition. Sending the same number again is safe: the lab accepts a number once.
	Place(ctx context.Context, r Requisition) (Acceptance, error)
	// FetchResults fetches the newest report on the order with this number. ErrNotSupported where the lab has no such call.
	FetchResults(ctx context.Context, number string) (FetchedResults, error)
	// Cancel asks the lab to cancel an order; nil means that the lab has confirmed it. ErrNotSupported where it has no such call.
	Cancel(ctx context.Context, number, accession string) error
	// PollFacts lists what the lab has reported on the order with this number, whether its webhooks arrived or not, oldest first.
	// ErrNotSupported where it has no such call.
	PollFacts(ctx context.Context, number string) ([]PolledFact, error)
	// Capabilities says what this account can be asked.
	Capabilities() Capabilities
}

// Corrector is a lab that can be told what was missing or wrong in an order that it holds up. Its errors are those of Lab.
type Corrector interface {
	// Correct replaces the patient and address of an order that the lab has. Sending the same again is safe.
	Correct(ctx context.Context, r Requisition) error
}

// WaitForTurn reserves the start of a call and waits for it. Where it returns an error, the call is not made and the error is passed on.
type WaitForTurn func(ctx context.Context) error
