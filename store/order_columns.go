package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// stateColumns are the values of an order's state that are also stored in columns of their own, for searches and lists.
type stateColumns struct {
	status       lifecycle.LowStatus
	detail       lifecycle.Detail
	sequence     int64
	revision     int64
	registered   bool
	shipped      bool
	unfinished   bool
	accession    string
	sampleID     string
	nextDeadline int64
	activateBy   sql.NullString
	state        string // JSON
}

// stateColumnsOf derives the columns. The sample id is the lab's accession number once it is known, and sampleID
// before. An imported order keeps the number that the client knows, and a kit that was ordered without a patient keeps
// the number printed on it.
func stateColumnsOf(s order.State, sampleID string, now time.Time) (stateColumns, error) {
	s.ParkedFacts = nil // stored in the inbox
	state, err := encodeJSON(s)
	if err != nil {
		return stateColumns{}, err
	}
	c := stateColumns{
		status: s.Status, detail: s.Detail, sequence: s.Sequence, revision: s.Revision,
		registered: s.Registered, shipped: s.HasShipped, unfinished: isUnfinished(s),
		accession: storableText(s.Accession), sampleID: sampleID, activateBy: sqldb.NullIfEmpty(s.ActivateBy), state: state,
	}
	switch {
	case s.Imported:
		c.sampleID = s.Number
	case s.KitID != "":
		c.sampleID = storableText(s.KitID)
	case c.accession != "":
		c.sampleID = c.accession
	}
	if by := s.ActsBy(now); !by.IsZero() {
		c.nextDeadline = sqldb.ToMicros(by)
	}
	return c, nil
}

// isUnfinished reports whether the order's workflow has something to do or to wait for: the order has not ended, or
// partners still have to be called. A kit without a tracker is not followed after its order has ended. Without a
// tracking service that holds for every kit.
func isUnfinished(s order.State) bool {
	return !s.Agenda().Finished()
}

// replaceAttentionMarks replaces the rows of an order's open marks. hadMarks says that such rows may exist, which is
// rare.
func replaceAttentionMarks(ctx context.Context, tx *sql.Tx, orderID string, hadMarks bool,
	marks []order.Attention) error {
	if hadMarks {
		if _, err := tx.ExecContext(ctx, `DELETE FROM order_attention WHERE order_id = $1`, orderID); err != nil {
			return fmt.Errorf("removing attention marks of order %s: %w", orderID, err)
		}
	}
	for _, m := range marks {
		_, err := tx.ExecContext(ctx,
			`INSERT INTO order_attention (order_id, reason, since, reminders) VALUES ($1, $2, $3, $4)`,
			orderID, m.Reason, sqldb.ToMicros(m.Since), m.Reminders)
		if err != nil {
			return fmt.Errorf("writing attention marks of order %s: %w", orderID, err)
		}
	}
	return nil
}
