package store

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store/keyring"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// applyRegistration moves the data of a registration to the order: the user, the patient and the address, the
// physician, and the patient's consents. The order belongs to the registered user from then on.
func (s *Store) applyRegistration(ctx context.Context, tx *sql.Tx, orderID, demandID string) error {
	body, err := s.demandBody(ctx, tx, demandID)
	if err != nil || body == nil {
		return err
	}
	var reg order.Registration
	if err := keyring.DecodeOpened(body, &reg); err != nil {
		return err
	}
	if err := s.setPatientAndAddress(ctx, tx, orderID, reg.Patient, reg.Address); err != nil {
		return err
	}
	if reg.Physician != nil {
		if err := s.updateSealedColumn(ctx, tx, orderID, "physician", reg.Physician); err != nil {
			return err
		}
	}
	if err := s.addRegistrationClinical(ctx, tx, orderID, reg); err != nil {
		return err
	}
	if reg.UserID != "" {
		if err := assignToUser(ctx, tx, orderID, reg.UserID, reg.ClientUserID); err != nil {
			return err
		}
	}
	_, err = tx.ExecContext(ctx, `UPDATE demands SET body = NULL WHERE id = $1`, demandID)
	return err
}

func assignToUser(ctx context.Context, tx *sql.Tx, orderID, userID, clientUserID string) error {
	_, err := tx.ExecContext(ctx, `UPDATE orders SET user_id = $1, client_user_id = $2 WHERE id = $3`, userID,
		clientUserID, orderID)
	if err == nil {
		_, err = tx.ExecContext(ctx, `UPDATE order_progress SET user_id = $1 WHERE order_id = $2`, userID, orderID)
	}
	if err != nil {
		return fmt.Errorf("assigning order %s to user %s: %w", orderID, userID, err)
	}
	return nil
}

// addRegistrationClinical adds a registration's consents and health insurance to the order's clinical document.
func (s *Store) addRegistrationClinical(ctx context.Context, tx *sql.Tx, orderID string, reg order.Registration) error {
	if len(reg.Consents) == 0 && len(reg.Insurance) == 0 {
		return nil
	}
	sealed, err := sqldb.QueryOne(ctx, tx, sqldb.ScanBytes, `SELECT clinical FROM order_documents WHERE order_id = $1`,
		orderID)
	if err != nil {
		return err
	}
	var c clinicalDocument
	if err := s.keys.OpenJSON(sealContext("order_documents", orderID, "clinical"), sealed, &c); err != nil {
		return fmt.Errorf("opening clinical of order %s: %w", orderID, err)
	}
	c.Consents = append(c.Consents, reg.Consents...)
	if len(reg.Insurance) > 0 {
		c.Insurance, c.InsuranceID = reg.Insurance, reg.InsuranceID
	}
	return s.updateSealedColumn(ctx, tx, orderID, "clinical", c)
}
