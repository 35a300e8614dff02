package molecular

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/aliquot-labs/aliquot/labs"
	"github.com/aliquot-labs/aliquot/labs/wire"
	"github.com/aliquot-labs/aliquot/order"
)

// Partner is the protocol's name, in lab accounts and inbox rows. The simulated lab speaks it too.
const Partner = "molecular"

// MaxWebhook is the largest webhook that is read, in bytes (molecular-api#d2).
const MaxWebhook = 64 << 10

// Protocol is how MTL is spoken to.
var Protocol = labs.Protocol{
	Name:         Partner,
	Open:         func(a labs.Account, o labs.Options) (labs.Lab, error) { return opened(New(a, o)) },
	MaxWebhook:   MaxWebhook,
	Challenge:    `Basic realm="webhooks", charset="UTF-8"`,
	Authenticate: Authenticate,
	Decode: func(_ http.Header, body []byte, receivedAt time.Time) labs.Message {
		return Decode(body, receivedAt)
	},
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

// Decode reads the body of a webhook that was received at a time. It never fails: what it cannot read is a message with a problem
// (molecular-api#d4 to molecular-api#d7). Its key is that of molecular-api#d16. A fact whose time is missing or
// unreadable has a zero SentAt (molecular-api#d7b).
func Decode(body []byte, receivedAt time.Time) labs.Message {
	object, err := wire.ParseObject(body)
	if err != nil {
		sum := wire.Sum(body)
		return labs.Message{Key: sum, Hash: sum, Problem: labs.Malformed}
	}
	hash := wire.CanonicalHash(object)
	n := labs.Message{
		OrderNumber: wire.OrderNumber(wire.Text(object["order_number"])),
		Kind:        wire.Code(wire.Text(object["type"])),
		Key:         hash,
		Hash:        hash,
	}
	known, ok := infos[n.Kind]
	info, complete := object[known.info].(map[string]any)
	switch {
	case n.OrderNumber == "" || strings.TrimSpace(wire.Text(object["type"])) == "":
		n.Problem = labs.MissingFields
	case !ok:
		n.Problem = labs.UnknownType
	case !complete:
		n.Problem = labs.Incomplete
	}
	if n.Problem != "" {
		return n
	}
	n.Fact = fact(known.kind, wire.Identifier(object["accession_number"]), info)
	n.Fact.ReceivedAt = receivedAt.UTC().Truncate(time.Microsecond)
	if at, ok := wire.Instant(wire.Text(info[known.time])); ok {
		n.Fact.SentAt = at
		n.Key = Key(n.Fact.Kind, n.OrderNumber, n.Fact.Accession, at)
	}
	if known.kind == order.KitRejected {
		n.Reason = wire.Text(info["rejected_reason"])
	}
	return n
}

// Key is the identity of what happened (molecular-api#d16). What is learned by asking instead of by a webhook has the
// same key (molecular-api#d33).
func Key(kind order.FactKind, orderNumber, accession string, at time.Time) string {
	parts := []string{string(kind), orderNumber, accession, strconv.FormatInt(at.UnixMicro(), 10)}
	return wire.HashOf(parts)
}

func fact(kind order.FactKind, accession string, info map[string]any) *order.Fact {
	f := &order.Fact{Kind: kind, Accession: accession}
	switch kind {
	case order.KitShipped:
		f.Outbound = wire.Code(wire.Text(info["outbound"]))
		f.Inbound = wire.Code(wire.Text(info["inbound"]))
		f.KitRegCode = wire.Code(wire.Text(info["kit_reg_code"]))
		f.OraQuickLot = wire.Code(wire.Text(info["oraquick_lot_exp"]))
	case order.KitRejected:
		f.Detail = wire.Detail(wire.Text(info["rejected_reason"]))
		if recoverable, ok := info["recoverable"].(bool); ok {
			f.Recoverable = &recoverable
		}
	}
	return f
}
