package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// undeleteGrace is how long a deleted user can be restored (client-api#6-users).
const undeleteGrace = 7 * 24 * time.Hour

// lateDataRetention is how long data that arrives for an erased order is stored before it is erased too.
const lateDataRetention = time.Hour

// DeleteUser marks a user of a team as deleted. The user is not found any more, and the user's data is erased after
// undeleteGrace. The error is ErrNotFound when there is no such user, or when the user is deleted already.
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

// UndeleteUser restores a deleted user, found by id or, when that is empty, by the client's id. Of several deleted
// users with that id, it restores the one deleted last. It returns the user's id. The error is ErrNotFound when there
// is no such user or undeleteGrace is over, and ErrConflict when another user has the client's id.
func (s *Store) UndeleteUser(ctx context.Context, teamID, id, clientUserID string) (string, error) {
	var where sqldb.Where
	where.And("team_id = ?", teamID)
	where.And("erase_at > ?", sqldb.ToMicros(s.now()))
	if id != "" {
		where.And("id = ?", id)
	} else {
		where.And("client_user_id = ?", clientUserID)
	}
	found := id
	err := s.db.InTx(ctx, func(tx *sql.Tx) (err error) {
		found, err = sqldb.QueryOne(ctx, tx, sqldb.ScanText,
			`SELECT id FROM users`+where.String()+` ORDER BY erase_at DESC LIMIT 1`, where.Args...)
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
		return "", fmt.Errorf("restoring a user of team %s: %w", teamID, err)
	}
	return found, nil
}

// EraseUsers erases up to limit users whose undeleteGrace is over, and marks their orders, each of which is erased
// after it has ended. It returns the number of erased users. Only the ids of the users stay.
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

// ordersOfUser is the condition that a row of orders is an order of the user $2. The first term finds the rows by an
// index. The second one is checked again after the statement has waited for a row.
const ordersOfUser = `id IN (SELECT order_id FROM order_progress WHERE user_id = $2) AND user_id = $2`

// scheduleOrderErasure marks the orders of an erased user for erasure.
func scheduleOrderErasure(ctx context.Context, tx *sql.Tx, userID string, now int64) error {
	_, err := tx.ExecContext(ctx, `UPDATE orders SET erase_at = $1
		WHERE `+ordersOfUser+` AND erase_at = 0 AND erased_at = 0
		AND EXISTS (SELECT 1 FROM users WHERE id = $2 AND erased_at > 0)`, now, userID)
	return err
}

// rescheduleErasure marks an erased order again, because data has arrived for it.
func (s *Store) rescheduleErasure(ctx context.Context, tx *sql.Tx, orderID string) error {
	_, err := tx.ExecContext(ctx, `UPDATE orders SET erase_at = $1 WHERE id = $2 AND erased_at > 0`,
		sqldb.ToMicros(s.now().Add(lateDataRetention)), orderID)
	return err
}

// EraseOrders erases all data about the patient of up to limit orders that are marked for erasure and have ended, and
// returns how many. Events, decisions, the audit log and the ids of labs and couriers stay.
func (s *Store) EraseOrders(ctx context.Context, limit int) (int, error) {
	due, err := sqldb.QueryAll(ctx, s.db.Reader, sqldb.ScanText,
		`SELECT o.id FROM orders o JOIN order_progress p ON p.order_id = o.id
		WHERE o.erase_at > 0 AND o.erase_at <= $1 AND NOT p.unfinished ORDER BY o.erase_at, o.id LIMIT $2`,
		sqldb.ToMicros(s.now()), limit)
	if err != nil {
		return 0, fmt.Errorf("listing orders to be erased: %w", err)
	}
	erased := 0
	for _, id := range due {
		err := s.db.InTx(ctx, func(tx *sql.Tx) error { return s.eraseOrder(ctx, tx, id) })
		if errors.Is(err, ErrNotFound) { // another process has erased it, or it is not finished any more
			continue
		}
		if err != nil {
			return erased, fmt.Errorf("erasing order %s: %w", id, err)
		}
		erased++
	}
	return erased, nil
}

// deleteAnswersOfOrder deletes the stored answers about an order.
const deleteAnswersOfOrder = `DELETE FROM idempotency WHERE order_id = $1`

// orderDeleteStatements delete the rows of an order that contain nothing but data to be erased, and the rows that
// depend on them.
var orderDeleteStatements = []string{
	`DELETE FROM results WHERE order_id = $1`,
	`DELETE FROM review_search WHERE review_id IN (SELECT id FROM reviews WHERE $1 IN (order_id, resolved_order_id))`,
	`DELETE FROM reviews WHERE $1 IN (order_id, resolved_order_id)`,
	`DELETE FROM appointment_places WHERE order_id = $1`,
	deleteAnswersOfOrder,
	`DELETE FROM order_search WHERE order_id = $1`,
}

const eraseMessagesStatement = `DELETE FROM messages WHERE order_id = $1 AND id >= $2 RETURNING id`

// eraseMessages deletes the webhook messages of an order, and then what depends on them. It looks for them from the
// creation of the order on, without an end, because none may be left. Who adds a delivery or an attempt meanwhile has
// locked its message or its delivery, so the next statement deletes that too.
func eraseMessages(ctx context.Context, tx *sql.Tx, orderID string) error {
	between, err := messageIDs(ctx, tx, orderID)
	if err != nil {
		return err
	}
	ids, err := sqldb.QueryAll(ctx, tx, sqldb.ScanText, eraseMessagesStatement, orderID, between.first)
	if err != nil {
		return err
	}
	const chunkSize = 100
	for part := range slices.Chunk(ids, chunkSize) {
		var these sqldb.Where
		these.AndIn("message_id IN (?)", part)
		for _, removal := range []string{`DELETE FROM deliveries`, `DELETE FROM attempts`} {
			if _, err := tx.ExecContext(ctx, removal+these.String(), these.Args...); err != nil {
				return err
			}
		}
	}
	return nil
}

// eraseOrder erases one order. The first statement locks it. A replacement that was created after the user was
// erased is marked for erasure too.
func (s *Store) eraseOrder(ctx context.Context, tx *sql.Tx, id string) error {
	if _, err := s.lockOrderRow(ctx, tx, id); err != nil {
		return err
	}
	now := sqldb.ToMicros(s.now())
	userID, err := sqldb.QueryOne(ctx, tx, sqldb.ScanText,
		`UPDATE orders SET erase_at = 0, erased_at = $1, client_user_id = '' WHERE id = $2 AND erase_at > 0
		AND NOT EXISTS (SELECT 1 FROM order_progress WHERE order_id = $2 AND unfinished) RETURNING user_id`, now, id)
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
	// After the reviews: a decision on one that waits to be committed holds it, and has a message.
	if err := eraseMessages(ctx, tx, id); err != nil {
		return err
	}
	for _, t := range sealedTables {
		// The rows do not belong to orders, or are deleted already.
		if t.orderCondition == "" || len(t.requiredColumns) > 0 || t.deletedWithOrder {
			continue
		}
		//nolint:gosec // all names are from the list of sealed tables
		empty := fmt.Sprintf(`UPDATE %s SET %s = NULL WHERE %s`, t.name, strings.Join(t.nullableColumns, " = NULL, "),
			t.orderCondition)
		if _, err := tx.ExecContext(ctx, empty, id); err != nil {
			return err
		}
	}
	return nil
}
