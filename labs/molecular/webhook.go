package molecular

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/aliquot-labs/aliquot/order"
)

// Partner is the protocol's name, in lab accounts and inbox rows. The simulated lab speaks it too.
const Partner = "molecular"

// MaxWebhook is the largest webhook that is read, in bytes (D2).
const MaxWebhook = 64 << 10

// Problem says why a webhook is not a fact.
type Problem string

// The problems of a webhook. Their answers are the receiver's business: the first two are 400 and quarantined, the others 202 and
// recorded.
const (
	Malformed     Problem = "malformed"      // not JSON, or not an object (D5)
	MissingFields Problem = "missing_fields" // type or order_number is missing, empty or not usable text (D6)
	UnknownType   Problem = "unknown_type"   // D4
	Incomplete    Problem = "incomplete"     // the type is known, but what it tells of is not there (D7)
)

// Notice is a webhook as it was understood. Reason is free text from outside and may go nowhere but the encrypted store; the rest
// is ids and codes.
type Notice struct {
	OrderNumber string // ours; empty with Malformed, and maybe with MissingFields
	Accession   string // MTL's kit_id; empty when it is missing or no code
	Kind        string // MTL's type; empty when it is missing or no code
	Key         string // identity of what happened (D16): a second notice with it tells of the same thing. Hexadecimal
	Hash        string // SHA-256 of the canonical body: the same key with another hash is an amendment (D17). Hexadecimal
	Reason      string // kit_rejected: MTL's words, verbatim
	Fact        *order.Fact
	Problem     Problem // empty: none, and Fact is set
}

// infos are the known types, with where each keeps what it tells.
var infos = map[string]struct {
	kind       order.FactKind
	info, time string
}{
	"kit_shipped":  {order.KitShipped, "ship_info", "shipped_datetime"},
	"kit_received": {order.KitReceived, "rcvd_info", "received_datetime"},
	"kit_rejected": {order.KitRejected, "rej_info", "rejected_datetime"},
	"report_ready": {order.ReportReady, "report_ready_info", "report_sent_datetime"},
}

// Decode reads the body of a webhook that was received at a time. It never fails: what it cannot read is a Notice with a Problem.
// A fact whose time is missing or unreadable has a zero SentAt (D7b).
func Decode(body []byte, receivedAt time.Time) Notice {
	object, err := parseObject(body)
	if err != nil {
		sum := hashOf(body)
		return Notice{Key: sum, Hash: sum, Problem: Malformed}
	}
	hash := canonicalHash(object)
	n := Notice{
		OrderNumber: number(object["order_number"]),
		Accession:   accessionOf(object["accession_number"]),
		Kind:        code(textOf(object["type"])),
		Key:         hash,
		Hash:        hash,
	}
	known, ok := infos[n.Kind]
	info, complete := object[known.info].(map[string]any)
	switch {
	case n.OrderNumber == "" || strings.TrimSpace(textOf(object["type"])) == "":
		n.Problem = MissingFields
	case !ok:
		n.Problem = UnknownType
	case !complete:
		n.Problem = Incomplete
	}
	if n.Problem != "" {
		return n
	}
	n.Fact = fact(known.kind, n.Accession, info)
	n.Fact.ReceivedAt = receivedAt.UTC().Truncate(time.Microsecond)
	if at, ok := instant(textOf(info[known.time])); ok {
		n.Fact.SentAt = at
		n.Key = Key(n.Fact.Kind, n.OrderNumber, n.Accession, at)
	}
	if known.kind == order.KitRejected {
		n.Reason = textOf(info["rejected_reason"])
	}
	return n
}

// Key is the identity of what happened (D16). What is learned by asking instead of by a webhook has the same key (D33).
func Key(kind order.FactKind, orderNumber, accession string, at time.Time) string {
	parts := []string{string(kind), orderNumber, accession, strconv.FormatInt(at.UnixMicro(), 10)}
	encoded, err := json.Marshal(parts)
	if err != nil {
		panic(err) // a list of strings can always be written
	}
	return hashOf(encoded)
}

func fact(kind order.FactKind, accession string, info map[string]any) *order.Fact {
	f := &order.Fact{Kind: kind, Accession: accession}
	switch kind {
	case order.KitShipped:
		f.Outbound = code(textOf(info["outbound"]))
		f.Inbound = code(textOf(info["inbound"]))
		f.KitRegCode = code(textOf(info["kit_reg_code"]))
		f.OraQuickLot = code(textOf(info["oraquick_lot_exp"]))
	case order.KitRejected:
		f.Detail = detailOf(textOf(info["rejected_reason"]))
		if recoverable, ok := info["recoverable"].(bool); ok {
			f.Recoverable = &recoverable
		}
	}
	return f
}

// textOf is a text, and empty for anything else.
func textOf(value any) string {
	s, _ := value.(string)
	return s
}

// number is an order number as sent; empty when it is no text, too long for any order number, or has characters that cannot be
// stored and searched for.
func number(value any) string {
	s := strings.TrimSpace(textOf(value))
	if len(s) > maxCode || strings.ContainsFunc(s, unicode.IsControl) {
		return ""
	}
	return s
}

// accessionOf is a kit_id, which may be written as a number (D23).
func accessionOf(value any) string {
	if n, ok := value.(json.Number); ok {
		return code(n.String())
	}
	return code(textOf(value))
}
