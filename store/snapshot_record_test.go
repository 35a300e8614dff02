package store

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

var (
	recordSnapshot  = flag.Bool("record-snapshot", false, "record the snapshot of testdata with this build")
	relabelSnapshot = flag.Bool("relabel-snapshot", false, "give the snapshot of testdata the migrations' present numbers")
)

// unread are sealed columns that no function of the store reads, or only to move a value.
var unread = []string{"results.raw", "reviews.raw", "reviews.pdf", "messages.body"}

// This test records the snapshot anew, with the build under test:
//
//	go test ./store -run TestTheSnapshotIsRecorded -record-snapshot
//
// The tests of a snapshot say something only of a build other than the one that recorded it. So record again only where
// what is stored is meant to change. Where only the numbers of migrations change and not the schema, keep the database
// and run
//
//	go test ./store -run TestTheSnapshotIsRelabelled -relabel-snapshot
func TestTheSnapshotIsRecorded(t *testing.T) { //nolint:paralleltest // it writes what the others read
	if !*recordSnapshot {
		t.Skip("only with -record-snapshot")
	}
	file := filepath.Join(t.TempDir(), "store.db")
	s, err := Open(t.Context(), Options{URL: "sqlite:" + file, Keys: testKeyring(t)})
	require.NoError(t, err)
	require.NoError(t, s.Migrate(t.Context()))
	began := time.Date(2026, time.January, 5, 9, 0, 0, 0, time.UTC)
	s.now = func() time.Time { return began }
	w := &snapshotWriter{t: t, s: s, forward: stopClock(s), orders: map[string]*order.Order{}}
	w.open()
	w.kits()
	w.visits()
	w.rest()
	w.forward(time.Minute)

	m := manifest{
		RecordedAt: s.now(), TeamID: w.team, UserID: w.user, EndpointID: w.endpoint, APIKey: snapshotKey,
		Operations: snapshotOps,
		LabUser:    snapshotLabUser, LabToken: snapshotLabSecret, Orders: map[string]string{},
		Tables: tableRows(t, s), Sealed: digests(t, s), Terms: terms(t, s), States: states(t, s),
	}
	for name, o := range w.orders {
		m.Orders[name] = o.ID
	}
	m.Open, err = s.UnfinishedOrders(t.Context(), "", 100)
	require.NoError(t, err)
	m.Readings = readings(t, s, m)
	requireRead(t, s, m)
	m.Searches = searches(t, s, w.searches())
	for search, found := range m.Searches {
		require.NotEmpty(t, found, search)
	}
	for _, values := range m.Terms {
		require.NotContains(t, values, "", "a hash of no term")
	}
	require.Empty(t, notAgain(t, s))

	require.NoError(t, s.Close())
	pack(t, file)
	text, err := json.MarshalIndent(m, "", "\t")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(snapshotManifest, append(text, '\n'), 0o600))
}

// requireRead requires that every word of a sealed value is among what the store's functions read.
func requireRead(t *testing.T, s *Store, m manifest) {
	t.Helper()
	var read, missed []string
	for what, found := range m.Readings {
		require.NotEmpty(t, found, what)
		read = append(read, found...)
	}
	old, err := sqldb.QueryAll(t.Context(), s.db.Reader, sqldb.ScanText, `SELECT id FROM results r WHERE NOT visible
		OR EXISTS (SELECT 1 FROM results n WHERE n.order_id = r.order_id AND n.version > r.version)`)
	require.NoError(t, err)
	for context, text := range openAllValues(t, s) {
		parts := strings.Split(context, "/")
		if slices.Contains(unread, parts[0]+"."+parts[len(parts)-1]) || parts[0] == "results" && slices.Contains(old,
			parts[1]) {
			continue
		}
		for _, word := range words(text) {
			if !slices.Contains(read, word) {
				missed = append(missed, context)
			}
		}
	}
	require.Empty(t, missed)
}

// searches are one search at least by each field of each hash.
func (w *snapshotWriter) searches() []string {
	all := []string{"search:1990-03-05", "critical:true", "critical:false", "interpretation:normal",
		"interpretation:critical"}
	for _, o := range w.orders {
		if o = getOrder(w.t, w.s, o.ID); o.Patient != nil {
			first, last := o.Patient.FirstName, o.Patient.LastName
			all = append(all, "patient_name:"+first, "patient_name:"+first+" "+last, "search:"+last,
				"match:"+normaliseName(first+" "+last)+", "+o.Patient.DOB.String())
		}
		if o.Shipping != nil {
			to := o.Shipping.ReceiverName
			all = append(all, "recipient_name:"+to, "recipient_name:"+strings.Fields(to)[0], "search:"+to)
		}
	}
	tested := w.orders["kit cancelled"].Patient
	return append(all, "review:"+tested.FirstName, "review:"+tested.FirstName+" "+tested.LastName,
		"review:"+tested.DOB.String())
}

// pack compresses a database into testdata.
func pack(t *testing.T, file string) {
	t.Helper()
	content, err := os.ReadFile(file)
	require.NoError(t, err)
	var packed bytes.Buffer
	to, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	require.NoError(t, err)
	_, err = to.Write(content)
	require.NoError(t, err)
	require.NoError(t, to.Close())
	require.Less(t, packed.Len(), 500_000)
	require.NoError(t, os.WriteFile(snapshotDatabase, packed.Bytes(), 0o600))
}

// This test gives the snapshot the numbers of the present migrations, after they were renumbered or squashed. The
// schema must be the same: a migration that changes it has to run on the snapshot as on any database.
func TestTheSnapshotIsRelabelled(t *testing.T) { //nolint:paralleltest // it writes what the others read
	if !*relabelSnapshot {
		t.Skip("only with -relabel-snapshot")
	}
	file := snapshotFile(t)
	fresh := openStore(t, "sqlite:"+migratedSQLite.Copy(t))
	db, err := sqldb.Open("sqlite:"+file, 1)
	require.NoError(t, err)
	old := &Store{db: db} // not by Open, which refuses the old numbers
	require.Equal(t, schema(t, fresh), schema(t, old))
	execUnchecked(t, old, `DELETE FROM goose_db_version`)
	versions, err := sqldb.QueryAll(t.Context(), fresh.db.Reader, sqldb.ScanInt,
		`SELECT version_id FROM goose_db_version ORDER BY id`)
	require.NoError(t, err)
	for _, version := range versions {
		execUnchecked(t, old, `INSERT INTO goose_db_version (version_id, is_applied) VALUES ($1, 1)`, version)
	}
	require.NoError(t, old.Close())
	pack(t, file)
}

// schema lists the columns of all tables and the names of all indexes.
func schema(t *testing.T, s *Store) []string {
	t.Helper()
	all, err := sqldb.QueryAll(t.Context(), s.db.Reader, sqldb.ScanText, `
		SELECT m.name || '.' || c.name || ' ' || c.type || ' ' || c."notnull" || ' ' || c.pk
		FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table'
		UNION ALL SELECT 'index ' || name FROM sqlite_master WHERE type = 'index' ORDER BY 1`)
	require.NoError(t, err)
	return all
}
