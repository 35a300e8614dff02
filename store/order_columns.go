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

// stateColumns are the columns of order_states that a recording writes.
type stateColumns struct {
	revision     int64
	nextDeadline int64  // 0 for an order that is not unfinished
	state        string // JSON
}

func stateColumnsOf(s order.State, now time.Time) (stateColumns, error) {
	s.ParkedFacts = nil // stored in the inbox
	state, err := encodeJSON(s)
	if err != nil {
		return stateColumns{}, err
	}
	c := stateColumns{revision: s.Revision, state: state}
	if by := s.ActsBy(now); isUnfinished(s) && !by.IsZero() {
		c.nextDeadline = sqldb.ToMicros(by)
	}
	return c, nil
}

// stateCopies are the values of an order's state that are also stored in columns of other tables than order_states, for
// searches and lists.
type stateCopies struct {
	progress progressCopies
	numbers  numberCopies
}

// progressCopies are those in order_progress.
type progressCopies struct {
	status     lifecycle.LowStatus
	detail     lifecycle.Detail
	sequence   int64
	unfinished bool
	activateBy sql.NullString
}

// numberCopies are those in orders.
type numberCopies struct {
	registered bool
	accession  string
	sampleID   string // empty: the sample id stays as it is
}

// stateCopiesOf derives the copies. The sample id is the lab's accession number once it is known. An imported order
// keeps the number that the client knows, and a kit that was ordered without a patient keeps the number printed on it.
func stateCopiesOf(s order.State) stateCopies {
	c := stateCopies{
		progress: progressCopies{status: s.Status, detail: s.Detail, sequence: s.Sequence, unfinished: isUnfinished(s),
			activateBy: sqldb.NullIfEmpty(s.ActivateBy)},
		numbers: numberCopies{registered: s.Registered, accession: storableText(s.Accession)},
	}
	switch {
	case s.Imported:
		c.numbers.sampleID = s.Number
	case s.KitID != "":
		c.numbers.sampleID = storableText(s.KitID)
	default:
		c.numbers.sampleID = c.numbers.accession
	}
	return c
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
