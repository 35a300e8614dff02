package store

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

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
	s := openStore(b, engineURL(b, sqldb.Postgres))
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

	var recordings, events int
	var wal, indexes, took float64
	for b.Loop() {
		b.StopTimer()
		batch := newRecordingBatch(b, s, team)
		walBefore, indexesBefore := writtenBytes(b, s)
		began := time.Now()
		b.StartTimer()
		for _, c := range batch {
			events += min(len(settle(b, s, c.orderID, c.cause).Decided.Decision.Steps), 1)
		}
		b.StopTimer()
		took += time.Since(began).Seconds()
		walAfter, indexesAfter := writtenBytes(b, s)
		wal, indexes, recordings = wal+walAfter-walBefore, indexes+indexesAfter-indexesBefore, recordings+len(batch)
		b.StartTimer()
	}
	b.ReportMetric(float64(recordings)/took, "recordings/s")
	b.ReportMetric(100*float64(events)/float64(recordings), "events-%")
	b.ReportMetric(wal/float64(recordings), "WAL-B/recording")
	b.ReportMetric(indexes/float64(recordings), "index-B/recording")
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

// writtenBytes returns the bytes that the server has written to its log so far, and the size of the orders' indexes.
func writtenBytes(b *testing.B, s *Store) (wal, indexes float64) {
	b.Helper()
	require.NoError(b, s.db.Writer.QueryRowContext(b.Context(), `SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn,
		SUM(pg_indexes_size(oid)) FROM pg_class WHERE relkind = 'r' AND relname IN `+recordingTables).Scan(&wal, &indexes))
	return wal, indexes
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
		b.Log(fmt.Sprintf("%s: %.2f updates a recording, %d of %d heap-only", u.table,
			float64(u.all)/float64(recordings), u.heapOnly, u.all))
	}
	b.ReportMetric(100*float64(heapOnly)/float64(all), "HOT-%")
}
