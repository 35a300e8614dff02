package molecular

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aliquot-labs/aliquot/labs"
	"github.com/aliquot-labs/aliquot/labs/partnerhttp"
	"github.com/aliquot-labs/aliquot/order"
)

// Partner is the protocol's name in lab accounts and inbox rows. Accounts of the simulated lab can use it too.
const Partner = "molecular"

// MaxWebhook is the largest webhook that is read, in bytes (molecular-api#d2).
const MaxWebhook = 64 << 10

// Protocol is the adapter for MTL.
var Protocol = labs.Protocol{
	Name:          Partner,
	Open:          func(a labs.Account, o labs.Options) (labs.Lab, error) { return asLab(New(a, o)) },
	MaxWebhook:    MaxWebhook,
	AuthChallenge: `Basic realm="webhooks", charset="UTF-8"`,
	WebhookUser: func(r *http.Request) (string, bool) {
		user, _, _ := r.BasicAuth()
		return user, true
	},
	Authenticate: Authenticate,
	Decode: func(_ http.Header, body []byte, receivedAt time.Time) labs.InboundMessage {
		return Decode(body, receivedAt)
	},
}

// factInfos maps MTL's types to our kinds of facts, and to the keys of the fact's data and of its time.
var factInfos = map[string]struct {
	kind       order.FactKind
	info, time string
}{
	"kit_shipped":  {order.FactKitShipped, "ship_info", "shipped_datetime"},
	"kit_received": {order.FactKitReceived, "rcvd_info", "received_datetime"},
	"kit_rejected": {order.FactKitRejected, "rej_info", "rejected_datetime"},
	"report_ready": {order.FactReportReady, "report_ready_info", "report_sent_datetime"},
}

// Decode decodes the body of a webhook. It never fails: a body that is not a fact becomes a message with a problem
// (molecular-api#d4 to molecular-api#d7). The message's key is defined in molecular-api#d16. A fact whose time is
// missing or unreadable has a zero SentAt (molecular-api#d7b).
func Decode(body []byte, receivedAt time.Time) labs.InboundMessage {
	object, err := partnerhttp.ParseObject(body)
	if err != nil {
		sum := partnerhttp.SHA256Hex(body)
		return labs.InboundMessage{Key: sum, Hash: sum, Problem: labs.Malformed}
	}
	hash := partnerhttp.ObjectHash(object)
	n := labs.InboundMessage{
		OrderNumber: partnerhttp.SafeOrderNumber(partnerhttp.TextValue(object["order_number"])),
		Kind:        partnerhttp.SafeCode(partnerhttp.TextValue(object["type"])),
		Key:         hash,
		Hash:        hash,
	}
	known, ok := factInfos[strings.ToLower(n.Kind)]
	info, complete := object[known.info].(map[string]any)
	switch {
	case n.OrderNumber == "" || strings.TrimSpace(partnerhttp.TextValue(object["type"])) == "":
		n.Problem = labs.MissingFields
	case !ok:
		n.Problem = labs.UnknownType
	case !complete:
		n.Problem = labs.IncompleteData
	}
	if n.Problem != "" {
		return n
	}
	n.Fact = newFact(known.kind, partnerhttp.IdentifierValue(object["accession_number"]), info)
	n.Fact.ReceivedAt = receivedAt.UTC().Truncate(time.Microsecond)
	if at, ok := partnerhttp.ParseInstant(partnerhttp.TextValue(info[known.time])); ok {
		n.Fact.SentAt = at
		n.Key = FactKey(n.Fact.Kind, n.OrderNumber, n.Fact.Accession, at)
	}
	if known.kind == order.FactKitRejected {
		n.Reason = partnerhttp.TextValue(info["rejected_reason"])
	}
	return n
}

// FactKey returns the identity of what happened (molecular-api#d16). A polled fact has the same key as its webhook
// (molecular-api#d33).
func FactKey(kind order.FactKind, orderNumber, accession string, at time.Time) string {
	parts := []string{string(kind), orderNumber, accession, strconv.FormatInt(at.UnixMicro(), 10)}
	return partnerhttp.JSONHash(parts)
}

func newFact(kind order.FactKind, accession string, info map[string]any) *order.Fact {
	f := &order.Fact{Kind: kind, Accession: accession}
	switch kind {
	case order.FactKitShipped:
		f.OutboundNumber = partnerhttp.SafeCode(partnerhttp.TextValue(info["outbound"]))
		f.InboundNumber = partnerhttp.SafeCode(partnerhttp.TextValue(info["inbound"]))
		f.KitRegCode = partnerhttp.SafeCode(partnerhttp.TextValue(info["kit_reg_code"]))
		f.OraQuickLot = partnerhttp.SafeCode(partnerhttp.TextValue(info["oraquick_lot_exp"]))
	case order.FactKitRejected:
		f.Detail = partnerhttp.RejectionDetail(partnerhttp.TextValue(info["rejected_reason"]))
		if recoverable, ok := info["recoverable"].(bool); ok {
			f.Recoverable = &recoverable
		}
	}
	return f
}

// Authenticate lists the ids of the accounts whose credentials a webhook has. MTL sends them as user name and password
// of Basic authentication. Both are compared with all pairs in constant time, so that the duration reveals nothing
// about them. A pair with an empty part counts as not configured (molecular-api#d3, molecular-api#d14).
func Authenticate(r *http.Request, _ []byte, pairs []labs.Credentials, _ time.Time) ([]string, error) {
	user, token, given := r.BasicAuth()
	configured := false
	var accounts []string
	for _, pair := range pairs {
		if pair.User == "" || pair.Token == "" {
			continue
		}
		configured = true
		same := equalDigest(user, pair.User) & equalDigest(token, pair.Token)
		if same == 1 && !slices.Contains(accounts, pair.AccountID) {
			accounts = append(accounts, pair.AccountID)
		}
	}
	if !configured {
		return nil, labs.ErrNoCredentials
	}
	if !given || len(accounts) == 0 {
		return nil, labs.ErrWrongCredentials
	}
	return accounts, nil
}

// equalDigest compares digests, so that the duration does not reveal the lengths either. It returns 1 if they are
// equal.
func equalDigest(given, want string) int {
	a, b := sha256.Sum256([]byte(given)), sha256.Sum256([]byte(want))
	return subtle.ConstantTimeCompare(a[:], b[:])
}
