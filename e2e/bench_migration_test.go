package e2e

import (
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/store/migrator"
)

// BenchmarkMigrationsUnderLoad is TestMigrationsUnderLoad with ALIQUOT_BENCH_ORDERS orders and the product's limits.
// For comparison it prints the longest pause of a writer during a CREATE INDEX that is not concurrent.
func BenchmarkMigrationsUnderLoad(b *testing.B) {
	orders, err := strconv.Atoi(os.Getenv(benchSearch))
	if err != nil {
		b.Skip(benchSearch + " is not set")
	}
	l := newMigrationLoad(b, orders)
	l.lockTimeout, l.report = migrator.DefaultLockTimeout, 3*time.Second
	began := time.Now()
	migrateUnderLoad(l)
	b.ReportMetric(time.Since(began).Seconds(), "s/migration")
	b.ReportMetric(time.Duration(l.reader.Load()).Seconds(), "s-longest-read")
	b.ReportMetric(time.Duration(l.writer.Load()).Seconds(), "s-longest-write")
	l.writer.Store(0)
	l.report = time.Millisecond
	l.run(func() {
		_, err := l.db.ExecContext(b.Context(), `CREATE INDEX control ON orders (trial, created_at, id)`)
		require.NoError(b, err)
	})
	b.ReportMetric(time.Duration(l.writer.Load()).Seconds(), "s-write-at-plain-index")
}
