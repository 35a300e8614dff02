package labs

import (
	"errors"
	"net/http"
	"time"

	"github.com/aliquot-labs/aliquot/order"
)

var (
	// ErrNoCredentials means that no account has credentials to compare with: nobody can be let in, and the webhook endpoint is
	// not in service.
	ErrNoCredentials = errors.New("no webhook credentials are configured")
	// ErrWrongCredentials means that the request has none or wrong ones.
	ErrWrongCredentials = errors.New("webhook credentials are missing or wrong")
)

// Protocol is how a kind of partner is spoken to, in both directions. Each package below labs has one.
type Protocol struct {
	// Name stands in lab accounts, in inbox rows and in the path of the webhook: /webhooks/labs/<name>.
	Name string
	// Open makes the client of one account. The error says what is wrong with the account's settings.
	Open func(a Account, o Options) (Lab, error)
	// MaxWebhook is the largest webhook that is read, in bytes.
	MaxWebhook int64
	// AuthChallenge is the WWW-Authenticate header of a 401; empty: none.
	AuthChallenge string
	// Authenticate lists the ids of the accounts whose credentials a webhook presents, in constant time. The error is
	// ErrNoCredentials or ErrBadCredentials.
	Authenticate func(r *http.Request, body []byte, accounts []Credentials, now time.Time) ([]string, error)
	// Decode reads a webhook that was let in. It never fails: what it cannot read is a Message with a Problem.
	Decode func(h http.Header, body []byte, receivedAt time.Time) InboundMessage
}

// Options are what a client of an account runs with.
type Options struct {
	HTTPClient  *http.Client
	Timeout     time.Duration // of one exchange; 0: the adapter's own default
	WaitForTurn WaitForTurn   // required for an account that has a spacing; nil: calls are not spaced
	// Now is the clock. Defaults to time.Now.
	Now func() time.Time
}

// Credentials are what a partner may present for an account. While they are being changed, an account has two.
type Credentials struct {
	AccountID   string
	User, Token string
}

// Problem says why a webhook is not a fact.
type Problem string

// The problems of a webhook. The first two are answered 400 and quarantined, the others 202 and recorded.
const (
	Malformed      Problem = "malformed"      // not JSON, or not an object
	MissingFields  Problem = "missing_fields" // it names no order or no type
	UnknownType    Problem = "unknown_type"
	IncompleteData Problem = "incomplete" // the type is known, but what it tells of is not there
)

// InboundMessage is a webhook as it was understood. Reason is free text from outside and may go nowhere but the encrypted store, and so may
// Place; the rest is ids and codes.
type InboundMessage struct {
	OrderNumber string // ours
	Kind        string // the partner's type
	Key         string // identity of what happened: a second message with it tells of the same thing
	Hash        string // of the canonical content: the same key with another hash is an amendment. Hexadecimal
	Reason      string // the partner's own words
	Fact        *order.Fact
	Location    *order.Location // where the fact's appointment is; nil: not told
	Problem     Problem         // empty: none, and Fact is set
}
