package e2e

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/worker"
)

// snapshot is the part of the manifest of the store's snapshot that this package reads. The snapshot is a database that
// an earlier build wrote. Package store records it.
type snapshot struct {
	TeamID     string                     `json:"team_id"`
	UserID     string                     `json:"user_id"`
	APIKey     string                     `json:"api_key"`
	Operations string                     `json:"operations_key"`
	LabUser    string                     `json:"lab_user"`
	LabToken   string                     `json:"lab_token"`
	Orders     map[string]string          `json:"orders"`
	Open       []string                   `json:"open"`
	States     map[string]json.RawMessage `json:"states"`
}

// openSnapshot unpacks the snapshot into a directory of the test and returns the manifest and the URL of the copy.
func openSnapshot(t *testing.T) (m snapshot, url string) {
	t.Helper()
	dir := filepath.Join("..", "store", "testdata")
	text, err := os.ReadFile(filepath.Join(dir, "snapshot.json"))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &m))
	packed, err := os.Open(filepath.Join(dir, "snapshot.db.gz"))
	require.NoError(t, err)
	defer func() { require.NoError(t, packed.Close()) }()
	unpacked, err := gzip.NewReader(packed)
	require.NoError(t, err)
	content, err := io.ReadAll(unpacked)
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "store.db")
	require.NoError(t, os.WriteFile(file, content, 0o600))
	return m, "sqlite:" + file
}

// TestRebuildTakesUpTheOrdersOfTheSnapshot shows that after a rebuild every open order of an earlier build's database
// has a running workflow, which has loaded the stored state and applies a fact.
func TestRebuildTakesUpTheOrdersOfTheSnapshot(t *testing.T) {
	t.Parallel()
	m, url := openSnapshot(t)
	s := newSystem(t, options{database: url, workers: noWorkers})
	s.teamID, s.userID, s.key, s.opsKey = m.TeamID, m.UserID, m.APIKey, m.Operations
	accounts, err := s.store.LabAccounts(t.Context(), m.TeamID)
	require.NoError(t, err)
	require.Len(t, accounts, 2)
	for _, a := range accounts {
		a.BaseURL, a.PreviousUser, a.PreviousToken, a.User, a.Token = s.labURL, a.User, a.Token, labUser, labToken
		if a.Partner == "neutral" {
			a.BaseURL, a.User, a.Token = s.labURL+"/neutral", partnerAccount, partnerSecret
		}
		require.NoError(t, s.store.PutLabAccount(t.Context(), a))
	}
	s.workers = append(s.workers, s.startWorker())
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	_, err = worker.Rebuild(ctx, s.client, s.namespace, 24*time.Hour, s.log())
	require.NoError(t, err)

	require.NotEmpty(t, m.Open)
	for _, id := range m.Open {
		described, err := s.client.DescribeWorkflowExecution(ctx, dispatch.OrderWorkflowID(id), "")
		require.NoError(t, err, "order %s", id)
		require.Equal(t, enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, described.GetWorkflowExecutionInfo().GetStatus(),
			"order %s", id)
		var state order.State
		require.NoError(t, json.Unmarshal(m.States[id], &state))
		require.Equal(t, state.Agenda(), s.firstAgenda(id), "order %s", id)
		s.await(func() bool {
			o := s.storedOrder(id)
			return strings.HasPrefix(s.details(id), fmt.Sprintf("**%s** (event %d)", o.State.FullStatus(), o.Sequence))
		}, "the workflow of order %s has another state than its row", id)
	}
	again, err := worker.Rebuild(ctx, s.client, s.namespace, 24*time.Hour, s.log())
	require.NoError(t, err)
	require.Zero(t, again.OrdersStarted, "a second rebuild finds nothing to start")

	placed := m.Orders["kit placed"]
	require.Equal(t, "received.testkit.requisition_created", s.order(placed).LastEvent.Status)
	r := s.webhookAs(m.LabUser, m.LabToken, documentedWebhook(t, "kit_shipped", s.labOrderNumber(placed)))
	require.Equal(t, http.StatusOK, r.Status, "%s", r.Body)
	s.awaitStatus(placed, "collecting_sample.testkit.transit_customer")
	s.awaitStatus(m.Orders["kit ordered"], "received.testkit.requisition_created")
}

// firstAgenda waits until the first run of an order's workflow has looked at the order, and returns the agenda that it
// got.
func (s *system) firstAgenda(id string) order.Agenda {
	s.t.Helper()
	var settled dispatch.SettledOrder
	s.await(func() bool {
		history := s.client.GetWorkflowHistory(context.Background(), dispatch.OrderWorkflowID(id), "", false, 0)
		for history.HasNext() {
			event, err := history.Next()
			require.NoError(s.t, err)
			if result := event.GetMarkerRecordedEventAttributes().GetDetails()["result"]; result != nil {
				require.NoError(s.t, dispatch.NewConverter().FromPayloads(result, &settled))
				return true
			}
		}
		return false
	}, "the workflow of order %s has looked at nothing", id)
	return settled.Agenda
}
