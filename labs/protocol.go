package labs

import (
	"errors"
	"net/http"
	"time"

	"github.com/aliquot-labs/aliquot/order"
)

var (
	// ErrNoCredentials means that no account has valid webhook credentials, so no webhook can be accepted. The webhook
	// endpoint answers that it is out of service.
	ErrNoCredentials = errors.New("no webhook credentials are configured")
	// ErrWrongCredentials means that the request has no credentials or wrong ones.
	ErrWrongCredentials = errors.New("webhook credentials are missing or wrong")
)

// Protocol is an adapter for one kind of partner: it makes clients for our calls, and authenticates and decodes the
// partner's webhooks. Each adapter package below labs has one.
type Protocol struct {
	// Name is used in lab accounts, in inbox rows and in the path of the webhook, /webhooks/labs/<name>.
	Name string
	// Open makes the client of one account. Its error lists what is wrong with the account and its settings.
	Open func(a Account, o Options) (Lab, error)
	// Missing lists what an account lacks without which its orders cannot be placed or cannot be completed, each with its
	// field and its purpose. An account that Open accepts may lack something. nil: an account needs no more than Open
	// says.
	Missing func(a Account) []string
	// MaxWebhook is the largest body of a webhook that is read, in bytes.
	MaxWebhook int64
	// AuthChallenge is the WWW-Authenticate header of an answer with status 401; empty: no such header.
	AuthChallenge string
	// WebhookUser returns the user name of the accounts whose credentials the webhook may have (Account.User), or false if
	// the request does not say, and any account may have sent it. nil: no request says.
	WebhookUser func(r *http.Request) (user string, ok bool)
	// Authenticate lists the ids of the accounts whose credentials the webhook has. It compares in constant time. Its
	// error is ErrNoCredentials or ErrWrongCredentials.
	Authenticate func(r *http.Request, body []byte, accounts []Credentials, now time.Time) ([]string, error)
	// Decode decodes the body of an authenticated webhook. It never fails: a body that is not a fact becomes an
	// InboundMessage with a Problem.
	Decode func(h http.Header, body []byte, receivedAt time.Time) InboundMessage
}

// Options configure the client of an account.
type Options struct {
	HTTPClient  *http.Client
	Timeout     time.Duration // of one exchange; 0: the adapter's default
	WaitForTurn WaitForTurn   // required for an account with a spacing; nil: calls are not spaced
	// Now returns the current time. Defaults to time.Now.
	Now func() time.Time
}

// Credentials are one pair that a partner may use for an account. During a change of credentials an account has two.
type Credentials struct {
	AccountID   string
	User, Token string
}

// Problem is a code that says why a webhook is not a fact.
type Problem string

// The problems of a webhook. The API answers the first two with 400 and quarantines the webhook; it answers the others
// with 202 and records them.
const (
	Malformed      Problem = "malformed"      // not a JSON object
	MissingFields  Problem = "missing_fields" // the order number or the type is missing
	UnknownType    Problem = "unknown_type"
	IncompleteData Problem = "incomplete" // the type is known, but its data is missing
)

// InboundMessage is a decoded webhook. Reason and Location may hold patient data and are for the encrypted store only;
// the other fields are ids and codes.
type InboundMessage struct {
	OrderNumber string // our number of the order
	Kind        string // the partner's name of the type
	Key         string // identity of what happened: two messages with the same key report the same event
	Hash        string // SHA-256 of the canonical content, hexadecimal; the same key with another hash is an amendment
	Reason      string // the partner's own words
	// AccessionWords is an accession number that may be free text, verbatim; empty: there is none, or it is in the fact.
	// It is stored sealed and by a keyed hash only.
	AccessionWords string
	Fact           *order.Fact
	Location       *order.Location // where the fact's appointment is; nil: unknown
	Problem        Problem         // empty: Fact is set
}
