package store

import (
	"context"
	"fmt"
)

// SetSMSEnabled says whether the patient of an order may be sent text messages. The error is ErrNotFound when the team has no such order.
func (s *Store) SetSMSEnabled(ctx context.Context, teamID, orderID string, enabled bool) error {
	n, err := ExecCount(ctx, s.write, `UPDATE orders SET sms_enabled = $1 WHERE id = $2 AND team_id = $3`, enabled, orderID, teamID)
	if err == nil && n == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("writing the communication settings of order %s: %w", orderID, err)
	}
	return nil
}

// SMSEnabled reports whether the patient of an order may be sent text messages. The error is ErrNotFound when the team has no such order.
func (s *Store) SMSEnabled(ctx context.Context, teamID, orderID string) (bool, error) {
	enabled, err := QueryOne(ctx, s.read, func(row Scanner) (enabled bool, err error) {
		err = row.Scan(&enabled)
		return enabled, err
	}, `SELECT sms_enabled FROM orders WHERE id = $1 AND team_id = $2`, orderID, teamID)
	if err != nil {
		return false, fmt.Errorf("reading the communication settings of order %s: %w", orderID, err)
	}
	return enabled, nil
}
