package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// Appointment reads an order's active appointment, or else the newest one. With a teamID, only an order of that team is
// found. The error is ErrNotFound when the order has no appointment.
func (s *Store) Appointment(ctx context.Context, teamID, orderID string) (order.AppointmentDocument, error) {
	var a order.AppointmentDocument
	var where sqldb.Where
	where.And("a.order_id = ?", orderID)
	where.AndIfSet("a.team_id = ?", teamID)
	err := s.db.InSnapshot(ctx, func(q sqldb.Querier) (err error) {
		a, err = s.appointment(ctx, q, where.String()+`
			ORDER BY a.status IN ('completed', 'cancelled'), a.created_at DESC, a.id DESC LIMIT 1`, where.Args...)
		return err
	})
	if err != nil {
		return order.AppointmentDocument{}, fmt.Errorf("reading the appointment of order %s: %w", orderID, err)
	}
	return a, nil
}

// appointment reads the whole appointment that a clause selects.
func (s *Store) appointment(ctx context.Context, q sqldb.Querier, clause string,
	args ...any) (order.AppointmentDocument, error) {
	row, err := sqldb.QueryOne(ctx, q, s.scanAppointment, selectAppointments+clause, args...)
	if err != nil {
		return order.AppointmentDocument{}, err
	}
	return s.loadHistoryAndLocation(ctx, q, row)
}

// loadHistoryAndLocation adds an appointment's history and location.
func (s *Store) loadHistoryAndLocation(ctx context.Context, q sqldb.Querier,
	row appointmentRow) (a order.AppointmentDocument, err error) {
	a = row.document
	if a.History, err = appointmentHistory(ctx, q, a.ID); err != nil {
		return a, err
	}
	if a.EventCount = len(a.History); a.EventCount > 0 {
		a.UpdatedAt = a.History[a.EventCount-1].At
	}
	a.Location, err = s.appointmentLocation(ctx, q, row)
	return a, err
}

const selectAppointments = `SELECT a.id, a.order_id, a.type, a.provider, a.account_id, a.status, a.reference,
	a.confirmation, a.site, a.slot, a.start_at, a.end_at, a.zone, a.can_reschedule, a.confirm_by, a.reported_at,
	a.created_at, a.notes, a.place,
	o.user_id, o.transaction_id, d.address FROM appointments a JOIN orders o ON o.id = a.order_id
	JOIN order_documents d ON d.order_id = a.order_id `

// appointmentRow is an appointment and its possible locations.
type appointmentRow struct {
	document          order.AppointmentDocument
	requestedLocation *order.Location // set by the client
	patientHome       *order.Address  // nil: not known
}

func (s *Store) scanAppointment(row sqldb.Scanner) (r appointmentRow, err error) {
	var start, end, confirmBy, reported, created int64
	var notes, asked, home []byte
	a := &r.document
	err = row.Scan(&a.ID, &a.OrderID, &a.Type, &a.Provider, sqldb.EmptyIfNull(&a.AccountID), &a.Status,
		&a.Reference, &a.Confirmation, &a.SiteCode, &a.SlotKey, &start, &end, &a.Zone, &a.CanReschedule, &confirmBy,
		&reported, &created, &notes, &asked, &a.UserID, &a.TransactionID, &home)
	if err != nil {
		return r, err
	}
	a.StartAt, a.EndAt, a.ConfirmBy, a.ReportedAt, a.CreatedAt = sqldb.FromMicros(start), sqldb.FromMicros(end),
		sqldb.FromMicros(confirmBy),
		sqldb.FromMicros(reported), sqldb.FromMicros(created)
	if a.Notes, err = s.openText(sealContext("appointments", a.ID, "notes"), notes); err != nil {
		return r, err
	}
	if err := s.keys.OpenJSON(sealContext("appointments", a.ID, "place"), asked, &r.requestedLocation); err != nil {
		return r, err
	}
	return r, s.keys.OpenJSON(sealContext("order_documents", a.OrderID, "address"), home, &r.patientHome)
}

// appointmentHistory lists an appointment's events, oldest first.
func appointmentHistory(ctx context.Context, q sqldb.Querier, id string) ([]order.AppointmentEvent, error) {
	return sqldb.QueryAll(ctx, q, scanAppointmentEvent, `SELECT status, origin, reschedule, recorded_at
		FROM appointment_events WHERE appointment_id = $1 ORDER BY number`, id)
}

func scanAppointmentEvent(row sqldb.Scanner) (e order.AppointmentEvent, err error) {
	var recorded int64
	err = row.Scan(&e.Status, &e.Origin, &e.Reschedule, &recorded)
	e.At = sqldb.FromMicros(recorded)
	return e, err
}

// storeAppointments stores what a recording did to the order's appointments: each event, and the state of the newest
// appointment.
func (s *Store) storeAppointments(ctx context.Context, tx *sql.Tx, r order.Recording, teamID string,
	now time.Time) error {
	for _, step := range r.Decision.Appointments {
		a := step.Appointment
		if err := upsertAppointment(ctx, tx, r.OrderID, teamID, a); err != nil {
			return err
		}
		if step.First {
			if err := s.moveBookingBody(ctx, tx, a.ID, a.ID); err != nil {
				return err
			}
		}
		_, err := tx.ExecContext(ctx,
			`INSERT INTO appointment_events (appointment_id, number, status, origin, reschedule, occurred_at, recorded_at)
			VALUES ($1, 1 + (SELECT COUNT(*) FROM appointment_events WHERE appointment_id = $1), $2, $3, $4, $5, $6)`,
			a.ID, a.Status.EventStatus(), step.Origin, step.Reschedule, sqldb.ToMicros(step.At), sqldb.ToMicros(now))
		if err != nil {
			return fmt.Errorf("writing an event of appointment %s: %w", a.ID, err)
		}
	}
	if newest := r.Decision.Next.Appointment; newest != nil { // it may have changed without an event
		return upsertAppointment(ctx, tx, r.OrderID, teamID, *newest)
	}
	return nil
}

func upsertAppointment(ctx context.Context, tx *sql.Tx, orderID, teamID string, a order.Appointment) error {
	n, err := sqldb.ExecCount(ctx, tx,
		`INSERT INTO appointments (id, order_id, team_id, type, provider, account_id, status, reference,
			confirmation, site, slot, start_at, end_at, zone, can_reschedule, confirm_by, reported_at, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
		ON CONFLICT (id) DO UPDATE SET provider = excluded.provider, account_id = excluded.account_id,
			status = excluded.status, reference = excluded.reference, confirmation = excluded.confirmation,
			site = excluded.site, slot = excluded.slot, start_at = excluded.start_at, end_at = excluded.end_at,
			zone = excluded.zone, can_reschedule = excluded.can_reschedule, confirm_by = excluded.confirm_by,
			reported_at = excluded.reported_at
		WHERE appointments.order_id = excluded.order_id`,
		a.ID, orderID, teamID, a.Type, storableText(a.Provider), sqldb.IDOrNull(a.AccountID), a.Status,
		storableText(a.Reference), storableText(a.Confirmation), storableText(a.SiteCode), storableText(a.SlotKey),
		sqldb.ToMicros(a.StartAt), sqldb.ToMicros(a.EndAt), storableText(a.Zone),
		a.CanReschedule, sqldb.ToMicros(a.ConfirmBy), sqldb.ToMicros(a.ReportedAt), sqldb.ToMicros(a.CreatedAt))
	if err == nil && n == 0 {
		err = errOtherOrder
	}
	if err != nil {
		return fmt.Errorf("writing appointment %s: %w", a.ID, err)
	}
	return nil
}
