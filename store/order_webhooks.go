package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"github.com/aliquot-labs/aliquot/internal/junction"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store/sqldb"
	"github.com/aliquot-labs/aliquot/webhooks"
)

// enqueueRecordingWebhooks enqueues the webhook messages of what a recording has written: of the order's new events, of
// its appointments, and of critical results. It returns the endpoints to nudge.
func (s *Store) enqueueRecordingWebhooks(ctx context.Context, tx *sql.Tx, r order.Recording) ([]string, error) {
	steps, appointments := len(r.Decision.Steps), len(r.Decision.Appointments)
	if steps == 0 && appointments == 0 && !r.NewlyCritical {
		return nil, nil
	}
	o, err := s.loadOrder(ctx, tx, "", r.OrderID)
	if err != nil {
		return nil, err
	}
	var endpoints []string
	for _, enqueue := range []func() ([]string, error){
		func() ([]string, error) { return s.enqueueEventWebhooks(ctx, tx, *o, steps) },
		func() ([]string, error) { return s.enqueueAppointmentWebhooks(ctx, tx, *o, r.Decision.Appointments) },
		func() ([]string, error) { return s.enqueueCriticalResultWebhook(ctx, tx, *o, r) },
	} {
		more, err := enqueue()
		if err != nil {
			return nil, err
		}
		endpoints = append(endpoints, more...)
	}
	return endpoints, nil
}

// enqueueOrderWebhook enqueues a webhook message with the given data about an order.
func (s *Store) enqueueOrderWebhook(ctx context.Context, tx *sql.Tx, o order.Order, eventType string,
	data []byte) ([]string, error) {
	body, err := webhooks.Render(webhooks.Envelope{
		EventType: eventType, TeamID: o.TeamID, UserID: o.UserID, ClientUserID: o.ClientUserID, Data: data,
	})
	if err != nil {
		return nil, fmt.Errorf("rendering a message of order %s: %w", o.ID, err)
	}
	return s.enqueueWebhookMessage(ctx, tx, WebhookMessage{
		ID: sqldb.NewIDAt(s.now()), TeamID: o.TeamID, OrderID: o.ID, EventType: eventType, Sequence: o.Sequence, Body: body,
	})
}

// enqueueAppointmentWebhooks enqueues one webhook message for each appointment event of a recording, with the
// appointment as it was at that event.
func (s *Store) enqueueAppointmentWebhooks(ctx context.Context, tx *sql.Tx, o order.Order,
	steps []order.AppointmentStep) ([]string, error) {
	var endpoints []string
	for i, step := range steps {
		a, err := s.appointmentAtStep(ctx, tx, steps, i)
		if err != nil {
			return nil, fmt.Errorf("reading appointment %s: %w", step.Appointment.ID, err)
		}
		data, err := junction.RenderAppointment(a)
		if err != nil {
			return nil, err
		}
		eventType := webhooks.AppointmentUpdated
		if step.First {
			eventType = webhooks.AppointmentCreated
		}
		more, err := s.enqueueOrderWebhook(ctx, tx, o, eventType, data)
		if err != nil {
			return nil, err
		}
		endpoints = append(endpoints, more...)
	}
	return endpoints, nil
}

// appointmentAtStep returns an appointment as it was at step i of the recording.
func (s *Store) appointmentAtStep(ctx context.Context, tx *sql.Tx, steps []order.AppointmentStep,
	i int) (order.AppointmentDocument, error) {
	was := steps[i].Appointment
	row, err := sqldb.QueryOne(ctx, tx, s.scanAppointment, selectAppointments+`WHERE a.id = $1`, was.ID)
	if err != nil {
		return order.AppointmentDocument{}, err
	}
	row.document.Appointment = was
	a, err := s.loadHistoryAndLocation(ctx, tx, row)
	if err != nil {
		return a, err
	}
	later := 0
	for _, step := range steps[i+1:] {
		if step.Appointment.ID == was.ID {
			later++
		}
	}
	a.History = a.History[:len(a.History)-later]
	return a, nil
}

// enqueueCriticalResultWebhook enqueues a webhook message when the recording publishes results that are critical,
// unless the client has already got one about them.
func (s *Store) enqueueCriticalResultWebhook(ctx context.Context, tx *sql.Tx, o order.Order,
	r order.Recording) ([]string, error) {
	if !r.NewlyCritical || r.ResultID == "" {
		return nil, nil
	}
	v, err := sqldb.QueryOne(ctx, tx, s.scanResult,
		`SELECT `+resultColumns+` FROM results r WHERE r.id = $1 AND r.order_id = $2`, r.ResultID, o.ID)
	if err != nil { // its row has just been written
		return nil, fmt.Errorf("reading result %s: %w", r.ResultID, err)
	}
	data, err := junction.RenderCriticalResult(o, v)
	if err != nil {
		return nil, err
	}
	return s.enqueueOrderWebhook(ctx, tx, o, webhooks.ResultCritical, data)
}

// insertEvents appends the events of a cause to an order, numbered from the sequence after. A parked fact that proves
// an implied step has events when it is parked and when it is applied; their numbers continue.
func insertEvents(ctx context.Context, tx *sql.Tx, o order.State, cause string, steps []order.Step, after int64,
	now time.Time) error {
	for i, st := range steps {
		status, ok := lifecycle.FullStatus(o.Modality, st.To)
		if !ok {
			return fmt.Errorf("writing an event of order %s: %s has no status %s", o.OrderID, o.Modality, st.To)
		}
		_, err := tx.ExecContext(ctx,
			`INSERT INTO events (order_id, sequence, status, detail, implied, cause, step, occurred_at, recorded_at)
			VALUES ($1, $2, $3, $4, $5, $6, (SELECT COUNT(*) FROM events WHERE order_id = $1 AND cause = $6), $7, $8)`,
			o.OrderID, after+1+int64(i), status, st.Detail, st.Implied, cause, sqldb.ToMicros(st.At), sqldb.ToMicros(now))
		if err != nil {
			return fmt.Errorf("writing an event of order %s: %w", o.OrderID, err)
		}
	}
	return nil
}

// enqueueEventWebhook enqueues the webhook message of the order's newest event and returns the endpoints to nudge.
func (s *Store) enqueueEventWebhook(ctx context.Context, tx *sql.Tx, o order.Order) ([]string, error) {
	last := o.Events[len(o.Events)-1]
	eventType := webhooks.OrderUpdated
	switch {
	case last.Sequence == firstSequence:
		eventType = webhooks.OrderCreated
	case last.Status.Low().In(lifecycle.StagePartialResults) && !o.State.Policy.PartialResultWebhooks:
		return nil, nil
	}
	data, err := s.renderOrder(o)
	if err != nil {
		return nil, fmt.Errorf("rendering order %s: %w", o.ID, err)
	}
	return s.enqueueOrderWebhook(ctx, tx, o, eventType, data)
}

// enqueueEventWebhooks enqueues the webhook messages of the newest n events, each with the order as it was at its
// event.
func (s *Store) enqueueEventWebhooks(ctx context.Context, tx *sql.Tx, o order.Order, n int) ([]string, error) {
	var endpoints []string
	for i := len(o.Events) - n; i < len(o.Events); i++ {
		more, err := s.enqueueEventWebhook(ctx, tx, orderAtEvent(o, i))
		if err != nil {
			return nil, err
		}
		endpoints = append(endpoints, more...)
	}
	return sortedUnique(endpoints), nil
}

// orderAtEvent returns the order as it was at its event i, when later events were recorded together with it: without
// the results that the recording published, and without the order that replaces or redraws it.
func orderAtEvent(o order.Order, i int) order.Order {
	if i == len(o.Events)-1 {
		return o
	}
	at := o.Events[i]
	o.Events = o.Events[:i+1]
	o.Status, o.Detail, o.Sequence, o.Results = at.Status.Low(), at.Detail, at.Sequence, nil
	siblings := slices.DeleteFunc(slices.Clone(o.Transaction.Orders),
		func(t order.TransactionOrder) bool { return t.ParentID == o.ID })
	for j := range siblings {
		if siblings[j].ID == o.ID {
			siblings[j].Status, siblings[j].StatusAt = o.Status, at.RecordedAt
		}
	}
	o.Transaction = newOrderTransaction(o.TransactionID, siblings)
	return o
}

func sortedUnique(names []string) []string {
	slices.Sort(names)
	return slices.Compact(names)
}
