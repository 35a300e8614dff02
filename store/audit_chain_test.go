package store

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/aliquot-labs/aliquot/internal/testids"
	"github.com/aliquot-labs/aliquot/store/keyring"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// appendAndSealAudit appends n rows to the audit, a minute apart, and seals them.
func appendAndSealAudit(t *testing.T, s *Store, n int) {
	t.Helper()
	forward := stopClock(s)
	for i := range n {
		forward(time.Minute)
		require.NoError(t, s.AppendAudit(t.Context(), AuditRow{
			APIKeyID: testids.Of("key"), TeamID: testids.Of("team"), OrderID: testids.Of(fmt.Sprintf("o%d", i)),
			Action: "order.read", RequestID: "r", Address: "192.0.2.7", Detail: "d",
		}))
	}
	for {
		done, err := s.SealAudit(t.Context(), 4)
		require.NoError(t, err)
		if done < 4 {
			return
		}
	}
}

// verifyWholeAudit checks the whole chain, a few rows per call.
func verifyWholeAudit(t *testing.T, s *Store) AuditCheck {
	t.Helper()
	var total int64
	for after := int64(0); ; {
		check, err := s.VerifyAudit(t.Context(), after, 3)
		require.NoError(t, err)
		total += check.Checked
		if check.ReachedEnd || check.Break != nil {
			check.Checked = total
			return check
		}
		require.Greater(t, check.LastChecked, after)
		after = check.LastChecked
	}
}

// execUnchecked changes the database without the store, with the role of its owner.
func execUnchecked(t *testing.T, s *Store, statement string, args ...any) {
	t.Helper()
	n, err := sqldb.ExecCount(t.Context(), asOwner(t, s).db.Writer, statement, args...)
	require.NoError(t, err, statement)
	require.Positive(t, n, statement)
}

func TestAuditChainIsWhole(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		require.Equal(t, AuditCheck{ReachedEnd: true}, verifyWholeAudit(t, s), "nothing is sealed yet")
		appendAndSealAudit(t, s, 10)
		require.NoError(t, s.AppendAudit(t.Context(), AuditRow{Action: "order.read"}))
		check := verifyWholeAudit(t, s)
		require.Nil(t, check.Break)
		require.EqualValues(t, 10, check.Checked)
		require.Equal(t, 1, check.UnsealedRows)
		end, hash, err := s.AuditChainEnd(t.Context())
		require.NoError(t, err)
		require.EqualValues(t, 10, end)
		require.Equal(t, check.LastSealedHash, hash)
		require.Equal(t, check.LastCheckedHash, hash)

		log, err := s.AuditLog(t.Context(), AuditQuery{APIKeyID: testids.Of("key"), Size: 3})
		require.NoError(t, err)
		require.Len(t, log, 3)
		require.Equal(t, testids.Of("o9"), log[0].OrderID)
		require.EqualValues(t, 10, log[0].Seq)
		log, err = s.AuditLog(t.Context(), AuditQuery{OrderID: testids.Of("o2"), APIKeyID: testids.Of("another")})
		require.NoError(t, err)
		require.Empty(t, log)
	})
}

// Changes by somebody who can write to the database and has no encryption key are detected.
func TestAuditChainShowsTampering(t *testing.T) {
	t.Parallel()
	forAll := map[string]struct {
		tamper func(t *testing.T, s *Store)
		seq    int64
	}{
		"a row is removed": {func(t *testing.T, s *Store) {
			execUnchecked(t, s, `DELETE FROM audit`+ofSeal(4))
		}, 4},
		"the first row is removed": {func(t *testing.T, s *Store) {
			execUnchecked(t, s, `DELETE FROM audit`+ofSeal(1))
		}, 1},
		"the last row is removed": {func(t *testing.T, s *Store) { execUnchecked(t, s, `DELETE FROM audit`+ofSeal(10)) },
			10},
		"the last row is removed with its seal": {func(t *testing.T, s *Store) {
			execUnchecked(t, s, `DELETE FROM audit`+ofSeal(10))
			execUnchecked(t, s, `DELETE FROM audit_seals WHERE seq = 10`)
		}, 10},
		"the tail is removed": {func(t *testing.T, s *Store) {
			execUnchecked(t, s, `DELETE FROM audit WHERE id IN (SELECT audit_id FROM audit_seals WHERE seq > 6)`)
		}, 7},
		"all is removed": {func(t *testing.T, s *Store) { execUnchecked(t, s, `DELETE FROM audit`) }, 1},
		"a row is taken out": {func(t *testing.T, s *Store) {
			execUnchecked(t, s, `DELETE FROM audit_seals WHERE seq = 5`)
		}, 5},
		"a hash is changed": {func(t *testing.T, s *Store) {
			execUnchecked(t, s, `UPDATE audit_seals SET hash = $1 WHERE seq = 5`, []byte("x"))
		}, 5},
		"two rows change places":    {swapAuditRows, 4},
		"a row is added at the end": {func(t *testing.T, s *Store) { insertAuditRow(t, s, 11) }, 11},
		"a row is inserted":         {func(t *testing.T, s *Store) { insertAuditRow(t, s, 0) }, 0},
		"a later chain is forged":   {func(t *testing.T, s *Store) { rebuildAuditHashes(t, s, 3) }, 10},
		"the last row is forged":    {func(t *testing.T, s *Store) { rebuildAuditHashes(t, s, 10) }, 10},
		"the end is moved": {func(t *testing.T,
			s *Store) {
			execUnchecked(t, s, `UPDATE audit_chain SET end_seq = 6`)
		}, 0},
		"the start is moved": {func(t *testing.T, s *Store) {
			execUnchecked(t, s, `UPDATE audit_chain SET start_seq = 3,
				start_hash = (SELECT hash FROM audit_seals WHERE seq = 3)`)
			execUnchecked(t, s, `DELETE FROM audit WHERE id IN (SELECT audit_id FROM audit_seals WHERE seq <= 3)`)
			execUnchecked(t, s, `DELETE FROM audit_seals WHERE seq <= 3`)
		}, 0},
		"the chain is started again": {func(t *testing.T, s *Store) {
			execUnchecked(t, s, `UPDATE audit_chain SET end_seq = 0, signature = ''`)
		}, 1},
		"the chain is removed": {func(t *testing.T, s *Store) { execUnchecked(t, s, `DELETE FROM audit_chain`) }, 0},
	}
	id := testids.Of("x")
	for column, value := range map[string]string{"key_id": id, "team_id": id, "order_id": id, "action": "x",
		"request_id": "x", "address": "x", "detail": "x", "id": id} {
		forAll["the column "+column+" is changed"] = struct {
			tamper func(t *testing.T, s *Store)
			seq    int64
		}{func(t *testing.T, s *Store) {
			execUnchecked(t, s, `UPDATE audit SET `+column+` = $1`+ofSeal(5), value)
		}, 5}
	}
	forAll["the time is changed"] = struct {
		tamper func(t *testing.T, s *Store)
		seq    int64
	}{func(t *testing.T, s *Store) {
		execUnchecked(t, s, `UPDATE audit SET at = at + 1`+ofSeal(5))
	}, 5}
	for name, tt := range forAll {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			forEachEngine(t, func(t *testing.T, s *Store) {
				appendAndSealAudit(t, s, 10)
				require.Nil(t, verifyWholeAudit(t, s).Break)
				tt.tamper(t, s)
				broken := verifyWholeAudit(t, s).Break
				require.NotNil(t, broken)
				require.Equal(t, tt.seq, broken.Seq, broken.Reason)
				require.NotEmpty(t, broken.Reason)

				// Sealing new rows does not hide the change.
				require.NoError(t, s.AppendAudit(t.Context(), AuditRow{Action: "order.read"}))
				if _, err := s.SealAudit(t.Context(), 10); err != nil {
					require.ErrorIs(t, err, ErrAuditChain)
				}
				require.NotNil(t, verifyWholeAudit(t, s).Break)
			})
		})
	}
}

func swapAuditRows(t *testing.T, s *Store) {
	t.Helper()
	execUnchecked(t, s, `UPDATE audit_seals SET seq = -1 WHERE seq = 4`)
	execUnchecked(t, s, `UPDATE audit_seals SET seq = 4 WHERE seq = 5`)
	execUnchecked(t, s, `UPDATE audit_seals SET seq = 5 WHERE seq = -1`)
}

func insertAuditRow(t *testing.T, s *Store, seq int64) {
	t.Helper()
	e := AuditEntry{AuditRow: AuditRow{At: s.now(), Action: "made up"}, ID: sqldb.NewID(), Seq: seq}
	last, err := sqldb.QueryOne(t.Context(), s.db.Reader, scanAuditEntry,
		selectSealedAudit+` ORDER BY s.seq DESC LIMIT 1`)
	require.NoError(t, err)
	execUnchecked(t, s,
		`INSERT INTO audit (id, at, action, request_id, address, detail) VALUES ($1, $2, $3, '', '', '')`,
		e.ID, sqldb.ToMicros(e.At), e.Action)
	execUnchecked(t, s, `INSERT INTO audit_seals (audit_id, seq, hash) VALUES ($1, $2, $3)`, e.ID, seq,
		auditHash(last.hash, seq, e))
}

// ofSeal returns the condition of the row of the audit at a position of the chain.
func ofSeal(seq int64) string {
	return fmt.Sprintf(` WHERE id = (SELECT audit_id FROM audit_seals WHERE seq = %d)`, seq)
}

// rebuildAuditHashes changes a row and computes the hashes from there on again, which is possible without a key.
func rebuildAuditHashes(t *testing.T, s *Store, from int64) {
	t.Helper()
	execUnchecked(t, s, `UPDATE audit SET key_id = $1`+ofSeal(from), testids.Of("somebody else"))
	before, err := sqldb.QueryOne(t.Context(), s.db.Reader, scanAuditEntry,
		selectSealedAudit+` WHERE s.seq = $1`,
		from-1)
	require.NoError(t, err)
	rows, err := sqldb.QueryAll(t.Context(), s.db.Reader, scanAuditEntry,
		selectSealedAudit+` WHERE s.seq >= $1 ORDER BY s.seq`, from)
	require.NoError(t, err)
	previous := before.hash
	for _, row := range rows {
		previous = auditHash(previous, row.Seq, row.AuditEntry)
		execUnchecked(t, s, `UPDATE audit_seals SET hash = $1 WHERE seq = $2`, previous, row.Seq)
	}
}

func TestPruningTheAuditKeepsTheChain(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		if s.HasPartitions() {
			t.Skip("the audit leaves with its partitions")
		}
		appendAndSealAudit(t, s, 10)
		before := s.now().Add(-4 * time.Minute)
		require.NoError(t, s.AppendAudit(t.Context(), AuditRow{At: before.Add(-time.Hour), Action: "old and not sealed"}))
		n, err := s.PruneAudit(t.Context(), before, 3)
		require.NoError(t, err)
		require.Equal(t, 3, n)
		n, err = s.PruneAudit(t.Context(), before, 10)
		require.NoError(t, err)
		require.Equal(t, 2, n)
		check := verifyWholeAudit(t, s)
		require.Nil(t, check.Break)
		require.EqualValues(t, 5, check.Checked)
		require.EqualValues(t, 10, check.LastSealed)
		require.Equal(t, 1, check.UnsealedRows)
		appendAndSealAudit(t, s, 2)
		require.Nil(t, verifyWholeAudit(t, s).Break)

		execUnchecked(t, s, `DELETE FROM audit`+ofSeal(6))
		require.EqualValues(t, 6, verifyWholeAudit(t, s).Break.Seq)
	})
}

func TestAuditIsSealedBySeveralProcessesAtOnce(t *testing.T) {
	t.Parallel()
	forEachEngineShared(t, func(t *testing.T, open func() *Store) {
		stores := []*Store{open(), open(), open()}
		g, ctx := errgroup.WithContext(t.Context())
		for _, s := range stores {
			g.Go(func() error { return appendAndSeal(ctx, s) })
		}
		require.NoError(t, g.Wait())
		appendAndSealAudit(t, stores[0], 1)
		check := verifyWholeAudit(t, stores[1])
		require.Nil(t, check.Break)
		require.EqualValues(t, 61, check.Checked)
	})
}

func appendAndSeal(ctx context.Context, s *Store) error {
	for range 20 {
		if err := s.AppendAudit(ctx, AuditRow{Action: "order.read"}); err != nil {
			return err
		}
		if _, err := s.SealAudit(ctx, 3); err != nil {
			return err
		}
	}
	return nil
}

// The next sealing signs with the primary key, so that the previous key can be removed.
func TestAuditChainOutlivesAKey(t *testing.T) {
	t.Parallel()
	for _, engine := range engines {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			url := engineURL(t, engine)
			first, err := keyring.NewEncryptionKey("a")
			require.NoError(t, err)
			second, err := keyring.NewEncryptionKey("b")
			require.NoError(t, err)
			with := func(text string) *Store {
				keys, err := keyring.Parse(text)
				require.NoError(t, err)
				return openStore(t, url, func(o *Options) { o.Keys = keys })
			}
			old := with(first)
			require.NoError(t, old.Migrate(t.Context()))
			appendAndSealAudit(t, old, 3)
			require.NotNil(t, verifyWholeAudit(t, with(second)).Break, "control")

			_, err = with(second+","+first).SealAudit(t.Context(), 10)
			require.NoError(t, err)
			require.Nil(t, verifyWholeAudit(t, with(second)).Break)
		})
	}
}
