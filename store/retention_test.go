package store

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/store/sqldb"
)

func TestRetention(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		forward := stopClock(s)
		o := fillEverySealedColumn(t, s)
		require.NoError(t, s.AppendAudit(ctx, AuditRow{Action: "old"}))
		setOrdersUnfinished(t, s, o.ID)
		forward(time.Hour)
		before := s.now()
		prune := func() (n [3]int) {
			for i, do := range []func() (int, error){
				func() (int, error) { return s.PruneResults(ctx, before, 10) },
				func() (int, error) { return s.PruneInboxContents(ctx, before, 10) },
				func() (int, error) {
					if s.HasPartitions() {
						return 0, nil
					}
					return s.PruneAudit(ctx, before, 10)
				},
			} {
				var err error
				n[i], err = do()
				require.NoError(t, err)
			}
			return n
		}
		require.NoError(t, s.AppendAudit(ctx, AuditRow{Action: "new"}))
		_, err := s.SealAudit(ctx, 10)
		require.NoError(t, err)
		auditRows := 1
		if s.HasPartitions() {
			auditRows = 0
		}
		require.Equal(t, [3]int{0, 2, auditRows}, prune(), "the results of an unfinished order stay")
		setOrdersFinished(t, s, o.ID)
		require.NotNil(t, getOrder(t, s, o.ID).Results)
		require.Equal(t, [3]int{1, 0, 0}, prune())
		require.Nil(t, getOrder(t, s, o.ID).Results)
		require.NotNil(t, getOrder(t, s, o.ID).Patient)
		_, err = s.NewestResult(ctx, "", o.ID)
		require.ErrorIs(t, err, ErrNotFound)
		left := sealedOf(t, s, o.ID)
		require.Zero(t, left["inbox"]+left["results"])
		n, err := countRows(ctx, s.db.Reader, "inbox", sqldb.Where{})
		require.NoError(t, err)
		require.NotZero(t, n, "the state of an item stays")
		n, err = countRows(ctx, s.db.Reader, "audit", sqldb.Where{})
		require.NoError(t, err)
		require.Equal(t, 2-auditRows, n)

		// Newer data stays.
		before = before.Add(-24 * time.Hour)
		require.Equal(t, [3]int{}, prune())
	})
}
