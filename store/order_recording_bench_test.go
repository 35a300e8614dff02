package store

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/internal/testservers/postgrestest"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// The orders that are there before the measurement, and those that a batch takes through their kits' lives.
const (
	recordingBackground = 5000
	recordingBatch      = 50
)

// BenchmarkRecording measures on PostgreSQL what recordings write: of each batch of orders, the lab's acceptance, the
// shipment, and the reports of both couriers, most of them twice, as couriers send them. Half of the recordings have no
// event. Unlike BenchmarkRecord it settles facts, and it counts bytes.
func BenchmarkRecording(b *testing.B) {
	url := engineURL(b, sqldb.Postgres)
	s := openStore(b, url)
	require.NoError(b, s.Migrate(b.Context()))
	team := sqldb.NewID()
	require.NoError(b, s.CreateTeam(b.Context(), Team{ID: team, Name: "Acme", Environment: Sandbox}))
	require.NoError(b, s.CreateEndpoint(b.Context(),
		Endpoint{ID: sqldb.NewID(), TeamID: team, URL: "https://client.example/hook"}))
	background := make([]order.Order, recordingBackground)
	for i := range background {
		background[i] = newOrder(s, team).Order
	}
	require.NoError(b, s.BulkInsertOrders(b.Context(), background))
	require.NoError(b, s.Analyze(b.Context()))

	// The extension shows which part of the log is about indexes. Only a superuser may read the log.
	log, err := sqldb.Open(postgrestest.AsRole(url, "postgres"), 1)
	require.NoError(b, err)
	defer func() { require.NoError(b, log.Close()) }()
	_, err = log.Writer.ExecContext(b.Context(), `CREATE EXTENSION IF NOT EXISTS pg_walinspect`)
	require.NoError(b, err)

	var recordings, events int
	var sum written
	var took float64
	for b.Loop() {
		b.StopTimer()
		batch := newRecordingBatch(b, s, team)
		before := readWritten(b, log)
		began := time.Now()
		b.StartTimer()
		for _, c := range batch {
			events += min(len(settle(b, s, c.orderID, c.cause).Decided.Decision.Steps), 1)
		}
		b.StopTimer()
		took += time.Since(began).Seconds()
		sum.add(b, log, before)
		recordings += len(batch)
		b.StartTimer()
	}
	b.ReportMetric(float64(recordings)/took, "recordings/s")
	b.ReportMetric(100*float64(events)/float64(recordings), "events-%")
	b.ReportMetric(sum.wal/float64(recordings), "WAL-B/recording")
	b.ReportMetric(sum.indexWAL/float64(recordings), "index-WAL-B/recording")
	b.ReportMetric(sum.indexes/float64(recordings), "index-growth-B/recording")
	reportUpdates(b, s, recordings)
	b.ReportMetric(0, "ns/op")
}

// settledCause is a cause to be settled.
type settledCause struct {
	orderID string
	cause   order.Cause
}

// newRecordingBatch creates orders and stores the facts about them. The causes of all orders alternate, as they do when
// many orders are open.
func newRecordingBatch(b *testing.B, s *Store, team string) []settledCause {
	b.Helper()
	kit := func(leg string, to lifecycle.LowStatus) order.Fact {
		return order.Fact{Kind: order.FactCourierReport, Leg: leg, TargetStatus: to}
	}
	facts := []order.Fact{
		{Kind: order.FactKitShipped, OutboundNumber: "9400100000000000000001", InboundNumber: "9400100000000000000002"},
		kit("outbound", lifecycle.TransitCustomer), kit("outbound", lifecycle.TransitCustomer),
		kit("outbound", lifecycle.WithCustomer), kit("outbound", lifecycle.WithCustomer),
		kit("inbound", lifecycle.TransitLab), kit("inbound", lifecycle.TransitLab), kit("inbound", lifecycle.TransitLab),
		kit("inbound", lifecycle.DeliveredToLab), kit("inbound", lifecycle.DeliveredToLab),
	}
	batch := make([]settledCause, recordingBatch, recordingBatch*(len(facts)+1))
	numbers := make([]string, recordingBatch)
	for i := range recordingBatch {
		c, err := s.CreateOrder(b.Context(), newOrder(s, team))
		require.NoError(b, err)
		look(b, s, c.Order.ID) // its run has begun
		batch[i], numbers[i] = settledCause{c.Order.ID, placed("place-" + c.Order.ID)}, c.Order.Number
	}
	for _, f := range facts {
		for i := range recordingBatch {
			in := receiveFact(b, s, numbers[i], f)
			batch = append(batch, settledCause{batch[i].orderID, order.Cause{Fact: in.Fact}})
		}
	}
	return batch
}

// recordingTables are the tables whose updates are counted.
const recordingTables = `('orders', 'order_progress', 'order_states', 'order_documents')`

// written is what the server has written, in bytes.
type written struct {
	at       string  // the position in its log
	wal      float64 // its log
	indexWAL float64 // the part of the log that is about the indexes of the orders' tables
	indexes  float64 // the size of these indexes
}

func readWritten(b *testing.B, log *sqldb.DB) (w written) {
	b.Helper()
	require.NoError(b, log.Writer.QueryRowContext(b.Context(), `SELECT CAST(pg_current_wal_flush_lsn() AS TEXT),
		SUM(pg_indexes_size(oid)) FROM pg_class WHERE relkind = 'r' AND relname IN `+recordingTables).Scan(&w.at, &w.indexes))
	return w
}

// add adds what was written since another reading.
func (w *written) add(b *testing.B, log *sqldb.DB, since written) {
	b.Helper()
	now := readWritten(b, log)
	w.indexes += now.indexes - since.indexes
	var wal, indexWAL float64
	require.NoError(b, log.Writer.QueryRowContext(b.Context(), `SELECT $2::pg_lsn - $1::pg_lsn, (
		SELECT COALESCE(SUM(record_length), 0) FROM pg_get_wal_records_info($1::pg_lsn, $2::pg_lsn)
		WHERE resource_manager = 'Btree' AND CAST(substring(block_ref FROM 'rel \d+/\d+/(\d+)') AS OID) IN (
			SELECT c.relfilenode FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid
			WHERE t.relname IN `+recordingTables+`))`, since.at, now.at).Scan(&wal, &indexWAL))
	w.wal, w.indexWAL = w.wal+wal, w.indexWAL+indexWAL
}

// reportUpdates reports the share of heap-only ("HOT") updates, of all tables and, in the log, of each.
func reportUpdates(b *testing.B, s *Store, recordings int) {
	b.Helper()
	s.db.Writer.SetMaxIdleConns(0) // a connection that is closed delivers its counts
	type updates struct {
		table         string
		all, heapOnly int
	}
	var tables []updates
	require.Eventually(b, func() bool {
		var err error
		tables, err = sqldb.QueryAll(b.Context(), s.db.Writer, func(row sqldb.Scanner) (u updates, err error) {
			err = row.Scan(&u.table, &u.all, &u.heapOnly)
			return u, err
		}, `SELECT relname, n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname IN `+recordingTables)
		require.NoError(b, err)
		most := 0
		for _, u := range tables {
			most = max(most, u.all)
		}
		return most >= recordings
	}, time.Minute, 10*time.Millisecond)
	var all, heapOnly int
	for _, u := range tables {
		all, heapOnly = all+u.all, heapOnly+u.heapOnly
		b.Logf("%s: %.2f updates a recording, %d of %d heap-only", u.table,
			float64(u.all)/float64(recordings), u.heapOnly, u.all)
	}
	b.ReportMetric(100*float64(heapOnly)/float64(all), "HOT-%")
}
