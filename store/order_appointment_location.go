package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store/keyring"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// PutAppointmentLocation stores or replaces the location of an appointment that its provider reports. reference is the
// provider's id of the appointment.
func (s *Store) PutAppointmentLocation(ctx context.Context, orderID, reference string, p order.Location) error {
	reference = storableText(reference)
	sealed, err := s.keys.SealJSON(appointmentLocationSealContext(orderID, reference), p)
	if err != nil {
		return err
	}
	_, err = s.db.Writer.ExecContext(ctx,
		`INSERT INTO appointment_places (order_id, reference, place, updated_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (order_id, reference) DO UPDATE SET place = excluded.place, updated_at = excluded.updated_at`,
		orderID, reference, sealed, sqldb.ToMicros(s.now()))
	if err != nil {
		return fmt.Errorf("writing the location of an appointment of order %s: %w", orderID, err)
	}
	return nil
}

func appointmentLocationSealContext(orderID, reference string) string {
	return sealContext("appointment_places", orderID+"/"+reference, "place")
}

// appointmentLocation returns the location of an appointment: the one that the provider reported, or else the one that
// the client asked for, or else the patient's home. It is empty for a patient service center until the provider reports
// it.
func (s *Store) appointmentLocation(ctx context.Context, q sqldb.Querier,
	r appointmentRow) (p order.Location, err error) {
	a, reference := r.document, storableText(r.document.Reference)
	sealed, err := sqldb.QueryOne(ctx, q, sqldb.ScanBytes,
		`SELECT place FROM appointment_places WHERE order_id = $1 AND reference = $2`, a.OrderID, reference)
	if err == nil {
		return p, s.keys.OpenJSON(appointmentLocationSealContext(a.OrderID, reference), sealed, &p)
	}
	switch {
	case !errors.Is(err, ErrNotFound):
		return p, fmt.Errorf("reading the location of appointment %s: %w", a.ID, err)
	case r.requestedLocation != nil:
		return *r.requestedLocation, nil
	case a.Type == order.Phlebotomy && r.patientHome != nil:
		return r.patientHome.Location(), nil
	default:
		return p, nil
	}
}

// BookingOfDemand reads the body of a demand about an appointment. The body of a demand that books or requests an
// appointment is found even after it was moved to the appointment, as happens when a caller does not wait for the
// provider. It is empty when the demand has no body, or no longer has one.
func (s *Store) BookingOfDemand(ctx context.Context, demandID string) (order.BookingBody, error) {
	var b order.BookingBody
	body, err := s.demandBody(ctx, s.db.Reader, demandID)
	switch {
	case errors.Is(err, ErrNotFound), err == nil && body == nil:
		b, err = s.bookingOfAppointment(ctx, demandID)
	case err == nil:
		err = keyring.DecodeOpened(body, &b)
	}
	if err != nil {
		return order.BookingBody{}, fmt.Errorf("reading the body of demand %s: %w", demandID, err)
	}
	return b, nil
}

func (s *Store) bookingOfAppointment(ctx context.Context, appointmentID string) (order.BookingBody, error) {
	row, err := sqldb.QueryOne(ctx, s.db.Reader, s.scanAppointment, selectAppointments+`WHERE a.id = $1`, appointmentID)
	if errors.Is(err, ErrNotFound) {
		return order.BookingBody{}, nil
	}
	return order.BookingBody{Notes: row.document.Notes, Location: row.requestedLocation}, err
}

// moveBookingOfDemand moves the body of a demand to the appointment that it created or rescheduled. The body of a
// cancellation stays with the demand.
func (s *Store) moveBookingOfDemand(ctx context.Context, tx *sql.Tx, r order.Recording, kind order.DemandKind) error {
	switch newest := r.Decision.Next.Appointment; {
	case kind == order.DemandCancelAppointment:
		return nil
	case kind == order.DemandRescheduleAppointment && newest != nil:
		return s.moveBookingBody(ctx, tx, r.DemandID, newest.ID)
	default:
		return s.moveBookingBody(ctx, tx, r.DemandID, r.DemandID)
	}
}

// moveBookingBody moves the body of a demand, if it has one, to an appointment. Parts that it does not have are not
// changed.
func (s *Store) moveBookingBody(ctx context.Context, tx *sql.Tx, demandID, appointmentID string) error {
	body, err := s.demandBody(ctx, tx, demandID)
	if errors.Is(err, ErrNotFound) || err == nil && body == nil {
		return nil
	}
	if err != nil {
		return err
	}
	var b order.BookingBody
	if err := keyring.DecodeOpened(body, &b); err != nil {
		return err
	}
	var asked []byte
	if b.Location != nil {
		if asked, err = s.keys.SealJSON(sealContext("appointments", appointmentID, "place"), b.Location); err != nil {
			return err
		}
	}
	n, err := sqldb.ExecCount(ctx, tx, `UPDATE appointments SET notes = COALESCE($1, notes), place = COALESCE($2, place)
		WHERE id = $3 AND order_id = (SELECT order_id FROM demands WHERE id = $4)`,
		s.sealText(sealContext("appointments", appointmentID, "notes"), b.Notes), asked, appointmentID, demandID)
	if err != nil {
		return fmt.Errorf("writing appointment %s: %w", appointmentID, err)
	}
	if n == 0 {
		return nil // the appointment does not exist yet
	}
	_, err = tx.ExecContext(ctx, `UPDATE demands SET body = NULL WHERE id = $1`, demandID)
	return err
}
