package store

import (
	"database/sql"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// orderUpdates counts the updates of the tables that hold orders, and those of them that wrote to no index
// ("heap-only"), as PostgreSQL does within a transaction.
type orderUpdates struct{ all, heapOnly map[string]int }

func readOrderUpdates(t *testing.T, tx *sql.Tx) orderUpdates {
	t.Helper()
	u := orderUpdates{map[string]int{}, map[string]int{}}
	for _, table := range orderTables {
		var all, heapOnly int
		require.NoError(t, tx.QueryRowContext(t.Context(), `SELECT pg_stat_get_xact_tuples_updated($1::regclass),
			pg_stat_get_xact_tuples_hot_updated($1::regclass)`, table.name).Scan(&all, &heapOnly))
		u.all[table.name], u.heapOnly[table.name] = all, heapOnly
	}
	return u
}

// updatesOfSettling settles a cause and returns how often that updated each table. Tables without updates are absent.
func updatesOfSettling(t *testing.T, s *Store, orderID string, c order.Cause) (all, heapOnly map[string]int) {
	t.Helper()
	all, heapOnly = map[string]int{}, map[string]int{}
	require.NoError(t, s.db.InTx(t.Context(), func(tx *sql.Tx) error {
		before := readOrderUpdates(t, tx)
		_, err := s.settleInTx(t.Context(), tx, orderID, c,
			func(state order.State) *order.Recording { return state.Decide(c, s.now()) }, s.now())
		after := readOrderUpdates(t, tx)
		for table := range after.all {
			if n := after.all[table] - before.all[table]; n > 0 {
				all[table] = n
			}
			if n := after.heapOnly[table] - before.heapOnly[table]; n > 0 {
				heapOnly[table] = n
			}
		}
		return err
	}))
	return all, heapOnly
}

// A recording without an event writes one row of one table, and no index. The other tables are written when what they
// hold changes.
func TestARecordingWritesOnlyWhatItChanges(t *testing.T) {
	t.Parallel()
	s := openStore(t, engineURL(t, sqldb.Postgres))
	require.NoError(t, s.Migrate(t.Context()))
	o := addOrder(t, s)
	look(t, s, o.ID) // its run has begun

	all, _ := updatesOfSettling(t, s, o.ID, placed("p1"))
	require.Equal(t, map[string]int{"order_states": 1, "order_progress": 1, "orders": 1}, all, "its accession number")

	moved := receiveFact(t, s, o.Number, courierMoves())
	all, _ = updatesOfSettling(t, s, o.ID, order.Cause{Fact: moved.Fact})
	require.Equal(t, map[string]int{"order_states": 1, "order_progress": 1}, all, "an event")

	again := receiveFact(t, s, o.Number, courierMoves())
	all, heapOnly := updatesOfSettling(t, s, o.ID, order.Cause{Fact: again.Fact})
	require.Equal(t, map[string]int{"order_states": 1}, all, "no event")
	require.Equal(t, all, heapOnly)

	d := order.Demand{ID: sqldb.NewID(), Kind: order.DemandRegister, By: lifecycle.Client}
	require.NoError(t, s.AddDemand(t.Context(), DemandRow{ID: d.ID, OrderID: o.ID, Kind: d.Kind, By: d.By}))
	all, heapOnly = updatesOfSettling(t, s, o.ID, order.Cause{Demand: &d})
	require.Equal(t, map[string]int{"order_states": 1}, all, "a refused demand")
	require.Equal(t, all, heapOnly)

	v, _, err := s.StoreLabReport(t.Context(), o.ID, 1, order.LabReport{Status: "final"}, sha256Hex("r"), nil, nil)
	require.NoError(t, err)
	require.NoError(t, s.db.InTx(t.Context(), func(tx *sql.Tx) error {
		before := readOrderUpdates(t, tx)
		err := s.publishResultVersion(t.Context(), tx, o.ID, v.ID)
		require.Equal(t, before.all["order_documents"]+1, readOrderUpdates(t, tx).all["order_documents"])
		require.Equal(t, before.all["orders"], readOrderUpdates(t, tx).all["orders"])
		return err
	}))

	// Control: with an index on what every recording changes, no update is heap-only.
	_, err = s.db.Writer.ExecContext(t.Context(), `CREATE INDEX ON order_states (revision)`)
	require.NoError(t, err)
	last := receiveFact(t, s, o.Number, courierMoves())
	all, heapOnly = updatesOfSettling(t, s, o.ID, order.Cause{Fact: last.Fact})
	require.Equal(t, map[string]int{"order_states": 1}, all)
	require.Empty(t, heapOnly)
}

// The columns of other tables that are derived from a state, or copied, equal what they come from.
func TestCopiesEqualTheirOrigins(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		team := addTeam(t, s).ID
		kit := addOrderOf(t, s, team, setRegistrable)
		applyRequisitionTaken(t, s, kit.ID, "KIT-1")
		recordRegistration(t, s, kit.ID, order.Registration{
			Patient: &order.Patient{FirstName: "Ada", DOB: order.Date{Year: 1990, Month: time.March, Day: 1}},
			Address: &order.Address{FirstLine: "1"}, UserID: sqldb.NewID(), ClientUserID: "other",
		})
		ended := addOrderOf(t, s, team)
		moveTo(t, s, ended.ID, lifecycle.Cancelled)
		differing := func() int {
			n, err := sqldb.QueryOne(t.Context(), s.db.Reader, sqldb.ScanInt, `SELECT COUNT(*) FROM orders o
				JOIN order_progress p ON p.order_id = o.id JOIN order_states w ON w.order_id = o.id
				WHERE p.team_id <> o.team_id OR p.user_id <> o.user_id OR p.modality <> o.modality
					OR p.created_at <> o.created_at OR w.next_deadline > 0 AND NOT p.unfinished`)
			require.NoError(t, err)
			return n
		}
		require.Zero(t, differing())
		for _, id := range []string{kit.ID, ended.ID} {
			o := getOrder(t, s, id)
			require.Equal(t, []any{o.State.Status, o.State.Detail, o.State.Sequence, o.State.Revision, o.State.Registered,
				o.State.Accession}, []any{o.Status, o.Detail, o.Sequence, o.Revision, o.Registered, o.Accession})
		}
		// Control.
		execUnchecked(t, s, `UPDATE orders SET user_id = $1 WHERE id = $2`, sqldb.NewID(), kit.ID)
		require.Equal(t, 1, differing())
	})
}
