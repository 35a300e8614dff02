package store

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/internal/testids"
)

func TestAuditListsWhoDidWhatOldestFirst(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		at := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
		second := AuditRow{At: at.Add(time.Second), APIKeyID: testids.Of("key"), TeamID: testids.Of("team"),
			OrderID: testids.Of("o"), Action: "order.cancel",
			RequestID: "r2", Address: "192.0.2.7", Detail: "patient_request"}
		first := AuditRow{At: at, TeamID: testids.Of("team"), OrderID: testids.Of("o"), Action: "order.read", RequestID: "r1"}
		for _, row := range []AuditRow{second, first, {OrderID: testids.Of("another"), Action: "order.read"}} {
			require.NoError(t, s.AppendAudit(t.Context(), row))
		}
		got, err := s.OrderAudit(t.Context(), testids.Of("o"))
		require.NoError(t, err)
		require.Equal(t, []AuditRow{first, second}, got)
		other, err := s.OrderAudit(t.Context(), testids.Of("another"))
		require.NoError(t, err)
		require.Len(t, other, 1)
		require.False(t, other[0].At.IsZero(), "no time means now")
	})
}
