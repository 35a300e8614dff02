package e2e

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/aliquot-labs/aliquot/activities"
	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/store"
	"github.com/aliquot-labs/aliquot/store/keyring"
	"github.com/aliquot-labs/aliquot/webhooks"
)

const benchMessages = 10_000

// BenchmarkDeliveries delivers stored messages to one endpoint and to a thousand endpoints. ratio compares it with a
// bare loop that posts the same bytes to the same receiver with the same concurrency. It also reports the Temporal
// events per message.
func BenchmarkDeliveries(b *testing.B) {
	for _, endpoints := range []int{1, 1000} {
		b.Run(fmt.Sprintf("%d-endpoints", endpoints), func(b *testing.B) {
			for b.Loop() {
				receiver := newCountingReceiver(b)
				floor := postRate(b, receiver.url)
				s := newSystem(b, options{workers: noWorkers})
				ids := s.addEndpoints(receiver.url, endpoints)
				s.insertDueMessages(ids, benchMessages, time.Now())
				rate := s.drainRate(ids, receiver)
				b.ReportMetric(float64(receiver.received.Load()-2*benchMessages)/benchMessages, "doubled")
				b.ReportMetric(floor, "floor/s")
				b.ReportMetric(rate, "deliveries/s")
				b.ReportMetric(rate/floor, "ratio")
				b.ReportMetric(float64(s.deliveryEvents(ids))/benchMessages, "events/message")
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

// countingReceiver is a receiver that counts its requests.
type countingReceiver struct {
	url      string
	received atomic.Int64
}

func newCountingReceiver(b testing.TB) *countingReceiver {
	b.Helper()
	c := &countingReceiver{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		c.received.Add(1)
		w.WriteHeader(http.StatusNoContent)
	}))
	b.Cleanup(server.Close)
	c.url = server.URL
	return c
}

// benchBody has about the size of an order's message.
var benchBody = []byte(`{"event_type":"labtest.order.updated","data":{"note":"` + strings.Repeat("x", 4000) + `"}}`)

// postRate returns how many requests a second a bare loop makes.
func postRate(b *testing.B, url string) float64 {
	b.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: activities.DefaultConcurrency}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	var g errgroup.Group
	var next atomic.Int64
	began := time.Now()
	for range activities.DefaultConcurrency {
		g.Go(func() error {
			for next.Add(1) <= benchMessages {
				resp, err := client.Post(url, "application/json", bytes.NewReader(benchBody))
				if err != nil {
					return err
				}
				_, _ = io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
			}
			return nil
		})
	}
	require.NoError(b, g.Wait())
	return benchMessages / time.Since(began).Seconds()
}

// drainRate returns how many deliveries a second a worker makes until no delivery is due.
func (s *system) drainRate(endpoints []string, receiver *countingReceiver) float64 {
	s.t.Helper()
	s.startWorker()
	client := dispatch.NewClient(s.client)
	all := receiver.received.Load() + benchMessages
	began := time.Now()
	var nudging errgroup.Group
	nudging.SetLimit(benchConcurrency)
	for _, id := range endpoints {
		nudging.Go(func() error { return client.NudgeDeliveries(context.Background(), id) })
	}
	require.NoError(s.t, nudging.Wait())
	require.Eventually(s.t, func() bool {
		if receiver.received.Load() < all {
			return false
		}
		o, err := s.store.DeliveryLag(context.Background(), time.Now())
		require.NoError(s.t, err)
		return o.Pending == 0
	}, 5*time.Minute, 20*time.Millisecond)
	return benchMessages / time.Since(began).Seconds()
}

// deliveryEvents counts the history events of the endpoints' delivery workflows after they have ended.
func (s *system) deliveryEvents(endpoints []string) (n int) {
	s.t.Helper()
	for _, id := range endpoints {
		workflow := dispatch.DeliveriesWorkflowID(id)
		require.NoError(s.t, s.client.GetWorkflow(context.Background(), workflow, "").Get(context.Background(), nil))
		for _, h := range s.histories(workflow) {
			n += len(h.GetEvents())
		}
	}
	return n
}

// addEndpoints adds endpoints to the system's team. The endpoint of newSystem is not among them.
func (s *system) addEndpoints(url string, n int) []string {
	s.t.Helper()
	ids := make([]string, n)
	secret, err := webhooks.NewSecret()
	require.NoError(s.t, err)
	for i := range ids {
		ids[i] = uuid.Must(uuid.NewV7()).String()
		require.NoError(s.t, s.store.CreateEndpoint(context.Background(),
			store.Endpoint{ID: ids[i], TeamID: s.teamID, URL: url, Secret: secret}))
	}
	return ids
}

// insertDueMessages writes messages into the database with one delivery each, to the endpoints in turn. They are due,
// and their times are one millisecond apart and end at until. It returns their ids, oldest first.
func (s *system) insertDueMessages(endpoints []string, n int, until time.Time) []string {
	s.t.Helper()
	keys, err := keyring.Parse(encryptionKeys)
	require.NoError(s.t, err)
	driver, source := "pgx", s.dbURL
	if path, ok := strings.CutPrefix(s.dbURL, "sqlite:"); ok {
		driver, source = "sqlite", "file:"+path+"?_pragma=busy_timeout(10000)"
	}
	db, err := sql.Open(driver, source)
	require.NoError(s.t, err)
	defer db.Close()
	tx, err := db.BeginTx(context.Background(), nil)
	require.NoError(s.t, err)
	ids := make([]string, n)
	for i := range ids {
		ids[i] = uuid.Must(uuid.NewV7()).String()
		at := until.Add(time.Duration(i-n) * time.Millisecond).UnixMicro()
		_, err := tx.Exec(`INSERT INTO messages (id, team_id, order_id, event_type, sequence, body, created_at)
			VALUES ($1, $2, NULL, $3, 1, $4, $5)`,
			ids[i], s.teamID, webhooks.OrderUpdated, keys.Seal("messages/"+ids[i]+"/body", benchBody), at)
		require.NoError(s.t, err)
		_, err = tx.Exec(`INSERT INTO deliveries
			(message_id, endpoint_id, state, round, attempts, next_attempt_at, created_at, updated_at)
			VALUES ($1, $2, 'pending', 1, 0, $3, $3, $3)`, ids[i], endpoints[i%len(endpoints)], at)
		require.NoError(s.t, err)
	}
	require.NoError(s.t, tx.Commit())
	return ids
}
