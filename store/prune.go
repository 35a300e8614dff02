package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// PruneWebhookMessages erases up to limit messages, the oldest first, that were made before a time and are not to be delivered any more, with
// their deliveries and attempts, and counts them.
func (s *Store) PruneWebhookMessages(ctx context.Context, before time.Time, limit int) (int, error) {
	n := 0
	err := s.InTx(ctx, func(tx *sql.Tx) error {
		ids, err := QueryAll(ctx, tx, ScanText, `SELECT m.id FROM messages m WHERE m.created_at < $1
				AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.message_id = m.id AND d.state = 'pending' AND d.next_attempt_at >= $1)
			ORDER BY m.created_at, m.id LIMIT $2`, ToMicros(before), limit)
		if err != nil || len(ids) == 0 {
			return err
		}
		args := make([]any, len(ids))
		for i, id := range ids {
			args[i] = id
		}
		in := `(` + Placeholders(1, len(ids)) + `)`
		for _, statement := range []string{
			`DELETE FROM attempts WHERE message_id IN `, `DELETE FROM deliveries WHERE message_id IN `, `DELETE FROM messages WHERE id IN `,
		} {
			if _, err := tx.ExecContext(ctx, statement+in, args...); err != nil {
				return err
			}
		}
		n = len(ids)
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("pruning messages: %w", err)
	}
	return n, nil
}
