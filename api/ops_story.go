package api

import (
	"time"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

// OpsStory is everything that happened to an order and that is due, without patient data and free text.
type OpsStory struct {
	OrderID      string             `json:"order_id" format:"uuid"`
	TeamID       string             `json:"team_id" format:"uuid"`
	Number       string             `json:"order_number"`
	Accession    string             `json:"accession_number"`
	Status       lifecycle.Status   `json:"status"`
	Detail       lifecycle.Detail   `json:"status_detail"`
	Sequence     int64              `json:"sequence"`
	Revision     int64              `json:"revision"`
	CreatedAt    time.Time          `json:"created_at"`
	StartedAt    *time.Time         `json:"started_at" doc:"When a workflow first loaded the order; null: never."`
	Events       []storyEvent       `json:"events" nullable:"false"`
	InboxItems   []OpsInboxRow      `json:"facts" nullable:"false" doc:"The inbox items of the order."`
	Demands      []storyDemand      `json:"demands" nullable:"false"`
	Decisions    []storyDecision    `json:"decisions" nullable:"false" doc:"The outcome of each cause, with refusals."`
	Calls        []storyCall        `json:"calls" nullable:"false" doc:"Calls to partners."`
	Deliveries   []storyDelivery    `json:"deliveries" nullable:"false"`
	Audit        []storyAudit       `json:"audit" nullable:"false"`
	Appointments []storyAppointment `json:"appointments" nullable:"false"`
	Attention    []order.Attention  `json:"attention" nullable:"false"`
	Deadlines    []order.Deadline   `json:"deadlines" nullable:"false"`
	Outbound     *storyLeg          `json:"outbound" doc:"Null until the kit is shipped."`
	Inbound      *storyLeg          `json:"inbound" doc:"Null until the kit is shipped."`
	Transaction  storyTransaction   `json:"transaction"`
}

type storyEvent struct {
	Sequence   int64            `json:"sequence"`
	Status     lifecycle.Status `json:"status"`
	Detail     lifecycle.Detail `json:"status_detail"`
	Implied    bool             `json:"implied" doc:"Not reported itself, but proven by a later fact."`
	Cause      string           `json:"cause"`
	OccurredAt time.Time        `json:"occurred_at" doc:"By the partner's clock if that is plausible."`
	RecordedAt time.Time        `json:"recorded_at"`
}

type storyDemand struct {
	ID        string           `json:"id"`
	Kind      order.DemandKind `json:"kind"`
	By        lifecycle.Actor  `json:"by"`
	State     string           `json:"state"`
	Reason    order.Reason     `json:"reason"`
	CreatedAt time.Time        `json:"created_at"`
	OutcomeAt *time.Time       `json:"settled_at"`
}

type storyDecision struct {
	Cause         string              `json:"cause"`
	Outcome       order.Outcome       `json:"outcome"`
	Reason        order.Reason        `json:"reason"`
	From          lifecycle.LowStatus `json:"from"`
	To            lifecycle.LowStatus `json:"to" doc:"Empty: no event."`
	Sequence      int64               `json:"sequence"`
	Revision      int64               `json:"revision"`
	ReplacementID string              `json:"child_id"`
	At            time.Time           `json:"at"`
}

type storyCall struct {
	ID        string     `json:"id"`
	Kind      string     `json:"kind"`
	Attempt   int        `json:"attempt"`
	Outcome   string     `json:"outcome" doc:"Empty: in progress, or its process ended during the call."`
	StartedAt time.Time  `json:"started_at"`
	EndedAt   *time.Time `json:"ended_at"`
}

type storyDelivery struct {
	MessageID  string         `json:"message_id"`
	EventType  string         `json:"event_type"`
	Sequence   int64          `json:"sequence"`
	EndpointID string         `json:"endpoint_id" doc:"Empty: no endpoint gets such messages."`
	State      string         `json:"state"`
	NextAt     *time.Time     `json:"next_at"`
	CreatedAt  time.Time      `json:"created_at"`
	Attempts   []storyAttempt `json:"attempts" nullable:"false"`
}

type storyAttempt struct {
	Round      int       `json:"round"`
	Number     int       `json:"number"`
	At         time.Time `json:"at"`
	DurationMS int64     `json:"duration_ms"`
	StatusCode int       `json:"status_code" doc:"HTTP status of the receiver; 0: it did not answer."`
	Failure    string    `json:"failure"`
}

type storyAudit struct {
	At        time.Time `json:"at"`
	KeyID     string    `json:"key_id"`
	Action    string    `json:"action"`
	RequestID string    `json:"request_id"`
	Address   string    `json:"address"`
	Detail    string    `json:"detail"`
}

type storyAppointment struct {
	ID            string                      `json:"id"`
	Type          order.AppointmentType       `json:"type"`
	Provider      string                      `json:"provider"`
	AccountID     string                      `json:"account_id"`
	Status        lifecycle.AppointmentStatus `json:"status"`
	Reference     string                      `json:"reference" doc:"The provider's id; empty until it is known."`
	Confirmation  string                      `json:"confirmation"`
	Site          string                      `json:"site"`
	StartAt       *time.Time                  `json:"start_at" doc:"Null while no time is set."`
	EndAt         *time.Time                  `json:"end_at"`
	Zone          string                      `json:"zone"`
	CanReschedule bool                        `json:"can_reschedule"`
	CreatedAt     time.Time                   `json:"created_at"`
	Events        []storyAppointmentEvent     `json:"events" nullable:"false"`
}

type storyAppointmentEvent struct {
	Status     string    `json:"status"`
	Origin     string    `json:"origin"`
	Reschedule bool      `json:"is_reschedule"`
	At         time.Time `json:"at"`
}

type storyLeg struct {
	Number    string `json:"number"`
	Courier   string `json:"courier"`
	URL       string `json:"url"`
	TrackerID string `json:"tracker_id"`
}

type storyTransaction struct {
	ID     string                  `json:"id"`
	Status order.TransactionStatus `json:"status"`
	Orders []storyTransactionOrder `json:"orders" nullable:"false"`
}

type storyTransactionOrder struct {
	ID       string              `json:"id"`
	Status   lifecycle.LowStatus `json:"status"`
	Origin   order.Origin        `json:"origin"`
	ParentID string              `json:"parent_id"`
}

func opsStory(y store.Story) OpsStory {
	out := OpsStory{
		OrderID: y.OrderID, TeamID: y.TeamID, Number: y.Number, Accession: y.Accession, Status: y.Status,
		Detail: y.Detail, Sequence: y.Sequence, Revision: y.Revision, CreatedAt: y.CreatedAt,
		StartedAt: nilIfZero(y.StartedAt),
		Events:    convertAll(y.Events, fromEvent), InboxItems: convertAll(y.InboxItems, opsInboxRow),
		Demands:   convertAll(y.Demands, fromDemand),
		Decisions: convertAll(y.Decisions, func(d store.DecisionRow) storyDecision { return storyDecision(d) }),
		Calls:     convertAll(y.Calls, fromCall), Deliveries: convertAll(y.Deliveries, fromDelivery),
		Audit:        convertAll(y.Audit, fromAudit),
		Appointments: convertAll(y.Appointments, fromAppointment),
		Attention:    append([]order.Attention{}, y.Attention...), Deadlines: append([]order.Deadline{}, y.Deadlines...),
		Transaction: storyTransaction{ID: y.Transaction.ID, Status: y.Transaction.Status,
			Orders: convertAll(y.Transaction.Orders, fromTransactionOrder)},
	}
	if y.Shipment != nil {
		outbound, inbound := storyLeg(y.Shipment.Outbound), storyLeg(y.Shipment.Inbound)
		out.Outbound, out.Inbound = &outbound, &inbound
	}
	return out
}

// convertAll converts the items of a list. The result is never nil.
func convertAll[A, B any](in []A, convert func(A) B) []B {
	out := make([]B, len(in))
	for i, a := range in {
		out[i] = convert(a)
	}
	return out
}

func fromEvent(e order.Event) storyEvent {
	return storyEvent{
		Sequence: e.Sequence, Status: e.Status, Detail: e.Detail, Implied: e.Implied, Cause: e.Cause,
		OccurredAt: e.OccurredAt, RecordedAt: e.RecordedAt,
	}
}

func fromDemand(d store.DemandRow) storyDemand {
	return storyDemand{
		ID: d.ID, Kind: d.Kind, By: d.By, State: d.State, Reason: d.Reason, CreatedAt: d.CreatedAt,
		OutcomeAt: nilIfZero(d.OutcomeAt),
	}
}

func fromCall(c store.PartnerCall) storyCall {
	return storyCall{
		ID: c.ID, Kind: c.Kind, Attempt: c.Attempt, Outcome: c.Outcome, StartedAt: c.StartedAt,
		EndedAt: nilIfZero(c.EndedAt),
	}
}

func fromDelivery(d store.DeliveryLog) storyDelivery {
	return storyDelivery{
		MessageID: d.MessageID, EventType: d.EventType, Sequence: d.Sequence, EndpointID: d.EndpointID, State: d.State,
		NextAt: nilIfZero(d.NextAt), CreatedAt: d.CreatedAt, Attempts: convertAll(d.Attempts, fromAttempt),
	}
}

func fromAttempt(a store.AttemptLog) storyAttempt {
	return storyAttempt{
		Round: a.Round, Number: a.Number, At: a.At, DurationMS: a.Duration.Milliseconds(), StatusCode: a.StatusCode,
		Failure: a.Failure,
	}
}

func fromAudit(a store.AuditRow) storyAudit {
	return storyAudit{At: a.At, KeyID: a.APIKeyID, Action: a.Action, RequestID: a.RequestID, Address: a.Address,
		Detail: a.Detail}
}

func fromAppointment(a store.AppointmentLog) storyAppointment {
	return storyAppointment{
		ID: a.ID, Type: a.Type, Provider: a.Provider, AccountID: a.AccountID, Status: a.Status, Reference: a.Reference,
		Confirmation: a.Confirmation, Site: a.SiteCode, StartAt: nilIfZero(a.StartAt), EndAt: nilIfZero(a.EndAt),
		Zone: a.Zone, CanReschedule: a.CanReschedule, CreatedAt: a.CreatedAt,
		Events: convertAll(a.History,
			func(e order.AppointmentEvent) storyAppointmentEvent { return storyAppointmentEvent(e) }),
	}
}

func fromTransactionOrder(o order.TransactionOrder) storyTransactionOrder {
	return storyTransactionOrder{ID: o.ID, Status: o.Status, Origin: o.Origin, ParentID: o.ParentID}
}
