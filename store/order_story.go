package store

import (
	"context"
	"fmt"
	"time"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// Story is the timeline of an order and what is expected next. It has no patient data, bodies or free text.
type Story struct {
	OrderID   string
	TeamID    string
	Number    string // the order's number at the lab
	Accession string // the lab's own number; empty until it is known
	Status    lifecycle.Status
	Detail    lifecycle.Detail
	Sequence  int64
	Revision  int64
	CreatedAt time.Time
	StartedAt time.Time // when a workflow loaded the order first; zero: never

	Events       []order.Event     // oldest first
	InboxItems   []InboxItem       // oldest first, without their sealed parts
	Demands      []DemandRow       // oldest first, without bodies
	Decisions    []DecisionRow     // oldest first, including refusals
	Calls        []PartnerCall     // oldest first
	Deliveries   []DeliveryLog     // webhook messages to the client, with their attempts
	Audit        []AuditRow        // oldest first
	Attention    []order.Attention // open marks
	Deadlines    []order.Deadline  // earliest first
	Appointments []AppointmentLog  // oldest first
	Shipment     *order.Shipment   // nil: none yet
	Transaction  order.Transaction
}

// AppointmentLog is an appointment with its events, without its location and notes.
type AppointmentLog struct {
	order.Appointment
	History []order.AppointmentEvent // oldest first
}

// DecisionRow is a stored decision: what a cause did.
type DecisionRow struct {
	Cause         string
	Outcome       order.Outcome
	Reason        order.Reason
	From          lifecycle.LowStatus
	To            lifecycle.LowStatus // empty: no event
	Sequence      int64               // of the order afterwards
	Revision      int64
	ReplacementID string // the order that it created; empty: none
	At            time.Time
}

// Story reads an order's story. The error is ErrNotFound when there is no such order.
func (s *Store) Story(ctx context.Context, orderID string) (Story, error) {
	var story Story
	err := s.db.InSnapshot(ctx, func(q sqldb.Querier) error {
		o, err := s.loadOrder(ctx, q, "", orderID)
		if err != nil {
			return err
		}
		story = newStory(o)
		return story.load(ctx, q, s)
	})
	if err == nil {
		story.Audit, err = s.OrderAudit(ctx, orderID)
	}
	if err != nil {
		return Story{}, fmt.Errorf("reading the story of order %s: %w", orderID, err)
	}
	return story, nil
}

func newStory(o *order.Order) Story {
	status, _ := lifecycle.FullStatus(o.Modality, o.Status)
	return Story{
		OrderID: o.ID, TeamID: o.TeamID, Number: o.Number, Accession: o.Accession, Status: status, Detail: o.Detail,
		Sequence: o.Sequence, Revision: o.Revision, CreatedAt: o.CreatedAt,
		Events: o.Events, Attention: o.State.Attention, Deadlines: o.State.Deadlines, Shipment: o.Shipment,
		Transaction: o.Transaction,
	}
}

func (y *Story) load(ctx context.Context, q sqldb.Querier, s *Store) (err error) {
	if y.StartedAt, err = sqldb.QueryOne(ctx, q, sqldb.ScanTime, `SELECT started_at FROM order_states
		WHERE order_id = $1`, y.OrderID); err != nil {
		return err
	}
	y.InboxItems, err = sqldb.QueryAll(ctx, q, scanInboxItem,
		`SELECT `+inboxItemColumns+` FROM inbox WHERE order_id = $1 ORDER BY received_at, id`, y.OrderID)
	if err != nil {
		return err
	}
	y.Demands, err = sqldb.QueryAll(ctx, q, scanDemand,
		`SELECT `+demandColumns+` FROM demands WHERE order_id = $1 ORDER BY created_at, id`, y.OrderID)
	if err != nil {
		return err
	}
	y.Decisions, err = sqldb.QueryAll(ctx, q, scanDecision,
		`SELECT cause, outcome, reason, from_status, to_status, sequence, revision, child_id, at
		FROM decisions WHERE order_id = $1 ORDER BY revision`, y.OrderID)
	if err != nil {
		return err
	}
	y.Calls, err = sqldb.QueryAll(ctx, q, scanPartnerCall,
		`SELECT id, order_id, kind, attempt, outcome, started_at, ended_at FROM calls WHERE order_id = $1
			ORDER BY started_at, id`, y.OrderID)
	if err != nil {
		return err
	}
	if y.Appointments, err = s.appointmentLog(ctx, q, y.OrderID); err != nil {
		return err
	}
	y.Deliveries, err = loadDeliveryLog(ctx, q, y.OrderID)
	return err
}

func (s *Store) appointmentLog(ctx context.Context, q sqldb.Querier, orderID string) ([]AppointmentLog, error) {
	rows, err := sqldb.QueryAll(ctx, q, s.scanAppointment,
		selectAppointments+`WHERE a.order_id = $1 ORDER BY a.created_at, a.id`, orderID)
	if err != nil {
		return nil, err
	}
	log := make([]AppointmentLog, len(rows))
	for i, row := range rows {
		a := row.document.Appointment
		history, err := appointmentHistory(ctx, q, a.ID)
		if err != nil {
			return nil, err
		}
		a.EventCount = len(history)
		log[i] = AppointmentLog{Appointment: a, History: history}
	}
	return log, nil
}

func scanDemand(row sqldb.Scanner) (d DemandRow, err error) {
	var created, outcomeAt int64
	err = row.Scan(&d.ID, &d.OrderID, &d.Kind, &d.By, &d.State, &d.Reason, &created, &outcomeAt)
	d.CreatedAt, d.OutcomeAt = sqldb.FromMicros(created), sqldb.FromMicros(outcomeAt)
	return d, err
}

func scanDecision(row sqldb.Scanner) (d DecisionRow, err error) {
	var at int64
	err = row.Scan(&d.Cause, &d.Outcome, &d.Reason, &d.From, &d.To, &d.Sequence, &d.Revision,
		sqldb.EmptyIfNull(&d.ReplacementID), &at)
	d.At = sqldb.FromMicros(at)
	return d, err
}

func scanPartnerCall(row sqldb.Scanner) (c PartnerCall, err error) {
	var started, ended int64
	err = row.Scan(&c.ID, &c.OrderID, &c.Kind, &c.Attempt, &c.Outcome, &started, &ended)
	c.StartedAt, c.EndedAt = sqldb.FromMicros(started), sqldb.FromMicros(ended)
	return c, err
}
