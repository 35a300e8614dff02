// Package labs is the port to partners: the calls that Aliquot makes to a lab, the errors that separate a refusal from
// a missing answer, and how a partner's webhooks are authenticated and decoded. The packages below it are the adapters.
//
// A Lab makes one attempt per call and has no state between calls. Callers retry, and store what they have tried.
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
	Sandbox    = "sandbox" // the account calls the simulated lab
)

// Account is our account at a partner: the address of its API, the credentials and the settings.
type Account struct {
	ID          string
	Partner     string // the name of the partner's Protocol
	BaseURL     string // scheme and host, and a path if the partner's calls are below one
	User, Token string
	Spacing     time.Duration // minimum time between the starts of two calls; WaitForTurn enforces it
	Settings    []byte        // JSON, defined by the adapter
	Environment string        // Production or Sandbox
}

// String returns a text with the account's id and without its credentials.
func (a Account) String() string { return "lab account " + a.ID }

// LogValue returns the account's id, partner and environment, so that logs do not contain its credentials.
func (a Account) LogValue() slog.Value {
	return slog.GroupValue(slog.String("id", a.ID), slog.String("partner", a.Partner),
		slog.String("environment", a.Environment))
}

// ScriptSilent is the script with which the simulated lab reports nothing on an order.
const ScriptSilent = "silent"

// Requisition is an order that is to be placed at a lab.
type Requisition struct {
	OrderNumber  string       // our number, the same for every attempt to place this order
	Order        *order.Order // with patient and address
	OriginNumber string       // the number of the order that this one replaces; empty: it is not a replacement
	Script       string       // the name of the simulated lab's script for the order; never sent to a real lab
}

// Acceptance is a lab's answer that it has accepted a requisition.
type Acceptance struct {
	Accession     string // the lab's own number; empty: still unknown
	AlreadyPlaced bool   // the lab had accepted the order in an earlier attempt
	Raw           []byte // the lab's answer, verbatim; it may hold patient data
}

// FetchedResults is a lab's answer to a call for results.
type FetchedResults struct {
	LabReport *order.LabReport // nil: no results yet
	PDF       []byte           // nil: no document
	Raw       []byte           // the lab's answer, verbatim; it holds patient data
	// Hash is the SHA-256 of the content, in hexadecimal. A lab report with another hash is a correction. It is empty
	// without a lab report.
	Hash string
}

// PolledFact is a fact that a poll of the lab returned, with the content that its webhook would have had. A fact that
// came by webhook has the same Key and Hash, so it is recorded once.
type PolledFact struct {
	Partner   string // the account's Partner
	Key, Hash string
	Kind      string
	Reason    string // the lab's own words; for the encrypted store only
	Body      []byte // the notification, verbatim
	Fact      *order.Fact
	Location  *order.Location // where the fact's appointment is, for the encrypted store only; nil: unknown
}

// Capabilities lists what an account supports besides Place.
type Capabilities struct {
	Cancel         bool // Cancel works
	CorrectPatient bool // the Lab is a Corrector
	Registrable    bool // an order without a patient can be placed; the patient is registered later
	Results        bool // FetchResults works
	Schedule       bool // the Lab is a Scheduler

	Methods []lifecycle.Modality // how specimens can be collected
	// Provider is the client API's name of the provider of appointments, such as quest. Set with Schedule.
	Provider string
	Tiers    []Tier // how appointments can be made; set with Schedule
}

// Tier is a way of making appointments at a provider.
type Tier string

// The tiers, with the names of the client API.
const (
	AppointmentReady   Tier = "appointment-ready"   // the client chooses a free slot
	AppointmentRequest Tier = "appointment-request" // the client asks for an appointment and the provider sets its time
)

// Lab is an account at a lab. Its methods return *RefusedError, *UnansweredError, *BusyError, *UnauthorizedError or
// ErrNotSupported, the error of WaitForTurn, or the error of a context that ended before the call was made. It is safe
// for concurrent use.
type Lab interface {
	// Place sends a requisition. It can be repeated with the same order number, because the lab accepts a number once.
	Place(ctx context.Context, r Requisition) (Acceptance, error)
	// FetchResults fetches the newest lab report of the order with this number. It returns ErrNotSupported if the lab has
	// no such call.
	FetchResults(ctx context.Context, number string) (FetchedResults, error)
	// Cancel asks the lab to cancel an order. It returns nil when the lab has confirmed that, and ErrNotSupported if the
	// lab has no such call.
	Cancel(ctx context.Context, number, accession string) error
	// PollFacts lists the facts that the lab has reported about the order with this number, oldest first, whether or not
	// their webhooks arrived. It returns ErrNotSupported if the lab has no such call.
	PollFacts(ctx context.Context, number string) ([]PolledFact, error)
	// Capabilities lists what this account supports.
	Capabilities() Capabilities
}

// Corrector is a Lab that takes corrected patient data for an order that it holds up. Its methods return the errors of
// Lab.
type Corrector interface {
	// Correct replaces the patient and address of an order that the lab has. It can be repeated.
	Correct(ctx context.Context, r Requisition) error
}

// SpacingMargin is added to the spacing of an account when a start is reserved, because a request takes time to reach
// the lab: a first one needs a new connection.
const SpacingMargin = 50 * time.Millisecond

// WaitForTurn reserves the start of a call and waits until then. If it returns an error, the call is not made and the
// caller gets the error.
type WaitForTurn func(ctx context.Context) error
