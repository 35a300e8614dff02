package store

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
)

// sealed appends n rows to the audit, a minute apart, and seals them.
func sealed(t *testing.T, s *Store, n int) {
	t.Helper()
	forward := stop(s)
	for i := range n {
		forward(time.Minute)
		require.NoError(t, s.Audit(t.Context(), AuditRow{
			KeyID: "key", TeamID: "team", OrderID: fmt.Sprintf("o%d", i), Action: "order.read", RequestID: "r", Address: "192.0.2.7", Detail: "d",
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

// verified checks the whole chain, a few rows at a time.
func verified(t *testing.T, s *Store) AuditCheck {
	t.Helper()
	var total int64
	for after := int64(0); ; {
		check, err := s.VerifyAudit(t.Context(), after, 3)
		require.NoError(t, err)
		total += check.Checked
		if check.Done || check.Broken != nil {
			check.Checked = total
			return check
		}
		require.Greater(t, check.To, after)
		after = check.To
	}
}

// tamper changes the database behind the store's back.
func tamper(t *testing.T, s *Store, statement string, args ...any) {
	t.Helper()
	n, err := change(t.Context(), s.write, statement, args...)
	require.NoError(t, err, statement)
	require.Positive(t, n, statement)
}

func TestAuditChainIsWhole(t *testing.T) {
	t.Parallel()
	forEach(t, func(t *testing.T, s *Store) {
		require.Equal(t, AuditCheck{Done: true}, verified(t, s), "nothing is sealed yet")
		sealed(t, s, 10)
		require.NoError(t, s.Audit(t.Context(), AuditRow{Action: "order.read"}))
		check := verified(t, s)
		require.Nil(t, check.Broken)
		require.EqualValues(t, 10, check.Checked)
		require.Equal(t, 1, check.Unsealed)
		end, hash, err := s.AuditEnd(t.Context())
		require.NoError(t, err)
		require.EqualValues(t, 10, end)
		require.Equal(t, check.EndHash, hash)
		require.Equal(t, check.ToHash, hash)

		log, err := s.AuditLog(t.Context(), AuditQuery{KeyID: "key", Size: 3})
		require.NoError(t, err)
		require.Len(t, log, 3)
		require.Equal(t, "o9", log[0].OrderID)
		require.EqualValues(t, 10, log[0].Seq)
		log, err = s.AuditLog(t.Context(), AuditQuery{OrderID: "o2", KeyID: "another"})
		require.NoError(t, err)
		require.Empty(t, log)
	})
}

// Who can write to the database and has no encryption key is found out.
func TestAuditChainShowsTampering(t *testing.T) {
	t.Parallel()
	forAll := map[string]struct {
		tamper func(t *testing.T, s *Store)
		seq    int64
	}{
		"a row is removed":           {func(t *testing.T, s *Store) { tamper(t, s, `DELETE FROM audit WHERE seq = 4`) }, 4},
		"the first row is removed":   {func(t *testing.T, s *Store) { tamper(t, s, `DELETE FROM audit WHERE seq = 1`) }, 1},
		"the last row is removed":    {func(t *testing.T, s *Store) { tamper(t, s, `DELETE FROM audit WHERE seq = 10`) }, 10},
		"the tail is removed":        {func(t *testing.T, s *Store) { tamper(t, s, `DELETE FROM audit WHERE seq > 6`) }, 7},
		"all is removed":             {func(t *testing.T, s *Store) { tamper(t, s, `DELETE FROM audit`) }, 1},
		"a row is taken out":         {func(t *testing.T, s *Store) { tamper(t, s, `UPDATE audit SET seq = NULL, hash = NULL WHERE seq = 5`) }, 5},
		"a hash is changed":          {func(t *testing.T, s *Store) { tamper(t, s, `UPDATE audit SET hash = $1 WHERE seq = 5`, []byte("x")) }, 5},
		"two rows change places":     {swap, 4},
		"a row is put in at the end": {func(t *testing.T, s *Store) { insert(t, s, 11) }, 11},
		"a row is put in before":     {func(t *testing.T, s *Store) { insert(t, s, 0) }, 0},
		"a later chain is made up":   {func(t *testing.T, s *Store) { remake(t, s, 3) }, 10},
		"the last row is made up":    {func(t *testing.T, s *Store) { remake(t, s, 10) }, 10},
		"the end is moved":           {func(t *testing.T, s *Store) { tamper(t, s, `UPDATE audit_chain SET end_seq = 6`) }, 0},
		"the start is moved": {func(t *testing.T, s *Store) {
			tamper(t, s, `UPDATE audit_chain SET start_seq = 3, start_hash = (SELECT hash FROM audit WHERE seq = 3)`)
			tamper(t, s, `DELETE FROM audit WHERE seq <= 3`)
		}, 0},
		"the chain is begun anew": {func(t *testing.T, s *Store) { tamper(t, s, `UPDATE audit_chain SET end_seq = 0, signature = ''`) }, 1},
		"the chain is removed":    {func(t *testing.T, s *Store) { tamper(t, s, `DELETE FROM audit_chain`) }, 0},
	}
	for _, column := range []string{"key_id", "team_id", "order_id", "action", "request_id", "address", "detail", "id"} {
		forAll["the column "+column+" is changed"] = struct {
			tamper func(t *testing.T, s *Store)
			seq    int64
		}{func(t *testing.T, s *Store) { tamper(t, s, `UPDATE audit SET `+column+` = 'x' WHERE seq = 5`) }, 5}
	}
	forAll["the time is changed"] = struct {
		tamper func(t *testing.T, s *Store)
		seq    int64
	}{func(t *testing.T, s *Store) { tamper(t, s, `UPDATE audit SET at = at + 1 WHERE seq = 5`) }, 5}
	for name, tt := range forAll {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			forEach(t, func(t *testing.T, s *Store) {
				sealed(t, s, 10)
				require.Nil(t, verified(t, s).Broken)
				tt.tamper(t, s)
				broken := verified(t, s).Broken
				require.NotNil(t, broken)
				require.Equal(t, tt.seq, broken.Seq, broken.Why)
				require.NotEmpty(t, broken.Why)

				// Sealing on does not make it good.
				require.NoError(t, s.Audit(t.Context(), AuditRow{Action: "order.read"}))
				if _, err := s.SealAudit(t.Context(), 10); err != nil {
					require.ErrorIs(t, err, ErrAuditChain)
				}
				require.NotNil(t, verified(t, s).Broken)
			})
		})
	}
}

func swap(t *testing.T, s *Store) {
	t.Helper()
	tamper(t, s, `UPDATE audit SET seq = -1 WHERE seq = 4`)
	tamper(t, s, `UPDATE audit SET seq = 4 WHERE seq = 5`)
	tamper(t, s, `UPDATE audit SET seq = 5 WHERE seq = -1`)
}

func insert(t *testing.T, s *Store, seq int64) {
	t.Helper()
	e := AuditEntry{AuditRow: AuditRow{At: s.now(), Action: "made up"}, ID: newID(), Seq: seq}
	last, err := one(t.Context(), s.read, scanEntry, `SELECT `+entryColumns+` FROM audit ORDER BY seq DESC LIMIT 1`)
	require.NoError(t, err)
	tamper(t, s, `INSERT INTO audit (id, at, key_id, team_id, order_id, action, request_id, address, detail, seq, hash)
		VALUES ($1, $2, '', '', '', $3, '', '', '', $4, $5)`, e.ID, micros(e.At), e.Action, seq, chainHash(last.hash, seq, e))
}

// remake changes a row and makes the hashes from there on anew, as one can without a key.
func remake(t *testing.T, s *Store, from int64) {
	t.Helper()
	tamper(t, s, `UPDATE audit SET key_id = 'somebody else' WHERE seq = $1`, from)
	before, err := one(t.Context(), s.read, scanEntry, `SELECT `+entryColumns+` FROM audit WHERE seq = $1`, from-1)
	require.NoError(t, err)
	rows, err := collect(t.Context(), s.read, scanEntry, `SELECT `+entryColumns+` FROM audit WHERE seq >= $1 ORDER BY seq`, from)
	require.NoError(t, err)
	previous := before.hash
	for _, row := range rows {
		previous = chainHash(previous, row.Seq, row.AuditEntry)
		tamper(t, s, `UPDATE audit SET hash = $1 WHERE seq = $2`, previous, row.Seq)
	}
}

func TestPruningTheAuditKeepsTheChain(t *testing.T) {
	t.Parallel()
	forEach(t, func(t *testing.T, s *Store) {
		sealed(t, s, 10)
		before := s.now().Add(-4 * time.Minute)
		require.NoError(t, s.Audit(t.Context(), AuditRow{At: before.Add(-time.Hour), Action: "old and not sealed"}))
		n, err := s.PruneAudit(t.Context(), before, 3)
		require.NoError(t, err)
		require.Equal(t, 3, n)
		n, err = s.PruneAudit(t.Context(), before, 10)
		require.NoError(t, err)
		require.Equal(t, 2, n)
		check := verified(t, s)
		require.Nil(t, check.Broken)
		require.EqualValues(t, 5, check.Checked)
		require.EqualValues(t, 10, check.End)
		require.Equal(t, 1, check.Unsealed)
		sealed(t, s, 2)
		require.Nil(t, verified(t, s).Broken)

		tamper(t, s, `DELETE FROM audit WHERE seq = 6`)
		require.EqualValues(t, 6, verified(t, s).Broken.Seq)
	})
}

func TestAuditIsSealedBySeveralProcessesAtOnce(t *testing.T) {
	t.Parallel()
	forEachShared(t, func(t *testing.T, open func() *Store) {
		stores := []*Store{open(), open(), open()}
		g, ctx := errgroup.WithContext(t.Context())
		for _, s := range stores {
			g.Go(func() error { return appendAndSeal(ctx, s) })
		}
		require.NoError(t, g.Wait())
		sealed(t, stores[0], 1)
		check := verified(t, stores[1])
		require.Nil(t, check.Broken)
		require.EqualValues(t, 61, check.Checked)
	})
}

func appendAndSeal(ctx context.Context, s *Store) error {
	for range 20 {
		if err := s.Audit(ctx, AuditRow{Action: "order.read"}); err != nil {
			return err
		}
		if _, err := s.SealAudit(ctx, 3); err != nil {
			return err
		}
	}
	return nil
}

// The signature goes over to the key in front, so that the one before can be removed.
func TestAuditChainOutlivesAKey(t *testing.T) {
	t.Parallel()
	for _, engine := range engines {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			url := engineURL(t, engine)
			first, err := NewKey("a")
			require.NoError(t, err)
			second, err := NewKey("b")
			require.NoError(t, err)
			with := func(text string) *Store {
				keys, err := ParseKeyring(text)
				require.NoError(t, err)
				return openStore(t, url, func(o *Options) { o.Keys = keys })
			}
			old := with(first)
			require.NoError(t, old.Migrate(t.Context()))
			sealed(t, old, 3)
			require.NotNil(t, verified(t, with(second)).Broken, "control")

			_, err = with(second+","+first).SealAudit(t.Context(), 10)
			require.NoError(t, err)
			require.Nil(t, verified(t, with(second)).Broken)
		})
	}
}
