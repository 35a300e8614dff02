package neutral

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/aliquot-labs/aliquot/labs"
	"github.com/aliquot-labs/aliquot/labs/partnerhttp"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
)

// factDecoders maps the protocol's types to our kinds of facts, and to functions that decode the data of a type into
// the message. Such a function returns false if required data is missing.
var factDecoders = map[string]struct {
	kind order.FactKind
	read func(m *labs.InboundMessage, data map[string]any) (complete bool)
}{
	"kit_shipped":     {order.FactKitShipped, readShipped},
	"transit":         {order.FactCourierReport, readTransit},
	"draw_completed":  {order.FactDrawCompleted, readCollected},
	"sample_received": {order.FactKitReceived, readCollected},
	"sample_rejected": {order.FactKitRejected, readRejected},
	"report_ready":    {order.FactReportReady, readCollected},
	"appointment":     {order.FactAppointment, readAppointment},
}

// Decode decodes the body of the webhook with this id. It never fails: a body that is not a fact becomes a message with
// a problem. The key is made of the order number and the id, because different partners may use the same ids. A fact
// whose time is missing or unreadable has a zero SentAt.
func Decode(id string, body []byte, receivedAt time.Time) labs.InboundMessage {
	object, err := partnerhttp.ParseObject(body)
	if err != nil {
		sum := partnerhttp.SHA256Hex(body)
		return labs.InboundMessage{Key: sum, Hash: sum, Problem: labs.Malformed}
	}
	delete(object, "id") // polled facts have the id in the body, webhooks do not; it is not part of the content
	m := labs.InboundMessage{
		OrderNumber: partnerhttp.SafeOrderNumber(partnerhttp.TextValue(object["order_number"])),
		Kind:        partnerhttp.SafeCode(partnerhttp.TextValue(object["type"])),
		Hash:        partnerhttp.ObjectHash(object),
	}
	m.Key = m.Hash
	if id != "" {
		m.Key = partnerhttp.JSONHash([]string{m.OrderNumber, id})
	}
	known, ok := factDecoders[strings.ToLower(m.Kind)]
	data, complete := factData(object)
	switch {
	case m.OrderNumber == "" || strings.TrimSpace(partnerhttp.TextValue(object["type"])) == "":
		m.Problem = labs.MissingFields
	case !ok:
		m.Problem = labs.UnknownType
	case !complete:
		m.Problem = labs.IncompleteData
	}
	if m.Problem != "" {
		return m
	}
	m.Fact = &order.Fact{
		Kind: known.kind, Accession: partnerhttp.IdentifierValue(object["accession"]),
		ReceivedAt: receivedAt.UTC().Truncate(time.Microsecond),
	}
	m.Fact.SentAt, _ = partnerhttp.ParseInstant(partnerhttp.TextValue(object["at"]))
	if !known.read(&m, data) {
		m.Problem, m.Fact, m.Location, m.Reason = labs.IncompleteData, nil, nil, ""
	}
	return m
}

// codeValue returns a word of a fixed list, in small letters and without white space around it.
func codeValue(value any) string {
	return strings.ToLower(strings.TrimSpace(partnerhttp.TextValue(value)))
}

// factData returns the data of a fact. Missing data is the same as an empty object.
func factData(object map[string]any) (data map[string]any, ok bool) {
	if object["data"] == nil {
		return nil, true
	}
	data, ok = object["data"].(map[string]any)
	return data, ok
}

func readShipped(m *labs.InboundMessage, data map[string]any) bool {
	m.Fact.OutboundNumber = partnerhttp.IdentifierValue(data["outbound"])
	m.Fact.InboundNumber = partnerhttp.IdentifierValue(data["inbound"])
	m.Fact.KitRegCode = partnerhttp.IdentifierValue(data["kit_id"])
	return true
}

func readCollected(m *labs.InboundMessage, data map[string]any) bool {
	m.Fact.CollectedAt, _ = partnerhttp.ParseInstant(partnerhttp.TextValue(data["collected_at"]))
	return true
}

// readRejected sets the detail that the partner states. Without a valid one it derives the detail from the words.
func readRejected(m *labs.InboundMessage, data map[string]any) bool {
	m.Reason = partnerhttp.TextValue(data["reason"])
	m.Fact.Detail = lifecycle.Detail(codeValue(data["detail"]))
	if !slices.Contains(lifecycle.Details(), m.Fact.Detail) {
		m.Fact.Detail = partnerhttp.RejectionDetail(m.Reason)
	}
	if recoverable, ok := data["recoverable"].(bool); ok {
		m.Fact.Recoverable = &recoverable
	}
	return readCollected(m, data)
}

// legStatuses lists the legs of a kit's transit, the statuses that can be reported for each leg, and whether a status
// ends the leg.
var legStatuses = map[string]map[lifecycle.LowStatus]bool{
	"outbound": {
		lifecycle.TransitCustomer: false, lifecycle.OutForDelivery: false, lifecycle.ProblemInTransitCustomer: false,
		lifecycle.WithCustomer: true, lifecycle.FailureToDeliverToCustomer: false, lifecycle.Lost: false,
	},
	"inbound": {
		lifecycle.TransitLab: false, lifecycle.ProblemInTransitLab: false,
		lifecycle.DeliveredToLab: true, lifecycle.FailureToDeliverToLab: false, lifecycle.Lost: false,
	},
}

func readTransit(m *labs.InboundMessage, data map[string]any) bool {
	leg, status := codeValue(data["leg"]), lifecycle.LowStatus(codeValue(data["status"]))
	delivered, ok := legStatuses[leg][status]
	m.Fact.Leg, m.Fact.TargetStatus, m.Fact.LegEnded = leg, status, delivered
	return ok
}

func readAppointment(m *labs.InboundMessage, data map[string]any) bool {
	encoded, err := json.Marshal(data)
	if err != nil {
		return false
	}
	var a appointment
	if err := json.Unmarshal(encoded, &a); err != nil {
		return false
	}
	booked, ok := a.toReportedAppointment()
	m.Fact.AppointmentID, m.Fact.Appointment, m.Location = partnerhttp.SafeCode(a.ID), &booked, a.location()
	return ok && (m.Fact.AppointmentID != "" || booked.Reference != "")
}
