package e2e

import (
	"context"
	"database/sql"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/e2e/scenario"
	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/internal/testservers/postgrestest"
	"github.com/aliquot-labs/aliquot/worker"
)

// TestLabsAreAskedAfterARestore restores the store from a backup. What labs reported after the backup is gone. A
// rebuild alone does not bring it back, and asking the labs does, at once.
func TestLabsAreAskedAfterARestore(t *testing.T) {
	t.Parallel()
	for name, isPostgres := range map[string]bool{"sqlite": false, "postgres": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSystem(t, options{postgres: isPostgres, neutral: true})
			molecular, ended := s.placeOrder(nil), s.placeOrder(nil)
			place := func(method string) *scenario.Order {
				o, err := s.scenarioSystem().PlaceOrder(t.Context(), method, "", nil)
				require.NoError(t, err)
				return o
			}
			kit, draw := place(scenario.Testkit), place(scenario.WalkIn)
			neutral, walkIn := kit.ID, draw.ID
			for _, id := range []string{molecular, ended, neutral} {
				s.awaitStatus(id, "received.testkit.requisition_created")
			}
			s.awaitStatus(walkIn, "received.walk_in_test.requisition_created")
			backup := s.backUpStore()

			for _, id := range []string{molecular, ended} {
				s.sendLabFact(id, map[string]any{"type": "kit_shipped"})
				s.awaitStatus(id, "collecting_sample.testkit.transit_customer")
			}
			s.sendLabFact(ended, map[string]any{"type": "kit_received"})
			s.awaitStatus(ended, "sample_with_lab.testkit.delivered_to_lab")
			s.publishReport(ended)
			s.awaitStatus(ended, "completed.testkit.completed")
			require.NoError(t, kit.SendFact(t.Context(), "kit_shipped", nil))
			s.awaitStatus(neutral, "collecting_sample.testkit.transit_customer")
			require.NoError(t, draw.PublishReport(t.Context(), scenario.Final, "normal", ""))
			s.awaitStatus(walkIn, "completed.walk_in_test.completed")

			s.restoreStore(backup)
			ctx, cancel := context.WithTimeout(t.Context(), timeout)
			defer cancel()
			healed, err := worker.Rebuild(ctx, s.client, s.namespace, 24*time.Hour, s.log())
			require.NoError(t, err)
			require.Equal(t, 4, healed.OrdersStarted)
			require.Zero(t, s.reconcile().FactsPolled, "the control: nothing else asks before a day")
			for _, id := range []string{molecular, ended, neutral, walkIn} {
				require.Contains(t, s.order(id).LastEvent.Status, "requisition_created")
			}

			asked, err := worker.AskLabs(ctx, s.client)
			require.NoError(t, err)
			require.Equal(t, dispatch.SweepResult{OrdersAsked: 4, FactsPolled: 6}, asked)
			s.awaitStatus(molecular, "collecting_sample.testkit.transit_customer")
			s.awaitStatus(ended, "completed.testkit.completed")
			s.awaitStatus(neutral, "collecting_sample.testkit.transit_customer")
			s.awaitStatus(walkIn, "completed.walk_in_test.completed")
			for _, id := range []string{molecular, ended, neutral, walkIn} {
				for i, e := range s.order(id).Events {
					require.Equal(t, int64(i+1), e.ID, "events without gaps")
				}
			}
			again, err := worker.AskLabs(ctx, s.client)
			require.NoError(t, err)
			require.Zero(t, again.FactsPolled, "what is known changes nothing")
		})
	}
}

// backUpStore writes a backup of the store, as docs/operations.md describes it, and returns its file.
func (s *system) backUpStore() (file string) {
	s.t.Helper()
	file = filepath.Join(s.t.TempDir(), "aliquot.backup")
	path, isSQLite := strings.CutPrefix(s.ownerURL, "sqlite:")
	if !isSQLite {
		require.NoError(s.t, postgrestest.Backup(s.t.Context(), s.ownerURL, file))
		return file
	}
	db, err := sql.Open("sqlite", path)
	require.NoError(s.t, err)
	_, err = db.ExecContext(s.t.Context(), `VACUUM INTO '`+file+`'`)
	require.NoError(s.t, err)
	require.NoError(s.t, db.Close())
	return file
}

// restoreStore makes the system work with a store that is restored from a backup, with new processes and a Temporal
// that knows nothing.
func (s *system) restoreStore(backup string) {
	s.t.Helper()
	for _, w := range s.workers {
		w.Stop()
	}
	s.workers = nil
	if strings.HasPrefix(s.ownerURL, "sqlite:") {
		s.ownerURL = "sqlite:" + backup
		s.dbURL = s.ownerURL
	} else {
		s.ownerURL = postgrestest.NewDatabase(s.t)
		require.NoError(s.t, postgrestest.Restore(s.t.Context(), s.ownerURL, backup))
		s.dbURL = postgrestest.AsRole(s.ownerURL, postgrestest.ApplicationRole)
	}
	require.NoError(s.t, migrate(s.ownerURL))
	s.metrics = prometheus.NewRegistry()
	s.namespace = s.temporal.Namespace(s.t)
	s.store, s.client = s.openStore(), s.dial()
	s.openAPI()
	s.workers = append(s.workers, s.startWorker())
}
