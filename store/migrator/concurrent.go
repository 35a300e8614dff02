package migrator

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/pressly/goose/v3"

	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// concurrentMigrations returns the options with which goose leaves the files without a transaction to this package.
func (m *Migrator) concurrentMigrations() []goose.ProviderOption {
	var options []goose.ProviderOption
	for _, f := range m.files {
		if !f.concurrent {
			continue
		}
		options = append(options, goose.WithExcludeNames([]string{f.name}),
			goose.WithGoMigrations(goose.NewGoMigration(f.version,
				&goose.GoFunc{RunDB: m.concurrently(f.up)}, &goose.GoFunc{RunDB: m.concurrently(f.down)})))
	}
	return options
}

// concurrently returns a function that runs statements on the connection of the session. None of them makes readers or
// writers wait, so there is no limit to how long they wait themselves.
func (m *Migrator) concurrently(all []statement) func(context.Context, *sql.DB) error {
	return func(ctx context.Context, _ *sql.DB) error {
		for _, st := range all {
			if err := m.session.run(ctx, st); err != nil {
				return err
			}
		}
		return nil
	}
}

func (s *session) run(ctx context.Context, st statement) error {
	switch st.kind {
	case "create":
		partitioned, err := s.isPartitioned(ctx, st.table)
		if err != nil {
			return err
		}
		if partitioned {
			return s.buildPartitioned(ctx, st)
		}
		return s.build(ctx, st)
	case "drop":
		return s.dropIndex(ctx, st.index)
	}
	return s.exec(ctx, 0, st.text)
}

// build builds an index unless it is valid. The remains of an interrupted build are dropped first.
func (s *session) build(ctx context.Context, st statement) error {
	valid, err := s.isValid(ctx, st.index)
	if err == nil && valid {
		return nil
	}
	if err == nil {
		s.log.InfoContext(ctx, "an interrupted build of the index is dropped", "index", st.index)
		err = s.dropIndex(ctx, st.index)
	}
	if err != nil && !errors.Is(err, sqldb.ErrNotFound) {
		return err
	}
	return s.exec(ctx, 0, st.create("CONCURRENTLY "+st.index, st.table))
}

// buildPartitioned builds an index of a partitioned table: concurrently on each partition, which PostgreSQL does not do
// itself. The index of the whole is valid when every partition has its own.
func (s *session) buildPartitioned(ctx context.Context, st statement) error {
	if _, err := s.isValid(ctx, st.index); errors.Is(err, sqldb.ErrNotFound) {
		if err := s.exec(ctx, s.lockTimeout, st.create(st.index, "ONLY "+st.table)); err != nil {
			return err
		}
	} else if err != nil {
		return err
	}
	partitions, err := sqldb.QueryAll(ctx, s.conn, sqldb.ScanText, partitionsWithoutIndex, st.table, st.index)
	if err != nil {
		return fmt.Errorf("listing the partitions of %s: %w", st.table, err)
	}
	for _, partition := range partitions {
		part := st
		part.table, part.index = partition, partitionIndexName(partition, st.index)
		err := s.build(ctx, part)
		if err == nil {
			err = s.exec(ctx, s.lockTimeout, "ALTER INDEX "+st.index+" ATTACH PARTITION "+part.index)
		}
		if err != nil && !s.isGone(ctx, partition) {
			return err
		}
	}
	valid, err := s.isValid(ctx, st.index)
	if err == nil && !valid {
		err = fmt.Errorf("the index %s is not valid although every partition has it", st.index)
	}
	return err
}

// isGone reports whether a table has been dropped, as a worker drops a partition whose retention is over.
func (s *session) isGone(ctx context.Context, table string) bool {
	gone, err := sqldb.QueryOne(ctx, s.conn, func(row sqldb.Scanner) (gone bool, err error) {
		err = row.Scan(&gone)
		return gone, err
	}, `SELECT to_regclass($1) IS NULL`, table)
	return err == nil && gone
}

// partitionsWithoutIndex lists the partitions of $1 whose part of the index $2 is not attached.
const partitionsWithoutIndex = `SELECT c.relname FROM pg_inherits h JOIN pg_class c ON c.oid = h.inhrelid
	WHERE h.inhparent = to_regclass($1) AND NOT EXISTS (
		SELECT 1 FROM pg_inherits ih JOIN pg_index i ON i.indexrelid = ih.inhrelid
		WHERE ih.inhparent = to_regclass($2) AND i.indrelid = c.oid)
	ORDER BY c.relname`

// partitionIndexName returns a name of at most 63 bytes.
func partitionIndexName(partition, index string) string {
	name := partition + "_" + index
	if len(name) <= 63 {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	return name[:54] + "_" + hex.EncodeToString(sum[:4])
}

// create returns the statement that builds the index under a name on a table.
func (st statement) create(name, table string) string {
	kind := "CREATE INDEX "
	if st.unique {
		kind = "CREATE UNIQUE INDEX "
	}
	return kind + name + " ON " + table + " " + st.rest
}

// dropIndex drops an index if it exists. That of a partitioned table cannot be dropped concurrently; it takes a lock
// for a moment.
func (s *session) dropIndex(ctx context.Context, index string) error {
	var kind string
	err := s.conn.QueryRowContext(ctx, `SELECT relkind::text FROM pg_class WHERE oid = to_regclass($1)`, index).Scan(&kind)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("looking for the index %s: %w", index, err)
	}
	if kind == "I" {
		return s.exec(ctx, s.lockTimeout, "DROP INDEX IF EXISTS "+index)
	}
	return s.exec(ctx, 0, "DROP INDEX CONCURRENTLY IF EXISTS "+index)
}

// isValid reports whether an index is complete. The error is sqldb.ErrNotFound when there is none.
func (s *session) isValid(ctx context.Context, index string) (valid bool, err error) {
	err = s.conn.QueryRowContext(ctx, `SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass($1)`, index).
		Scan(&valid)
	if errors.Is(err, sql.ErrNoRows) {
		return false, sqldb.ErrNotFound
	}
	if err != nil {
		return false, fmt.Errorf("looking for the index %s: %w", index, err)
	}
	return valid, nil
}

func (s *session) isPartitioned(ctx context.Context, table string) (partitioned bool, err error) {
	err = s.conn.QueryRowContext(ctx, `SELECT relkind = 'p' FROM pg_class WHERE oid = to_regclass($1)`, table).
		Scan(&partitioned)
	if err != nil {
		return false, fmt.Errorf("looking for the table %s: %w", table, err)
	}
	return partitioned, nil
}
