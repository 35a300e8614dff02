package neutral

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/aliquot-labs/aliquot/labs"
	"github.com/aliquot-labs/aliquot/labs/wire"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
)

// kinds are the known types, with what reads the data of each into the message. It reports whether what the type tells of is there.
var kinds = map[string]struct {
	kind order.FactKind
	read func(m *labs.Message, data map[string]any) (complete bool)
}{
	"kit_shipped":     {order.KitShipped, shipped},
	"transit":         {order.CourierReport, transit},
	"draw_completed":  {order.DrawReport, collected},
	"sample_received": {order.KitReceived, collected},
	"sample_rejected": {order.KitRejected, rejected},
	"report_ready":    {order.ReportReady, collected},
	"appointment":     {order.AppointmentReport, arranged},
}

// Decode reads the body of a webhook with an id that was received at a time. It never fails: what it cannot read is a message with a
// problem. The key is made of the order and the id, since partners number their messages without knowing of each other. A fact
// whose time is missing or unreadable has a zero SentAt.
func Decode(id string, body []byte, receivedAt time.Time) labs.Message {
	object, err := wire.ParseObject(body)
	if err != nil {
		sum := wire.Sum(body)
		return labs.Message{Key: sum, Hash: sum, Problem: labs.Malformed}
	}
	delete(object, "id") // it stands in polled facts, and is no part of what happened
	m := labs.Message{
		OrderNumber: wire.OrderNumber(wire.Text(object["order_number"])),
		Kind:        wire.Code(wire.Text(object["type"])),
		Hash:        wire.CanonicalHash(object),
	}
	m.Key = m.Hash
	if id != "" {
		m.Key = wire.HashOf([]string{m.OrderNumber, id})
	}
	known, ok := kinds[m.Kind]
	data, complete := dataOf(object)
	switch {
	case m.OrderNumber == "" || strings.TrimSpace(wire.Text(object["type"])) == "":
		m.Problem = labs.MissingFields
	case !ok:
		m.Problem = labs.UnknownType
	case !complete:
		m.Problem = labs.Incomplete
	}
	if m.Problem != "" {
		return m
	}
	m.Fact = &order.Fact{
		Kind: known.kind, Accession: wire.Identifier(object["accession"]), ReceivedAt: receivedAt.UTC().Truncate(time.Microsecond),
	}
	m.Fact.SentAt, _ = wire.Instant(wire.Text(object["at"]))
	if !known.read(&m, data) {
		m.Problem, m.Fact, m.Place, m.Reason = labs.Incomplete, nil, nil, ""
	}
	return m
}

// dataOf is the data of a fact, none being the same as nothing in it.
func dataOf(object map[string]any) (data map[string]any, ok bool) {
	if object["data"] == nil {
		return nil, true
	}
	data, ok = object["data"].(map[string]any)
	return data, ok
}

func shipped(m *labs.Message, data map[string]any) bool {
	m.Fact.Outbound = wire.Identifier(data["outbound"])
	m.Fact.Inbound = wire.Identifier(data["inbound"])
	m.Fact.KitRegCode = wire.Identifier(data["kit_id"])
	return true
}

func collected(m *labs.Message, data map[string]any) bool {
	m.Fact.CollectedAt, _ = wire.Instant(wire.Text(data["collected_at"]))
	return true
}

// rejected takes the detail that the partner names, else the one that its words do.
func rejected(m *labs.Message, data map[string]any) bool {
	m.Reason = wire.Text(data["reason"])
	m.Fact.Detail = lifecycle.Detail(wire.Text(data["detail"]))
	if !slices.Contains(lifecycle.Details(), m.Fact.Detail) {
		m.Fact.Detail = wire.Detail(m.Reason)
	}
	if recoverable, ok := data["recoverable"].(bool); ok {
		m.Fact.Recoverable = &recoverable
	}
	return collected(m, data)
}

// The legs of a kit's way, with the statuses that can be told of each and whether they end it.
var legs = map[string]map[lifecycle.Low]bool{
	"outbound": {
		lifecycle.TransitCustomer: false, lifecycle.OutForDelivery: false, lifecycle.ProblemInTransitCustomer: false,
		lifecycle.WithCustomer: true, lifecycle.FailureToDeliverToCustomer: false, lifecycle.Lost: false,
	},
	"inbound": {
		lifecycle.TransitLab: false, lifecycle.ProblemInTransitLab: false,
		lifecycle.DeliveredToLab: true, lifecycle.FailureToDeliverToLab: false, lifecycle.Lost: false,
	},
}

func transit(m *labs.Message, data map[string]any) bool {
	leg, status := wire.Text(data["leg"]), lifecycle.Low(wire.Text(data["status"]))
	delivered, ok := legs[leg][status]
	m.Fact.Leg, m.Fact.Target, m.Fact.Delivered = leg, status, delivered
	return ok
}

func arranged(m *labs.Message, data map[string]any) bool {
	encoded, err := json.Marshal(data)
	if err != nil {
		return false
	}
	var a appointment
	if err := json.Unmarshal(encoded, &a); err != nil {
		return false
	}
	booked, ok := a.booked()
	m.Fact.AppointmentID, m.Fact.Appointment, m.Place = wire.Code(a.ID), &booked, a.place()
	return ok && (m.Fact.AppointmentID != "" || booked.Reference != "")
}
