package e2e

import (
	"context"
	"database/sql"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// executeSQL changes the database directly, as its owner.
func (s *system) executeSQL(statement string, args ...any) {
	s.t.Helper()
	driver, source := "pgx", s.ownerURL
	if path, ok := strings.CutPrefix(s.ownerURL, "sqlite:"); ok {
		driver, source = "sqlite", "file:"+path+"?_pragma=busy_timeout(10000)"
	}
	db, err := sql.Open(driver, source)
	require.NoError(s.t, err)
	defer func() { require.NoError(s.t, db.Close()) }()
	_, err = db.ExecContext(context.Background(), statement, args...)
	require.NoError(s.t, err)
}

// TestADeletedUsersOrdersAreErased shows that the reconciler erases a deleted user's data after the grace period, and
// that the events of the user's orders stay.
func TestADeletedUsersOrdersAreErased(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, o options) {
		s := newSystem(t, o)
		ended, open := s.placeOrder(s.canaryBody(nil)), s.placeOrder(s.canaryBody(nil))
		for _, id := range []string{ended, open} {
			s.awaitStatus(id, "received.testkit.requisition_created")
		}
		require.Equal(t, http.StatusOK, s.cancel(ended).Status)
		s.requireWebhooks(ended)
		s.awaitEnd(ended)
		read := func(id string) string { return string(s.callAsClient(http.MethodGet, "/v3/order/"+id, nil).Body) }
		require.Equal(t, http.StatusOK, s.callAsClient(http.MethodDelete, "/v2/user/"+s.userID, nil).Status)
		require.Equal(t, http.StatusNotFound, s.callAsClient(http.MethodGet, "/v2/user/"+s.userID, nil).Status)
		require.Equal(t, http.StatusNotFound, s.callAsClient(http.MethodPost, "/v3/order",
			s.orderBody(s.canaryBody(nil))).Status, "nothing more is ordered")
		s.reconcile()
		require.Contains(t, read(ended), "Zephyrinecanary", "the days of grace")

		s.executeSQL(`UPDATE users SET erase_at = 1 WHERE id = $1`, s.userID)
		s.reconcile()
		for _, word := range patientCanaries {
			require.NotContains(t, read(ended), word)
		}
		s.awaitEvents(ended, placedEvents+" cancelled")
		require.Contains(t, read(open), "Zephyrinecanary", "an open order keeps its data")
		require.Equal(t, http.StatusOK, s.cancel(open).Status)
		s.awaitEnd(open)
		s.reconcile()
		require.NotContains(t, read(open), "Zephyrinecanary")
		require.Equal(t, http.StatusNotFound, s.callAsClient(http.MethodPost, "/v2/user/undo_delete?user_id="+s.userID,
			nil).Status)
		require.NotEmpty(t, s.story(open).Events)
	})
}
