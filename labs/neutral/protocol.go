package neutral

import (
	"net/http"
	"time"

	"github.com/aliquot-labs/aliquot/labs"
)

// Partner is the protocol's name in lab accounts and inbox rows.
const Partner = "neutral"

// MaxWebhook is the largest webhook that is read, in bytes.
const MaxWebhook = 64 << 10

// Protocol is the adapter for partners with the neutral protocol.
var Protocol = labs.Protocol{
	Name:       Partner,
	Open:       open,
	MaxWebhook: MaxWebhook,
	WebhookUser: func(r *http.Request) (string, bool) {
		account := r.Header.Get(headerAccount)
		return account, account != ""
	},
	Authenticate: Authenticate,
	Decode: func(h http.Header, body []byte, receivedAt time.Time) labs.InboundMessage {
		return Decode(h.Get(headerID), body, receivedAt)
	},
}

func open(a labs.Account, o labs.Options) (labs.Lab, error) {
	c, err := New(a, o)
	if err != nil {
		return nil, err
	}
	return c, nil
}
