package e2e

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// tableSizes returns the bytes on disk of each table of a store on PostgreSQL, with its indexes, its TOAST table and
// its partitions. It is empty for SQLite.
func (s *system) tableSizes(b *testing.B) map[string]float64 {
	b.Helper()
	sizes := map[string]float64{}
	if strings.HasPrefix(s.dbURL, "sqlite:") {
		return sizes
	}
	ctx := context.Background()
	connection, err := pgx.Connect(ctx, s.dbURL)
	require.NoError(b, err)
	defer func() { require.NoError(b, connection.Close(ctx)) }()
	rows, err := connection.Query(ctx, `SELECT c.relname::text, SUM(pg_total_relation_size(p.relid))::float8
		FROM pg_class c, pg_partition_tree(c.oid) p
		WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
		GROUP BY c.relname
		UNION ALL SELECT c.relname::text, pg_total_relation_size(c.oid)::float8 FROM pg_class c
		WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r' AND NOT c.relispartition
			AND NOT EXISTS (SELECT 1 FROM pg_partition_tree(c.oid))`)
	require.NoError(b, err)
	var name string
	var size float64
	_, err = pgx.ForEachRow(rows, []any{&name, &size}, func() error {
		sizes[name] = size
		return nil
	})
	require.NoError(b, err)
	return sizes
}

// logTableGrowth logs how much each table has grown for each order, the largest first. A kilobyte an order is a
// gigabyte a million orders.
func logTableGrowth(b *testing.B, before, after map[string]float64) {
	b.Helper()
	grown := func(table string) float64 { return (after[table] - before[table]) / 1000 / benchOrders }
	tables := slices.SortedFunc(maps.Keys(after), func(x, y string) int {
		return cmp.Or(cmp.Compare(grown(y), grown(x)), strings.Compare(x, y))
	})
	var line []string // one line, because benchmarks print ten at most
	for _, table := range tables {
		if kB := grown(table); kB >= 0.1 {
			line = append(line, fmt.Sprintf("%s %.1f", table, kB))
		}
	}
	if len(line) > 0 {
		b.Logf("kB an order by table: %s", strings.Join(line, ", "))
	}
}
