package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store/keyring"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// unsealedColumns are the BYTEA columns that contain no secret and no patient data.
var unsealedColumns = []string{"audit_seals.hash", "audit_chain.start_hash", "audit_chain.end_hash"}

// undeclaredSealedColumns compares the sealed columns of the schema, as the database lists them, with sealedTables.
func undeclaredSealedColumns(t *testing.T, s *Store) []string {
	t.Helper()
	listed := map[string]bool{}
	for _, table := range sealedTables {
		for _, column := range table.sealedColumns() {
			listed[table.name+"."+column] = true
		}
	}
	query := `SELECT m.name || '.' || c.name FROM sqlite_master m JOIN pragma_table_info(m.name) c
		WHERE m.type = 'table' AND c.type = 'BYTEA'`
	if s.db.Dialect == sqldb.Postgres {
		query = `SELECT table_name || '.' || column_name FROM information_schema.columns
			WHERE table_schema = 'public' AND data_type = 'bytea'
				AND table_name NOT IN (SELECT partition FROM list_partitions())`
	}
	columns, err := sqldb.QueryAll(t.Context(), s.db.Reader, sqldb.ScanText, query)
	require.NoError(t, err)
	var missing []string
	for _, column := range columns {
		if !listed[column] && !slices.Contains(unsealedColumns, column) {
			missing = append(missing, column)
		}
		delete(listed, column)
	}
	for column := range listed {
		missing = append(missing, column+", which the schema does not have")
	}
	slices.Sort(missing)
	return missing
}

func TestEverySealedColumnIsRotatedAndErased(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		require.Empty(t, undeclaredSealedColumns(t, s),
			"a BYTEA column is sealed: list it in sealed_columns.go, or in unsealedColumns")
		for _, table := range sealedTables {
			require.NotEqual(t, table.orderCondition == "", table.ownerNote == "", "whose is what is sealed in %s?", table.name)
		}

		// Control: the comparison finds a column that is missing in the list, and one that no longer exists.
		owner := asOwner(t, s)
		_, err := owner.db.Writer.ExecContext(t.Context(),
			`CREATE TABLE forgotten (id TEXT PRIMARY KEY, clear TEXT, secret BYTEA)`)
		require.NoError(t, err)
		_, err = owner.db.Writer.ExecContext(t.Context(), `ALTER TABLE shipments DROP COLUMN notes`)
		require.NoError(t, err)
		require.Equal(t, []string{"forgotten.secret", "shipments.notes, which the schema does not have"},
			undeclaredSealedColumns(t, owner))
	})
}

// reopenWithKeys opens another store on the same database, with other keys.
func reopenWithKeys(t *testing.T, s *Store, k *keyring.Keyring) *Store {
	t.Helper()
	other := *s
	other.keys = k
	return &other
}

const (
	oldKey     = "k1:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=" // the key of testKeyring
	newKeyText = "k2:ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA="
)

func ignoreProgress(ColumnRotation) {}

// fillEverySealedColumn writes a value into every sealed column and returns the order that most of them belong to.
func fillEverySealedColumn(t *testing.T, s *Store) *order.Order {
	t.Helper()
	ctx, n := t.Context(), 0
	word := func() string { n++; return fmt.Sprintf("Word%d", n) }
	require.NoError(t, s.CheckEncryptionKeys(ctx))
	team := addTeam(t, s).ID
	endpoint := addEndpoint(t, s, team)
	user := sqldb.NewID()
	require.NoError(t,
		s.CreateUser(ctx, User{ID: user, TeamID: team, ClientUserID: "u", FallbackBirthDate: new("1990-01-01")}))
	require.NoError(t, s.PutUserInfo(ctx, team, user, []byte(`{"first_name":"Ada"}`)))
	require.NoError(t, s.RememberPhysician(ctx, team,
		order.Physician{FirstName: "Jane", LastName: "Smith", NPI: "1234567890"}))
	require.NoError(t,
		s.AddInsurance(ctx, team, Insurance{ID: sqldb.NewID(), UserID: user, Primary: true,
			Document: []byte(`{"member_id":"M1"}`)}))
	require.NoError(t, s.PutLabAccount(ctx, LabAccount{ID: sqldb.NewID(), TeamID: team, LabSlug: "lab",
		Environment: Sandbox,
		User:        "u", Token: "t"}))
	require.NoError(t, s.CreateEndpoint(ctx, Endpoint{
		ID: sqldb.NewID(), TeamID: team, URL: "https://x.example", Secret: "s", PreviousSecret: "p",
		Headers: map[string]string{"a": "b"},
	}))
	claim, err := s.ClaimIdempotencyKey(ctx, team, route, "key", "", lease)
	require.NoError(t, err)
	require.NoError(t, s.StoreIdempotentAnswer(ctx, *claim.Claimed, 200, []byte("answer")))

	o := addOrderOf(t, s, team, func(o *order.Order) { o.Patient.FirstName, o.Patient.LastName = "Ada", "Lovelace" })
	fillOrder(t, s, o, word)
	fillVisit(t, s, addOrderOf(t, s, team, setModality(lifecycle.AtHomePhlebotomy)), word)
	fillKit(t, s, addOrderOf(t, s, team, setRegistrable), word)
	message, _ := enqueueMessage(t, s, WebhookMessage{TeamID: team, OrderID: o.ID, EventType: "e", Body: []byte("body")})
	require.NoError(t, recordAttempt(s, endpoint, AttemptRow{MessageID: message, Number: 1, Failure: "f",
		Excerpt: []byte("answer")}))
	fillReview(t, s, o)
	return o
}

// fillReview opens a match review of an order's results.
func fillReview(t *testing.T, s *Store, o *order.Order) {
	t.Helper()
	v, err := s.NewestResult(t.Context(), "", o.ID)
	require.NoError(t, err)
	require.NoError(t, s.db.InTx(t.Context(), func(tx *sql.Tx) error {
		_, err := s.openReviewOfResult(t.Context(), tx, o.ID, v.ID)
		return err
	}))
	reviews, err := sqldb.QueryAll(t.Context(), s.db.Reader, sqldb.ScanText, `SELECT id FROM reviews`)
	require.NoError(t, err)
	require.Len(t, reviews, 1)
	id := reviews[0]
	_, err = s.db.Writer.ExecContext(t.Context(), `UPDATE reviews SET raw = $1, pdf = $2, note = $3 WHERE id = $4`,
		s.keys.Seal(sealContext("reviews", id, "raw"), []byte("raw")),
		s.keys.Seal(sealContext("reviews", id, "pdf"), []byte("pdf")),
		s.keys.Seal(sealContext("reviews", id, "note"), []byte("note")), id)
	require.NoError(t, err)
}

// openAllValues opens all sealed values of the store, by table, key and column.
func openAllValues(t *testing.T, s *Store) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, table := range sealedTables {
		for _, column := range table.sealedColumns() {
			values, err := sqldb.QueryAll(t.Context(), s.db.Reader, table.scanValue,
				fmt.Sprintf(`SELECT %s, %s, %s FROM %s WHERE length(%[3]s) > 0`, strings.Join(table.key, ", "),
					table.contextIDExpr(), column, table.name))
			require.NoError(t, err)
			require.NotEmpty(t, values, "nothing in %s of %s to look at", column, table.name)
			for _, v := range values {
				at := sealContext(table.name, v.contextID, column)
				opened, err := s.keys.Open(at, v.sealed)
				require.NoError(t, err, at)
				all[at] = string(opened)
			}
		}
	}
	return all
}

func TestRotationLeavesNothingToTheOldKey(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, old *Store) {
		o := fillEverySealedColumn(t, old)
		before := openAllValues(t, old)
		hashes, err := countRows(t.Context(), old.db.Reader, "order_search", sqldb.Where{})
		require.NoError(t, err)
		both := reopenWithKeys(t, old, newKeyring(t, newKeyText, oldKey))
		require.Equal(t, before, openAllValues(t, both), "the keyring opens all values")

		uses, err := both.EncryptionKeyUses(t.Context())
		require.NoError(t, err)
		require.Equal(t, len(before), uses[1].Values)
		require.Equal(t, EncryptionKeyUse{ID: "k2"}, uses[0])
		var reported int
		done, err := both.RotateEncryptionKeys(t.Context(), func(ColumnRotation) { reported++ })
		require.NoError(t, err)
		require.NotZero(t, reported)
		var values int
		for _, r := range done {
			require.NotZero(t, r.Replaced, "%s of %s", r.Column, r.Table)
			require.Zero(t, r.Unreadable+r.ChangedMeanwhile, "%s of %s", r.Column, r.Table)
			if r.Column != "hash" {
				values += r.Replaced
			}
		}
		require.Equal(t, len(before), values)

		uses, err = both.EncryptionKeyUses(t.Context())
		require.NoError(t, err)
		require.True(t, uses[1].Unused(), "the old key can be removed: %+v", uses[1])
		require.Equal(t, EncryptionKeyUse{}, uses[2])
		only := reopenWithKeys(t, old, newKeyring(t, newKeyText))
		require.Equal(t, before, openAllValues(t, only))
		require.Equal(t, []string{o.ID}, ordersFoundBy(t, only, searchFullName, normaliseName(patientOf(t, only, o.ID))))
		after, err := countRows(t.Context(), old.db.Reader, "order_search", sqldb.Where{})
		require.NoError(t, err)
		require.Equal(t, hashes, after, "no term is lost or duplicated")

		again, err := both.RotateEncryptionKeys(t.Context(), ignoreProgress)
		require.NoError(t, err)
		for _, r := range again {
			require.Zero(t, r.Replaced)
		}
	})
}

func patientOf(t *testing.T, s *Store, id string) string {
	t.Helper()
	p := getOrder(t, s, id).Patient
	return p.FirstName + " " + p.LastName
}

// Searches find what either key has hashed, before a rotation and in the middle of it.
func TestSearchesFindWhatEitherKeyHashed(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, old *Store) {
		team := addTeam(t, old).ID
		ada := func(o *order.Order) { o.Patient.FirstName, o.Patient.LastName = "Ada", "Lovelace" }
		first := addOrderOf(t, old, team, ada)
		both := reopenWithKeys(t, old, newKeyring(t, newKeyText, oldKey))
		second := addOrderOf(t, both, team, ada)
		find := func(s *Store) (found []string) {
			require.NoError(t, s.db.InTx(t.Context(), func(tx *sql.Tx) (err error) {
				found, err = s.ordersByPatient(t.Context(), tx, team, patientTerms(first.Patient))
				return err
			}))
			return found
		}
		require.ElementsMatch(t, []string{first.ID, second.ID}, find(both))
		require.Equal(t, []string{first.ID}, find(old), "the control: the old key alone finds what it hashed")
		_, err := both.RotateEncryptionKeys(t.Context(), ignoreProgress)
		require.NoError(t, err)
		require.ElementsMatch(t, []string{first.ID, second.ID}, find(both))
		require.ElementsMatch(t, []string{first.ID, second.ID}, find(reopenWithKeys(t, old, newKeyring(t, newKeyText))))
	})
}

func TestAnInterruptedRotationIsResumed(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, old *Store) {
		team := sqldb.NewID()
		require.NoError(t, old.CreateTeam(t.Context(), Team{ID: team, Name: "T", Environment: Production}))
		for range rotationBatch + 5 {
			require.NoError(t, old.CreateUser(t.Context(), User{ID: sqldb.NewID(), TeamID: team, ClientUserID: sqldb.NewID(),
				FallbackBirthDate: new("1990-01-01")}))
		}
		both := reopenWithKeys(t, old, newKeyring(t, newKeyText, oldKey))
		ctx, stop := context.WithCancel(t.Context())
		_, err := both.RotateEncryptionKeys(ctx, func(r ColumnRotation) {
			require.Equal(t, rotationBatch, r.Replaced)
			stop()
		})
		require.ErrorIs(t, err, context.Canceled)
		uses, err := both.EncryptionKeyUses(t.Context())
		require.NoError(t, err)
		require.Equal(t, []int{rotationBatch, 5}, []int{uses[0].Values, uses[1].Values})
		_, err = both.RotateEncryptionKeys(t.Context(), func(r ColumnRotation) { require.Equal(t, 5, r.Replaced) })
		require.NoError(t, err)
		uses, err = both.EncryptionKeyUses(t.Context())
		require.NoError(t, err)
		require.True(t, uses[1].Unused())
	})
}

func TestRotationLosesNoConcurrentWrite(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, old *Store) {
		o := addOrder(t, old)
		both := reopenWithKeys(t, old, newKeyring(t, newKeyText, oldKey))
		column := sealedTables[0]
		require.Equal(t, "order_documents", column.name)
		done := ColumnRotation{Table: "order_documents", Column: "patient"}
		read, err := both.valuesOfOlderKeys(t.Context(), column, "patient", nil)
		require.NoError(t, err)
		require.Len(t, read, 1)
		write := func(s *Store, name string) error {
			return s.db.InTx(t.Context(), func(tx *sql.Tx) error {
				return s.updateSealedColumn(t.Context(), tx, o.ID, "patient", order.Patient{FirstName: name, DOB: o.Patient.DOB})
			})
		}
		require.NoError(t, write(old, "Changed"))
		require.NoError(t, both.reseal(t.Context(), column, &done, read))
		require.Equal(t, ColumnRotation{Table: "order_documents", Column: "patient", ChangedMeanwhile: 1}, done)
		require.Equal(t, "Changed", getOrder(t, both, o.ID).Patient.FirstName)

		// A process that does not have the new key yet writes with the old one during the rotation.
		writes, rotated := errgroup.Group{}, make(chan struct{})
		last := ""
		writes.Go(func() error {
			for i := 0; ; i++ {
				last = fmt.Sprintf("Name%d", i)
				if err := write(old, last); err != nil {
					return err
				}
				select {
				case <-rotated:
					return nil
				default:
				}
			}
		})
		for range 20 {
			_, err := both.RotateEncryptionKeys(t.Context(), ignoreProgress)
			require.NoError(t, err)
		}
		close(rotated)
		require.NoError(t, writes.Wait())
		require.Equal(t, last, getOrder(t, both, o.ID).Patient.FirstName)
	})
}

// A value that no key opens does not stop the rotation, and its key counts as used.
func TestRotationCountsUnreadableValues(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, old *Store) {
		spoilt, sound := addOrder(t, old), addOrder(t, old)
		_, err := old.db.Writer.ExecContext(t.Context(),
			`UPDATE order_documents SET patient = (SELECT patient FROM order_documents WHERE order_id = $1)
			WHERE order_id = $2`, sound.ID, spoilt.ID)
		require.NoError(t, err)
		_, err = old.db.Writer.ExecContext(t.Context(),
			`INSERT INTO order_search (order_id, field, hash, team_id, created_at)
			VALUES ($1, 'name', 'of nobody', $2, 0)`, sound.ID, sound.TeamID)
		require.NoError(t, err)
		both := reopenWithKeys(t, old, newKeyring(t, newKeyText, oldKey))
		done, err := both.RotateEncryptionKeys(t.Context(), ignoreProgress)
		require.NoError(t, err)
		unreadable := map[string]int{}
		for _, r := range done {
			if r.Unreadable > 0 {
				unreadable[r.Table+"."+r.Column] = r.Unreadable
			}
		}
		require.Equal(t, 1, unreadable["order_documents.patient"])
		require.Greater(t, unreadable["order_search.hash"], 1, "the spoilt order's terms and the foreign one")
		uses, err := both.EncryptionKeyUses(t.Context())
		require.NoError(t, err)
		require.Equal(t, 1, uses[1].Values)
		require.Equal(t, 1, uses[2].Hashes, "one hash of an unknown key")
		require.NotNil(t, getOrder(t, reopenWithKeys(t, old, newKeyring(t, newKeyText)), sound.ID).Patient)
	})
}
