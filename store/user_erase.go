package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// undeleteGrace is how long a deleted user can be brought back (client-api#6-users).
const undeleteGrace = 7 * 24 * time.Hour

// lateDataRetention is how long what came late for an erased order may be looked at before it goes too.
const lateDataRetention = time.Hour

// DeleteUser marks a user of a team as deleted: nobody finds him any more, and after grace his data is erased. The error is ErrNotFound
// when there is no such user, or when he has been deleted.
func (s *Store) DeleteUser(ctx context.Context, teamID, id string) error {
	n, err := sqldb.ExecCount(ctx, s.db.Writer,
		`UPDATE users SET erase_at = $1 WHERE id = $2 AND team_id = $3 AND erase_at = 0`,
		sqldb.ToMicros(s.now().Add(undeleteGrace)), id, teamID)
	if err == nil && n == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("deleting user %s: %w", id, err)
	}
	return nil
}

// UndeleteUser brings a deleted user back, found by our id or, when that is empty, by the client's; of several the one deleted last. It
// returns his id. Errors: ErrNotFound when there is none, or the grace is over; ErrConflict when another user has taken the client's id.
func (s *Store) UndeleteUser(ctx context.Context, teamID, id, clientUserID string) (string, error) {
	found := id
	err := s.db.InTx(ctx, func(tx *sql.Tx) (err error) {
		found, err = sqldb.QueryOne(ctx, tx, sqldb.ScanText, `SELECT id FROM users WHERE team_id = $1 AND erase_at > $2
			AND (id = $3 OR $3 = '' AND client_user_id = $4) ORDER BY erase_at DESC LIMIT 1`, teamID, sqldb.ToMicros(s.now()), id, clientUserID)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE users SET erase_at = 0 WHERE id = $1 AND erased_at = 0`, found)
		return err
	})
	if sqldb.IsUniqueViolation(err) {
		err = ErrConflict
	}
	if err != nil {
		return "", fmt.Errorf("bringing a user of team %s back: %w", teamID, err)
	}
	return found, nil
}

// EraseUsers erases up to limit users whose grace is over, and marks their orders, each of which is erased once it has ended. It
// returns how many users it erased. What stays of a user is his id.
func (s *Store) EraseUsers(ctx context.Context, limit int) (int, error) {
	now := sqldb.ToMicros(s.now())
	due, err := sqldb.QueryAll(ctx, s.db.Reader, sqldb.ScanText,
		`SELECT id FROM users WHERE erase_at > 0 AND erase_at <= $1 AND erased_at = 0
		ORDER BY erase_at, id LIMIT $2`, now, limit)
	if err != nil {
		return 0, fmt.Errorf("listing users to be erased: %w", err)
	}
	for _, id := range due {
		err := s.db.InTx(ctx, func(tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, `UPDATE users SET erased_at = $1, client_user_id = '', fallback_time_zone = NULL,
				fallback_birth_date = NULL, info = NULL, ingestion_start = NULL, ingestion_end = NULL
				WHERE id = $2 AND erase_at > 0 AND erase_at <= $1`, now, id)
			if err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx,
				`DELETE FROM user_insurance WHERE user_id IN (SELECT id FROM users WHERE id = $1 AND erased_at > 0)`,
				id); err != nil {
				return err
			}
			return scheduleOrderErasure(ctx, tx, id, now)
		})
		if err != nil {
			return 0, fmt.Errorf("erasing user %s: %w", id, err)
		}
	}
	return len(due), nil
}

// scheduleOrderErasure lets the orders of an erased user be erased.
func scheduleOrderErasure(ctx context.Context, tx *sql.Tx, userID string, now int64) error {
	_, err := tx.ExecContext(ctx, `UPDATE orders SET erase_at = $1 WHERE user_id = $2 AND erase_at = 0 AND erased_at = 0
		AND EXISTS (SELECT 1 FROM users WHERE id = $2 AND erased_at > 0)`, now, userID)
	return err
}

// rescheduleErasure lets what has just come for an erased order be erased too.
func (s *Store) rescheduleErasure(ctx context.Context, tx *sql.Tx, orderID string) error {
	_, err := tx.ExecContext(ctx, `UPDATE orders SET erase_at = $1 WHERE id = $2 AND erased_at > 0`,
		sqldb.ToMicros(s.now().Add(lateDataRetention)), orderID)
	return err
}

// EraseOrders erases all about the patient of up to limit orders that are marked for it and have ended, and counts them. Events,
// decisions, audit and the ids that the lab and couriers gave stay.
func (s *Store) EraseOrders(ctx context.Context, limit int) (int, error) {
	due, err := sqldb.QueryAll(ctx, s.db.Reader, sqldb.ScanText,
		`SELECT id FROM orders WHERE erase_at > 0 AND erase_at <= $1 AND NOT unfinished
		ORDER BY erase_at, id LIMIT $2`, sqldb.ToMicros(s.now()), limit)
	if err != nil {
		return 0, fmt.Errorf("listing orders to be erased: %w", err)
	}
	erased := 0
	for _, id := range due {
		err := s.db.InTx(ctx, func(tx *sql.Tx) error { return s.eraseOrder(ctx, tx, id) })
		if errors.Is(err, ErrNotFound) { // somebody was faster, or it goes on
			continue
		}
		if err != nil {
			return erased, fmt.Errorf("erasing order %s: %w", id, err)
		}
		erased++
	}
	return erased, nil
}

// orderDeleteStatements delete, for an order, the rows that hold nothing but what is to be erased, and those that belong to them.
var orderDeleteStatements = []string{
	`DELETE FROM attempts WHERE message_id IN (SELECT id FROM messages WHERE order_id = $1)`,
	`DELETE FROM deliveries WHERE message_id IN (SELECT id FROM messages WHERE order_id = $1)`,
	`DELETE FROM messages WHERE order_id = $1`,
	`DELETE FROM results WHERE order_id = $1`,
	`DELETE FROM review_search WHERE review_id IN (SELECT id FROM reviews WHERE $1 IN (order_id, resolved_order_id))`,
	`DELETE FROM reviews WHERE $1 IN (order_id, resolved_order_id)`,
	`DELETE FROM appointment_places WHERE order_id = $1`,
	`DELETE FROM idempotency WHERE order_id = $1`,
	`DELETE FROM order_search WHERE order_id = $1`,
}

// eraseOrder erases one order. The first statement takes the lock of its row. A replacement that was made since the user was erased
// follows.
func (s *Store) eraseOrder(ctx context.Context, tx *sql.Tx, id string) error {
	now := sqldb.ToMicros(s.now())
	userID, err := sqldb.QueryOne(ctx, tx, sqldb.ScanText,
		`UPDATE orders SET erase_at = 0, erased_at = $1, client_user_id = ''
		WHERE id = $2 AND erase_at > 0 AND NOT unfinished RETURNING user_id`, now, id)
	if err != nil {
		return err
	}
	if err := scheduleOrderErasure(ctx, tx, userID, now); err != nil {
		return err
	}
	for _, removal := range orderDeleteStatements {
		if _, err := tx.ExecContext(ctx, removal, id); err != nil {
			return err
		}
	}
	for _, t := range sealedTables {
		if t.orderCondition == "" || len(t.requiredColumns) > 0 { // those rows are gone
			continue
		}
		empty := fmt.Sprintf(`UPDATE %s SET %s = NULL WHERE %s`, t.name, strings.Join(t.nullableColumns, " = NULL, "), t.orderCondition) //nolint:gosec // all from the list of sealed tables
		if _, err := tx.ExecContext(ctx, empty, id); err != nil {
			return err
		}
	}
	return nil
}
