package store

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/aliquot-labs/aliquot/internal/junction"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/webhooks"
)

// enqueueRecordingWebhooks creates the order that replaces or redraws this one, if there is to be one, and enqueues the messages of all new events, of
// the order and of its appointments, and of critical results.
func (s *Store) enqueueRecordingWebhooks(ctx context.Context, tx *sql.Tx, r order.Recording, d order.RecordingResult) ([]string, error) {
	steps, appointments := len(r.Decision.Steps), len(r.Decision.Appointments)
	if steps == 0 && appointments == 0 && d.ReplacementID == "" && !r.NewlyCritical {
		return nil, nil
	}
	o, err := s.loadOrder(ctx, tx, "", r.OrderID)
	if err != nil {
		return nil, err
	}
	var endpoints []string
	if d.ReplacementID != "" {
		if endpoints, err = s.createReplacementOrder(ctx, tx, *o, r.Decision, d.ReplacementID); err != nil {
			return nil, err
		}
		if o, err = s.loadOrder(ctx, tx, "", r.OrderID); err != nil {
			return nil, err
		}
	}
	for _, tell := range []func() ([]string, error){
		func() ([]string, error) { return s.enqueueEventWebhooks(ctx, tx, *o, steps) },
		func() ([]string, error) { return s.enqueueAppointmentWebhooks(ctx, tx, *o, r.Decision.Appointments) },
		func() ([]string, error) { return s.enqueueCriticalResultWebhook(ctx, tx, *o, r) },
	} {
		more, err := tell()
		if err != nil {
			return nil, err
		}
		endpoints = append(endpoints, more...)
	}
	return sortedUnique(endpoints), nil
}

// enqueueOrderWebhook tells of an order whatever the data say, as its user's.
func (s *Store) enqueueOrderWebhook(ctx context.Context, tx *sql.Tx, o order.Order, eventType string, data []byte) ([]string, error) {
	body, err := webhooks.Render(webhooks.Envelope{
		EventType: eventType, TeamID: o.TeamID, UserID: o.UserID, ClientUserID: o.ClientUserID, Data: data,
	})
	if err != nil {
		return nil, fmt.Errorf("rendering a message of order %s: %w", o.ID, err)
	}
	return s.enqueueWebhookMessage(ctx, tx, WebhookMessage{
		ID: NewID(), TeamID: o.TeamID, OrderID: o.ID, EventType: eventType, Sequence: o.Sequence, Body: body,
	})
}

// enqueueAppointmentWebhooks enqueues one message for each step of a recording, with the appointment as it was then.
func (s *Store) enqueueAppointmentWebhooks(ctx context.Context, tx *sql.Tx, o order.Order, steps []order.AppointmentStep) ([]string, error) {
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

// appointmentAtStep is an appointment as it was at step i, when the later ones were recorded together with it.
func (s *Store) appointmentAtStep(ctx context.Context, tx *sql.Tx, steps []order.AppointmentStep, i int) (order.AppointmentDocument, error) {
	was := steps[i].Appointment
	row, err := QueryOne(ctx, tx, s.scanAppointment, selectAppointments+`WHERE a.id = $1`, was.ID)
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

// enqueueCriticalResultWebhook enqueues the message that the results which a recording shows are critical, if they are and the client has not been told.
func (s *Store) enqueueCriticalResultWebhook(ctx context.Context, tx *sql.Tx, o order.Order, r order.Recording) ([]string, error) {
	if !r.NewlyCritical || r.ResultID == "" {
		return nil, nil
	}
	v, err := QueryOne(ctx, tx, s.scanResult, `SELECT `+resultColumns+` FROM results r WHERE r.id = $1 AND r.order_id = $2`, r.ResultID, o.ID)
	if err != nil { // its row has just been written to
		return nil, fmt.Errorf("reading result %s: %w", r.ResultID, err)
	}
	data, err := junction.RenderCriticalResult(o, v)
	if err != nil {
		return nil, err
	}
	return s.enqueueOrderWebhook(ctx, tx, o, webhooks.ResultCritical, data)
}
