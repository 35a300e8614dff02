package store

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/store/keyring"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// The snapshot is a database that an earlier build wrote, with rows in every table, and the results that the build read
// from it. The tests here open a copy with the current build. TestTheSnapshotIsRecorded says how to record it again.
const (
	snapshotDatabase = "testdata/snapshot.db.gz"
	snapshotManifest = "testdata/snapshot.json"
)

// manifest is the expected content of the snapshot.
type manifest struct {
	RecordedAt time.Time                  `json:"recorded_at"`
	TeamID     string                     `json:"team_id"`
	UserID     string                     `json:"user_id"`
	EndpointID string                     `json:"endpoint_id"`
	APIKey     string                     `json:"api_key"`
	Operations string                     `json:"operations_key"`
	LabUser    string                     `json:"lab_user"`
	LabToken   string                     `json:"lab_token"`
	Orders     map[string]string          `json:"orders"`   // ids by name
	Open       []string                   `json:"open"`     // ids of unfinished orders
	Tables     map[string]int             `json:"tables"`   // rows by table
	Sealed     map[string]string          `json:"sealed"`   // SHA-256 of the plaintext by seal context
	Terms      map[string][]string        `json:"terms"`    // search terms by table, row and field
	Searches   map[string][]string        `json:"searches"` // ids that a search finds, by what is searched for
	Readings   map[string][]string        `json:"readings"` // words of sealed values, by what is read
	States     map[string]json.RawMessage `json:"states"`   // order.State by order
}

func readManifest(t *testing.T) manifest {
	t.Helper()
	text, err := os.ReadFile(snapshotManifest)
	require.NoError(t, err)
	var m manifest
	require.NoError(t, json.Unmarshal(text, &m))
	return m
}

// snapshotFile unpacks the database into a directory of the test.
func snapshotFile(t *testing.T) string {
	t.Helper()
	packed, err := os.Open(snapshotDatabase)
	require.NoError(t, err)
	defer func() { require.NoError(t, packed.Close()) }()
	unpacked, err := gzip.NewReader(packed)
	require.NoError(t, err)
	content, err := io.ReadAll(unpacked)
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "store.db")
	require.NoError(t, os.WriteFile(file, content, 0o600))
	return file
}

// openSnapshot opens a copy of the snapshot, at the time at which it was recorded.
func openSnapshot(t *testing.T) (*Store, manifest) {
	t.Helper()
	m := readManifest(t)
	s := openStore(t, "sqlite:"+snapshotFile(t), func(o *Options) { o.Now = func() time.Time { return m.RecordedAt } })
	require.NoError(t, s.Migrate(t.Context()))
	return s, m
}

// tableRows counts the rows of every table but the migrations' own, and the rules of partitions, which SQLite does not
// have.
func tableRows(t *testing.T, s *Store) map[string]int {
	t.Helper()
	counts := rowCounts(t, s)
	maps.DeleteFunc(counts, func(table string, _ int) bool {
		return strings.HasPrefix(table, "goose_") || strings.HasPrefix(table, "sqlite_") ||
			table == "partition_rules"
	})
	for table, n := range counts {
		require.NotZero(t, n, "the snapshot has no row in %s", table)
	}
	return counts
}

// digests returns the hashes of all sealed values' plaintexts, by seal context.
func digests(t *testing.T, s *Store) map[string]string {
	t.Helper()
	all := map[string]string{}
	for context, text := range openAllValues(t, s) {
		sum := sha256.Sum256([]byte(text))
		all[context] = hex.EncodeToString(sum[:])
	}
	return all
}

func TestEverySealedValueOfTheSnapshotOpens(t *testing.T) {
	t.Parallel()
	s, m := openSnapshot(t)
	require.Equal(t, m.Tables, tableRows(t, s))
	require.Empty(t, undeclaredSealedColumns(t, s))
	require.Equal(t, m.Sealed, digests(t, s))
	for context := range m.Sealed {
		open := func(context string) error {
			parts := strings.Split(context, "/")
			table, column := parts[0], parts[len(parts)-1]
			sealed := sealedAt(t, s, table, strings.Join(parts[1:len(parts)-1], "/"), column)
			_, err := s.keys.Open(context, sealed)
			return err
		}
		require.NoError(t, open(context))
	}
}

// sealedAt reads one sealed value as the database stores it.
func sealedAt(t *testing.T, s *Store, table, id, column string) []byte {
	t.Helper()
	at := slices.IndexFunc(sealedTables, func(known sealedTable) bool { return known.name == table })
	require.GreaterOrEqual(t, at, 0, "%s has no sealed column", table)
	sealed, err := sqldb.QueryOne(t.Context(), s.db.Reader, sqldb.ScanBytes,
		fmt.Sprintf(`SELECT %s FROM %s WHERE %s = $1`, column, table,
			sealedTables[at].contextIDExpr()), id)
	require.NoError(t, err)
	return sealed
}

// Control: a changed byte, a value in another row and another seal context are detected.
func TestAChangedSnapshotIsNoticed(t *testing.T) {
	t.Parallel()
	s, m := openSnapshot(t)
	id, other := m.Orders["kit ordered"], m.Orders["kit placed"]
	sealed := sealedAt(t, s, "order_documents", id, "patient")
	_, err := s.keys.Open("order_documents/"+id+"/patient", sealed)
	require.NoError(t, err)
	for _, context := range []string{"order_documents/" + id + "/address", "order_documents/" + other + "/patient",
		"order/" + id + "/patient"} {
		_, err = s.keys.Open(context, sealed)
		require.ErrorIs(t, err, keyring.ErrNotOpened, context)
	}
	sealed[len(sealed)-1] ^= 1
	execUnchecked(t, s, `UPDATE order_documents SET patient = $1 WHERE order_id = $2`, sealed, id)
	_, err = s.Order(t.Context(), "", id)
	require.ErrorIs(t, err, keyring.ErrNotOpened)

	execUnchecked(t, s, `UPDATE order_documents SET patient = $1 WHERE order_id = $2`,
		s.keys.Seal("order_documents/"+id+"/patient", []byte(`null`)), id)
	require.NotEqual(t, m.Sealed, digests(t, s))
	require.NotEqual(t, m.Readings, readings(t, s, m))

	execUnchecked(t, s, `UPDATE order_search SET field = 'names' WHERE field = 'name'`)
	require.NotEqual(t, m.Terms, terms(t, s))
	require.NotEqual(t, m.Searches, searches(t, s, slices.Collect(maps.Keys(m.Searches))))
	execUnchecked(t, s, `UPDATE order_states SET state = replace(state, '"order_id"', '"orderId"')
		WHERE order_id = $1`, id)
	require.Equal(t, []string{"order_states.state of " + id}, notAgain(t, s))
	execUnchecked(t, s, `UPDATE audit SET detail = 'other'`+ofSeal(2))
	require.NotNil(t, verifyWholeAudit(t, s).Break)
}

func TestEveryHashOfTheSnapshotFinds(t *testing.T) {
	t.Parallel()
	s, m := openSnapshot(t)
	require.Equal(t, m.Terms, terms(t, s))
	require.Equal(t, m.Searches, searches(t, s, slices.Collect(maps.Keys(m.Searches))))
	for row, values := range m.Terms {
		parts := strings.Split(row, "/")
		table, id, field := parts[0], parts[1], parts[2]
		subject := map[string]string{"order_search": "order_id", "review_search": "review_id",
			"lab_account_webhook_keys": "account_id"}[table]
		for _, value := range values {
			found, err := sqldb.QueryAll(t.Context(), s.db.Reader, sqldb.ScanText,
				fmt.Sprintf(`SELECT %s FROM %s WHERE field = $1 AND hash = $2`, subject, table), field,
				s.keys.SearchHash(field, value))
			require.NoError(t, err)
			require.Contains(t, found, id, "%s: %s", row, value)
		}
	}

	// Unkeyed hashes, of secrets and of keys that clients choose.
	for _, secret := range []string{snapshotKey, snapshotOldKey} {
		_, team, err := s.APIKeyBySecret(t.Context(), secret)
		require.NoError(t, err)
		require.Equal(t, m.TeamID, team.ID)
	}
	_, team, err := s.BearerTokenBySecret(t.Context(), snapshotToken)
	require.NoError(t, err)
	require.Equal(t, m.TeamID, team.ID)
	_, fresh, err := s.CreateUnmatchedResultTestRun(t.Context(), snapshotReviewTest(m.TeamID, s.now()), "review-test")
	require.NoError(t, err)
	require.False(t, fresh, "the run of the snapshot has that idempotency key")
}

func TestTheAuditChainOfTheSnapshotVerifies(t *testing.T) {
	t.Parallel()
	s, m := openSnapshot(t)
	check := verifyWholeAudit(t, s)
	require.Nil(t, check.Break)
	require.Equal(t, int64(m.Tables["audit"]), check.Checked)
}

func TestEveryDocumentOfTheSnapshotReadsAsItWasWritten(t *testing.T) {
	t.Parallel()
	s, m := openSnapshot(t)
	require.Empty(t, notAgain(t, s))
	require.Equal(t, m.Readings, readings(t, s, m))
	require.Equal(t, compact(t, m.States), compact(t, states(t, s)))
	open, err := s.UnfinishedOrders(t.Context(), "", 100)
	require.NoError(t, err)
	require.Equal(t, m.Open, open)
}

func compact(t *testing.T, states map[string]json.RawMessage) map[string]string {
	t.Helper()
	all := map[string]string{}
	for id, state := range states {
		var b bytes.Buffer
		require.NoError(t, json.Compact(&b, state))
		all[id] = b.String()
	}
	return all
}
