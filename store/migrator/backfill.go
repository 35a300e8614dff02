package migrator

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// ErrUnknownBackfill is the error for a name that no back-fill has.
var ErrUnknownBackfill = errors.New("unknown back-fill")

// Backfill fills something new in the rows that a table already has, in the order of its primary key, a batch at a
// time. Its position is stored with each batch, so it continues where it stopped.
type Backfill struct {
	// Name identifies it in the table backfills. It is never used again.
	Name string
	// Table and Key are the table and its primary key, a column with UUIDs; default of Key: id.
	Table, Key string
	// Fill changes the rows whose keys are above after, up to and including through, in the transaction of the batch.
	// Rows that are filled already must stay as they are: processes of the release write them at the same time.
	Fill func(ctx context.Context, tx *sql.Tx, after, through string) error
}

// FillBy returns the Fill of a back-fill that one statement does. Its parameters are $1, the key after which the batch
// begins, and $2, the last key of the batch.
func FillBy(statement string) func(ctx context.Context, tx *sql.Tx, after, through string) error {
	return func(ctx context.Context, tx *sql.Tx, after, through string) error {
		_, err := tx.ExecContext(ctx, statement, after, through)
		return err
	}
}

func (m *Migrator) checkBackfills() error {
	names := map[string]bool{}
	for i := range m.backfills {
		b := &m.backfills[i]
		if b.Key == "" {
			b.Key = "id"
		}
		if b.Name == "" || b.Table == "" || b.Fill == nil || names[b.Name] {
			return fmt.Errorf("back-fill %q needs a name of its own, a table and a function", b.Name)
		}
		names[b.Name] = true
	}
	for _, f := range m.files {
		for _, name := range f.needs {
			if !names[name] {
				return fmt.Errorf("migration %s: %w %q", f.name, ErrUnknownBackfill, name)
			}
		}
	}
	return nil
}

// Unfinished returns the names of the back-fills that are not finished.
func (m *Migrator) Unfinished(ctx context.Context) ([]string, error) {
	finished, err := sqldb.QueryAll(ctx, m.db.Writer, sqldb.ScanText,
		`SELECT name FROM backfills WHERE finished_at IS NOT NULL`)
	if err != nil {
		return nil, fmt.Errorf("reading the back-fills: %w", err)
	}
	var names []string
	for _, b := range m.backfills {
		if !slices.Contains(finished, b.Name) {
			names = append(names, b.Name)
		}
	}
	return names, nil
}

// Fill runs the back-fills that are not finished, to their ends. Several processes may run them at once.
func (m *Migrator) Fill(ctx context.Context) error {
	names, err := m.Unfinished(ctx)
	if err != nil {
		return err
	}
	return m.fillAll(ctx, names)
}

func (m *Migrator) fillAll(ctx context.Context, names []string) error {
	for _, name := range names {
		i := slices.IndexFunc(m.backfills, func(b Backfill) bool { return b.Name == name })
		if i < 0 {
			return fmt.Errorf("%w %q", ErrUnknownBackfill, name)
		}
		if err := m.fill(ctx, m.backfills[i]); err != nil {
			return fmt.Errorf("back-fill %s: %w", name, err)
		}
	}
	return nil
}

// firstKey is below every key.
const firstKey = "00000000-0000-0000-0000-000000000000"

const (
	firstBatch, smallestBatch, largestBatch = 500, 50, 5000 // rows

	// A batch that takes longer is followed by a smaller one, one that takes less than half of it by a larger one.
	batchTarget = 100 * time.Millisecond
	// rowWait is how long a batch waits for a row that another process changes.
	rowWait = time.Second
	// progressEvery is the time between two messages in the log.
	progressEvery = 10 * time.Second
)

// fill walks through the table. After each batch it rests for as long as the batch took, so a database under load gets
// more time between batches that are smaller.
func (m *Migrator) fill(ctx context.Context, b Backfill) error {
	if _, err := m.db.Writer.ExecContext(ctx, `INSERT INTO backfills (name, reached, done, updated_at)
		VALUES ($1, $2, 0, $3) ON CONFLICT (name) DO NOTHING`, b.Name, firstKey, sqldb.ToMicros(time.Now())); err != nil {
		return err
	}
	size, began := firstBatch, time.Now()
	nextReport := began.Add(progressEvery)
	for {
		start := time.Now()
		done, finished, err := m.fillBatch(ctx, b, size)
		took := time.Since(start)
		switch {
		case err != nil && !isLockNotAvailable(err) && !sqldb.IsRetryable(err):
			return err
		case err == nil && finished:
			m.log.InfoContext(ctx, "back-fill finished", "backfill", b.Name, "rows", done,
				"duration", time.Since(began).Round(time.Millisecond))
			return nil
		case err != nil || took > batchTarget:
			size = max(size/2, smallestBatch)
		case took < batchTarget/2:
			size = min(size*2, largestBatch)
		}
		if now := time.Now(); err == nil && now.After(nextReport) {
			nextReport = now.Add(progressEvery)
			m.log.InfoContext(ctx, "back-fill", "backfill", b.Name, "rows", done, "batch", size)
		}
		if err := sleep(ctx, jitter(min(max(took, time.Millisecond), 2*time.Second))); err != nil {
			return err
		}
	}
}

// fillBatch fills the next batch of at most size rows and stores the position, in one transaction. It returns how many
// rows have been walked through, and whether none was left.
func (m *Migrator) fillBatch(ctx context.Context, b Backfill, size int) (done int64, finished bool, err error) {
	err = m.db.InTx(ctx, func(tx *sql.Tx) error {
		if m.db.Dialect == sqldb.Postgres {
			if _, err := tx.ExecContext(ctx, `SELECT set_config('lock_timeout', $1, true),
				set_config('statement_timeout', '0', true)`, milliseconds(rowWait)); err != nil {
				return err
			}
		}
		// This locks the row, so that two processes do not fill the same batch.
		var after string
		var ended *int64
		if err := tx.QueryRowContext(ctx, `UPDATE backfills SET updated_at = $1 WHERE name = $2
			RETURNING reached, done, finished_at`, sqldb.ToMicros(time.Now()), b.Name).Scan(&after, &done, &ended); err != nil {
			return err
		}
		if finished = ended != nil; finished {
			return nil
		}
		keys, err := sqldb.QueryAll(ctx, tx, sqldb.ScanText, fmt.Sprintf(
			`SELECT CAST(%[1]s AS TEXT) FROM %[2]s WHERE %[1]s > $1 ORDER BY %[1]s LIMIT $2`, b.Key, b.Table), after, size)
		if err != nil {
			return err
		}
		if len(keys) == 0 {
			finished = true
			_, err := tx.ExecContext(ctx, `UPDATE backfills SET finished_at = updated_at WHERE name = $1`, b.Name)
			return err
		}
		through := keys[len(keys)-1]
		if err := b.Fill(ctx, tx, after, through); err != nil {
			return err
		}
		done += int64(len(keys))
		_, err = tx.ExecContext(ctx, `UPDATE backfills SET reached = $1, done = $2 WHERE name = $3`, through, done, b.Name)
		return err
	})
	return done, finished, err
}
