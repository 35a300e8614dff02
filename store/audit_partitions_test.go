package store

import (
	"database/sql"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// sealAll seals until nothing is left, and returns how many rows it sealed.
func sealAll(t *testing.T, s *Store) (sealed int) {
	t.Helper()
	for {
		n, err := s.SealAudit(t.Context(), 100)
		require.NoError(t, err)
		if sealed += n; n < 100 {
			return sealed
		}
	}
}

// A row whose transaction commits after younger rows were sealed is sealed by the next sealing, and one that is older
// than that by the next search of the whole audit.
func TestARowThatCommitsLateIsSealed(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		forward := stopClock(s)
		require.NoError(t, s.AppendAudit(t.Context(), AuditRow{Action: "first"}))
		require.Equal(t, 1, sealAll(t, s))
		appendAt := func(at time.Time, action string) {
			require.NoError(t, s.AppendAudit(t.Context(), AuditRow{At: at, Action: action}))
		}
		if s.HasPartitions() { // SQLite has one writer
			tx, err := s.db.Writer.BeginTx(t.Context(), nil)
			require.NoError(t, err)
			require.NoError(t, appendAudit(t.Context(), tx, AuditRow{At: s.now(), Action: "late"}))
			forward(time.Hour)
			appendAt(s.now(), "younger")
			require.Equal(t, 1, sealAll(t, s))
			require.NoError(t, tx.Commit())
		} else {
			late := s.now()
			forward(time.Hour)
			appendAt(s.now(), "younger")
			require.Equal(t, 1, sealAll(t, s))
			appendAt(late, "late")
		}
		require.False(t, openAuditWork(t, s).IsZero())
		require.Equal(t, 1, sealAll(t, s))
		require.True(t, openAuditWork(t, s).IsZero())

		appendAt(s.now().Add(-30*24*time.Hour), "very late")
		require.Zero(t, sealAll(t, s), "the control: a usual sealing does not look that far back")
		forward(wholeSearchInterval)
		appendAt(s.now(), "youngest")
		require.Equal(t, 2, sealAll(t, s))
		require.Zero(t, sealAll(t, s))
		check := verifyWholeAudit(t, s)
		require.Nil(t, check.Break)
		require.EqualValues(t, 5, check.Checked)
	})
}

func openAuditWork(t *testing.T, s *Store) time.Time {
	t.Helper()
	oldest, err := s.oldestUnsealedAudit(t.Context())
	require.NoError(t, err)
	return oldest
}

// A search that stops at its limit goes on where it stopped.
func TestSealingGoesOnAfterItsLimit(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		forward := stopClock(s)
		require.NoError(t, s.AppendAudit(t.Context(), AuditRow{Action: "x"}))
		require.Equal(t, 1, sealAll(t, s))
		for range 10 {
			forward(3 * time.Hour)
			require.NoError(t, s.AppendAudit(t.Context(), AuditRow{Action: "x"}))
		}
		forward(-27 * time.Hour) // the whole audit is not searched
		for _, want := range []int{4, 4, 2, 0} {
			n, err := s.SealAudit(t.Context(), 4)
			require.NoError(t, err)
			require.Equal(t, want, n)
		}
		require.EqualValues(t, 11, verifyWholeAudit(t, s).Checked)
	})
}

// oldAudit returns a store with rows of the audit in three old months, each with two sealed rows, and one row of now.
func oldAudit(t *testing.T) (s *Store, months []time.Time) {
	t.Helper()
	s = openPartitioned(t)
	now := time.Now().UTC()
	for _, ago := range []int{6, 5, 4} {
		months = append(months, time.Date(now.Year(), now.Month()-time.Month(ago), 1, 0, 0, 0, 0, time.UTC))
	}
	for _, month := range months {
		for _, day := range []int{5, 10} {
			require.NoError(t, s.AppendAudit(t.Context(), AuditRow{At: month.AddDate(0, 0, day), Action: "old"}))
		}
	}
	require.NoError(t, s.AppendAudit(t.Context(), AuditRow{Action: "new"}))
	require.Equal(t, 7, sealAll(t, s))
	makePartitions(t, s)
	return s, months
}

// A search of the whole audit that stops at its limit goes on where it stopped, and does not begin again.
func TestASearchOfTheWholeAuditGoesOnWhereItStopped(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		forward := stopClock(s)
		for range 5 {
			forward(time.Minute)
			require.NoError(t, s.AppendAudit(t.Context(), AuditRow{Action: "read"}))
		}
		old := s.now()
		require.Equal(t, 5, sealAll(t, s))
		forward(2 * wholeSearchInterval)
		for range 3 {
			forward(time.Minute)
			require.NoError(t, s.AppendAudit(t.Context(), AuditRow{Action: "read"}))
		}
		n, err := s.SealAudit(t.Context(), 2) // of the whole audit
		require.NoError(t, err)
		require.Equal(t, 2, n)
		require.NoError(t, s.db.InTx(t.Context(), func(tx *sql.Tx) error {
			c, err := s.lockAuditChain(t.Context(), tx)
			require.Greater(t, c.oldestUnsealedID(), sqldb.FirstIDAt(old))
			require.Equal(t, s.now(), c.searchedAt)
			return err
		}))
		require.Equal(t, 1, sealAll(t, s))
	})
}

// keepSince returns a retention that is over for the partitions that end before a time.
func keepSince(at time.Time) PartitionRetention { return PartitionRetention{Audit: time.Since(at)} }

func TestOldPartitionsOfTheAuditAreDropped(t *testing.T) {
	t.Parallel()
	s, months := oldAudit(t)
	require.Zero(t, dropPartitions(t, s), "without a rule they are kept for ever")
	setRetention(t, s, keepSince(months[1]))
	require.Equal(t, 1, dropPartitions(t, s))
	check := verifyWholeAudit(t, s)
	require.Nil(t, check.Break)
	require.EqualValues(t, 5, check.Checked)
	require.EqualValues(t, 7, check.LastSealed)
	require.Equal(t, 5, mustCountRows(t, s, "audit"))
	require.Equal(t, 5, mustCountRows(t, s, "audit_seals"))

	// A row that is not sealed keeps its month until it is.
	setRetention(t, s, keepSince(months[2].AddDate(0, 1, 0)))
	require.NoError(t, s.AppendAudit(t.Context(), AuditRow{At: months[1].AddDate(0, 0, 20), Action: "late"}))
	require.Zero(t, dropPartitions(t, s))
	require.Equal(t, 6, mustCountRows(t, s, "audit"))
	s.now = func() time.Time { return time.Now().Add(wholeSearchInterval) }
	require.Equal(t, 1, sealAll(t, s))

	// Its seal is after all others, so the two months stay until all rows before it may go.
	require.Zero(t, dropPartitions(t, s))
	require.Nil(t, verifyWholeAudit(t, s).Break)
}

// A row that was sealed after rows of the next month leaves with that month.
func TestMonthsThatAreSealedTogetherAreDroppedTogether(t *testing.T) {
	t.Parallel()
	s := openPartitioned(t)
	now := time.Now().UTC()
	month := time.Date(now.Year(), now.Month()-6, 1, 0, 0, 0, 0, time.UTC)
	appendAt := func(months int) {
		require.NoError(t, s.AppendAudit(t.Context(), AuditRow{At: month.AddDate(0, months, 3), Action: "old"}))
	}
	appendAt(1)
	require.Equal(t, 1, sealAll(t, s))
	s.now = func() time.Time { return time.Now().Add(wholeSearchInterval) }
	appendAt(0)
	appendAt(2)
	require.Equal(t, 2, sealAll(t, s))
	makePartitions(t, s)
	setRetention(t, s, keepSince(month.AddDate(0, 1, 0)))
	require.Zero(t, dropPartitions(t, s), "the row of the second month is before it in the chain")
	setRetention(t, s, keepSince(month.AddDate(0, 2, 0)))
	require.Equal(t, 1, dropPartitions(t, s))
	require.Equal(t, 1, mustCountRows(t, s, "audit"))
	check := verifyWholeAudit(t, s)
	require.Nil(t, check.Break)
	require.EqualValues(t, 1, check.Checked)
}

// The functions of the database drop nothing that the rules and the chain keep, whoever calls them.
func TestTheDatabaseKeepsWhatTheRulesKeep(t *testing.T) {
	t.Parallel()
	s, months := oldAudit(t)
	end := sqldb.FirstIDAt(months[1])
	drop := func(prepare string, args ...any) error {
		return s.db.InTx(t.Context(), func(tx *sql.Tx) error {
			if prepare != "" {
				if _, err := tx.ExecContext(t.Context(), prepare, args...); err != nil {
					return err
				}
			}
			_, err := sqldb.QueryOne(t.Context(), tx, sqldb.ScanInt, `SELECT drop_audit_partitions($1)`, end)
			return err
		})
	}
	require.ErrorContains(t, drop(""), "no partition of the audit that may be dropped", "no retention")
	setRetention(t, s, keepSince(months[1].Add(-time.Hour)))
	require.ErrorContains(t, drop(""), "no partition of the audit that may be dropped", "an hour too early")
	setRetention(t, s, keepSince(months[1]))
	require.ErrorContains(t, drop(""), "starts before rows")
	const start = `UPDATE audit_chain SET start_seq = $1`
	require.ErrorContains(t, drop(start, 1), "starts before rows")
	require.ErrorContains(t, drop(start, 3), "starts after rows that stay")
	require.Equal(t, 7, mustCountRows(t, s, "audit"))
	require.Nil(t, verifyWholeAudit(t, s).Break)
	require.Equal(t, permissionDenied, refusal(t, s, `SELECT remove_partitions('audit', '`+sqldb.NilID+`', '`+end+`')`))
	require.Equal(t, permissionDenied, refusal(t, s, `UPDATE partition_rules SET keep = 1`))
	require.NoError(t, drop(start, 2), "the control")
	require.Equal(t, 5, mustCountRows(t, s, "audit"))
	require.NotNil(t, verifyWholeAudit(t, s).Break, "the start was not signed")
}

func TestAPartitionOfATamperedAuditStays(t *testing.T) {
	t.Parallel()
	s, months := oldAudit(t)
	setRetention(t, s, keepSince(months[1]))
	execUnchecked(t, s, `UPDATE audit_chain SET end_seq = 6`)
	_, err := s.DropPartitions(t.Context())
	require.ErrorIs(t, err, ErrAuditChain)
	require.Equal(t, 7, mustCountRows(t, s, "audit"))
}
