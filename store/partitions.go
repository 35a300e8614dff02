package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// PartitionsAhead is how many partitions of each table are made ahead: weeks of messages, months of the audit.
const PartitionsAhead = 4

// HasPartitions reports whether messages, deliveries, attempts and the audit are partitioned by time, so that old rows
// leave with their partition. SQLite has no partitions: there, rows are removed one by one.
func (s *Store) HasPartitions() bool { return s.db.Dialect == sqldb.Postgres }

// PartitionRetention is how long the rows of partitioned tables are stored at least. Zero: without a limit.
type PartitionRetention struct {
	Messages time.Duration // webhook messages with their deliveries and attempts
	Audit    time.Duration
}

// SetPartitionRetention writes the retention into the database, which drops no partition before its retention is over.
// Only the owner of the schema may write it. It does nothing without partitions.
func (s *Store) SetPartitionRetention(ctx context.Context, keep PartitionRetention) error {
	if !s.HasPartitions() {
		return nil
	}
	_, err := s.db.Writer.ExecContext(ctx, `UPDATE partition_rules
		SET keep = CASE family WHEN 'messages' THEN CAST($1 AS BIGINT) ELSE CAST($2 AS BIGINT) END`,
		keep.Messages.Microseconds(), keep.Audit.Microseconds())
	if err != nil {
		return fmt.Errorf("writing how long partitions are kept: %w", err)
	}
	return nil
}

// PartitionRetention reads the retention that SetPartitionRetention wrote.
func (s *Store) PartitionRetention(ctx context.Context) (PartitionRetention, error) {
	keep, err := sqldb.QueryOne(ctx, s.db.Reader, func(row sqldb.Scanner) (PartitionRetention, error) {
		var messages, audit int64
		err := row.Scan(&messages, &audit)
		return PartitionRetention{time.Duration(messages) * time.Microsecond, time.Duration(audit) * time.Microsecond}, err
	}, `SELECT COALESCE(MAX(CASE WHEN family = 'messages' THEN keep END), 0),
		COALESCE(MAX(CASE WHEN family = 'audit' THEN keep END), 0) FROM partition_rules`)
	if err != nil {
		return PartitionRetention{}, fmt.Errorf("reading how long partitions are kept: %w", err)
	}
	return keep, nil
}

// MakePartitions makes the partitions that are missing until PartitionsAhead, and those of rows that are in the default
// partitions, and returns their names. What another transaction has locked is left to the next call. It does nothing
// without partitions.
func (s *Store) MakePartitions(ctx context.Context) (made []string, err error) {
	const most = 200 // per call; also of imported rows of many years
	for s.HasPartitions() && len(made) < most {
		name, err := sqldb.QueryOne(ctx, s.db.Writer, sqldb.ScanText, `SELECT COALESCE(make_partition($1), '')`,
			PartitionsAhead)
		if err != nil {
			return made, fmt.Errorf("making partitions: %w", err)
		}
		if name == "" {
			break
		}
		made = append(made, name)
	}
	return made, nil
}

// DropPartitions drops the partitions whose retention is over and that nothing holds: a pending delivery holds the week
// of its message, and a row that is not sealed its month of the audit. What another transaction has locked is left to
// the next call. It returns how many times it dropped a week or months. It does nothing without partitions.
func (s *Store) DropPartitions(ctx context.Context) (int, error) {
	if !s.HasPartitions() {
		return 0, nil
	}
	n, failed := 0, []error(nil)
	for _, drop := range []func(context.Context) (bool, error){s.dropMessagePartitions, s.dropAuditPartitions} {
		for {
			dropped, err := drop(ctx)
			if err != nil {
				failed = append(failed, err)
			}
			if !dropped {
				break
			}
			n++
		}
	}
	return n, errors.Join(failed...)
}

func (s *Store) dropMessagePartitions(ctx context.Context) (bool, error) {
	dropped, err := sqldb.QueryOne(ctx, s.db.Writer, sqldb.ScanInt, `SELECT drop_message_partitions()`)
	if err != nil {
		return false, fmt.Errorf("dropping partitions of messages: %w", err)
	}
	return dropped > 0, nil
}

// PartitionState says whether the partitions are as they should be.
type PartitionState struct {
	Ahead     int // partitions after the present one, of the table that has the fewest
	StrayRows int // rows in default partitions; at most 1000 of each table are counted
}

// PartitionState reads the state of the partitions. Without partitions it is that of a database where nothing is
// missing.
func (s *Store) PartitionState(ctx context.Context) (PartitionState, error) {
	if !s.HasPartitions() {
		return PartitionState{Ahead: PartitionsAhead}, nil
	}
	state, err := sqldb.QueryOne(ctx, s.db.Reader, func(row sqldb.Scanner) (p PartitionState, err error) {
		err = row.Scan(&p.Ahead, &p.StrayRows)
		return p, err
	}, `SELECT MIN(ahead), SUM(stray) FROM partition_state()`)
	if err != nil {
		return PartitionState{}, fmt.Errorf("reading the state of the partitions: %w", err)
	}
	return state, nil
}
