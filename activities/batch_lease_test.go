package activities

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"

	"github.com/aliquot-labs/aliquot/internal/testids"
	"github.com/aliquot-labs/aliquot/store"
	"github.com/aliquot-labs/aliquot/store/keyring"
	"github.com/aliquot-labs/aliquot/store/sqldb"
	"github.com/aliquot-labs/aliquot/webhooks"
)

// leaseSystem is one endpoint with due deliveries, and a receiver that answers when it is told to.
type leaseSystem struct {
	t        *testing.T
	url      string // of the database
	keys     *keyring.Keyring
	db       *store.Store
	endpoint string
	messages int
	answer   chan struct{} // closed: the receiver answers
	sender   *webhooks.Sender

	mu       sync.Mutex
	received map[string]int // how often, by message
}

const leaseTestTimeout = 3 * time.Second // of an attempt, instead of 15 s

func newLeaseSystem(t *testing.T, messages int) *leaseSystem {
	t.Helper()
	key, err := keyring.NewEncryptionKey("k1")
	require.NoError(t, err)
	keys, err := keyring.Parse(key)
	require.NoError(t, err)
	s := &leaseSystem{t: t, url: "sqlite:" + filepath.Join(t.TempDir(), "store.db"), keys: keys, messages: messages,
		endpoint: sqldb.NewID(), answer: make(chan struct{}), received: map[string]int{}}
	receiver := httptest.NewServer(http.HandlerFunc(s.receive))
	t.Cleanup(receiver.Close)
	t.Cleanup(s.letAnswer)
	s.db = s.openStore()
	require.NoError(t, s.db.Migrate(t.Context()))
	team := store.Team{ID: sqldb.NewID(), Name: "t", Environment: "sandbox"}
	require.NoError(t, s.db.CreateTeam(t.Context(), team))
	secret, err := webhooks.NewSecret()
	require.NoError(t, err)
	require.NoError(t, s.db.CreateEndpoint(t.Context(), store.Endpoint{ID: s.endpoint, TeamID: team.ID, URL: receiver.URL,
		Secret: secret}))
	guard, err := webhooks.NewAddressGuard("127.0.0.0/8")
	require.NoError(t, err)
	s.sender = webhooks.NewSender(webhooks.SenderOptions{Guard: guard, Timeout: leaseTestTimeout})
	t.Cleanup(s.sender.Close)
	s.insertDueMessages(team.ID)
	return s
}

func (s *leaseSystem) openStore() *store.Store {
	s.t.Helper()
	db, err := store.Open(s.t.Context(), store.Options{URL: s.url, Keys: s.keys})
	require.NoError(s.t, err)
	s.t.Cleanup(func() { require.NoError(s.t, db.Close()) })
	return db
}

func (s *leaseSystem) insertDueMessages(teamID string) {
	s.t.Helper()
	due := time.Now().Add(-time.Minute).UnixMicro()
	for range s.messages {
		id := sqldb.NewID()
		s.exec(`INSERT INTO messages (id, team_id, order_id, event_type, sequence, body, created_at)
			VALUES ($1, $2, NULL, $3, 1, $4, $5)`, id, teamID, webhooks.OrderUpdated,
			s.keys.Seal("messages/"+id+"/body", []byte("{}")), due)
		s.exec(`INSERT INTO deliveries
			(message_id, endpoint_id, state, round, attempts, next_attempt_at, created_at, updated_at)
			VALUES ($1, $2, 'pending', 1, 0, $3, $3, $3)`, id, s.endpoint, due)
	}
}

// exec changes the database past the store.
func (s *leaseSystem) exec(statement string, args ...any) {
	s.t.Helper()
	db, err := sqldb.Open(s.url, 1)
	require.NoError(s.t, err)
	_, err = db.Writer.ExecContext(s.t.Context(), statement, args...)
	require.NoError(s.t, errors.Join(err, db.Close()))
}

func (s *leaseSystem) receive(_ http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.received[r.Header.Get("svix-id")]++
	s.mu.Unlock()
	<-s.answer
}

// letAnswer has the receiver answer all requests, those that wait included.
func (s *leaseSystem) letAnswer() {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.answer:
	default:
		close(s.answer)
	}
}

// requests counts the requests, and the messages that were received more than once.
func (s *leaseSystem) requests() (all, doubled int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range s.received {
		all += n
		if n > 1 {
			doubled++
		}
	}
	return all, doubled
}

func (s *leaseSystem) await(condition func() bool, why string) {
	s.t.Helper()
	require.Eventually(s.t, condition, 30*time.Second, 5*time.Millisecond, why)
}

// leaseBatch is a batch in a process of its own.
type leaseBatch struct {
	*Activities
	ended chan error
}

func (s *leaseSystem) startBatch(ignoresLeases bool) *leaseBatch {
	s.t.Helper()
	b := &leaseBatch{ended: make(chan error, 1), Activities: &Activities{
		Store: s.openStore(), Dispatch: &fakeTemporal{}, Sender: s.sender, Concurrency: 4, Linger: 50 * time.Millisecond,
		Metrics: NewMetrics(prometheus.NewRegistry()), Log: slog.New(slog.DiscardHandler), Now: time.Now,
		ignoresLeases: ignoresLeases,
	}}
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(log.NewStructuredLogger(b.Log))
	env := suite.NewTestActivityEnvironment()
	env.SetTestTimeout(time.Minute)
	env.RegisterActivity(b.Deliver)
	go func() {
		_, err := env.ExecuteActivity(b.Deliver, s.endpoint)
		b.ended <- err
	}()
	return b
}

// count counts the batches of the process that waited for the lease, or lost it.
func (b *leaseBatch) count(outcome string) float64 {
	return testutil.ToFloat64(b.Metrics.leases.WithLabelValues(outcome))
}

// runTwoBatches starts a batch, and a second one while the attempts of the first are in progress, as Temporal does when
// it gets no heartbeats of the first. It returns how many messages were received more than once.
func runTwoBatches(t *testing.T, ignoresLeases bool) (doubled int) {
	t.Helper()
	s := newLeaseSystem(t, 8)
	first := s.startBatch(ignoresLeases)
	s.await(func() bool { all, _ := s.requests(); return all == 4 }, "the first batch posts nothing")
	second := s.startBatch(ignoresLeases)
	s.await(func() bool {
		_, doubled := s.requests()
		return second.count("waited") > 0 || doubled == 4
	}, "the second batch neither waits nor posts")
	s.letAnswer()
	require.NoError(t, <-first.ended)
	require.NoError(t, <-second.ended)
	backlog, err := s.db.EndpointBacklog(t.Context(), s.endpoint)
	require.NoError(t, err)
	require.Zero(t, backlog.Pending)
	require.Len(t, s.received, 8)
	require.Zero(t, first.count("lost")+second.count("lost"))
	_, wait, err := s.db.TakeDeliveryLease(t.Context(),
		store.DeliveryLease{EndpointID: s.endpoint, Owner: testids.Of("next"),
			Duration: time.Second})
	require.NoError(t, err)
	require.Zero(t, wait, "a batch frees the lease at its end")
	_, doubled = s.requests()
	return doubled
}

func TestTwoBatchesOfAnEndpointPostEveryMessageOnce(t *testing.T) {
	t.Parallel()
	require.Zero(t, runTwoBatches(t, false))
}

// TestTwoBatchesWithoutLeasesPostTwice is the control.
func TestTwoBatchesWithoutLeasesPostTwice(t *testing.T) {
	t.Parallel()
	require.Positive(t, runTwoBatches(t, true))
}

// TestALeaseIsRenewedWhileAttemptsAreInProgress: a receiver that does not answer keeps the batch for longer than its
// lease lasts.
func TestALeaseIsRenewedWhileAttemptsAreInProgress(t *testing.T) {
	t.Parallel()
	s := newLeaseSystem(t, 8) // twice as many as run at once, so two time-outs
	first := s.startBatch(false)
	s.await(func() bool { all, _ := s.requests(); return all == 4 }, "the first batch posts nothing")
	began, second := time.Now(), s.startBatch(false)
	require.NoError(t, <-first.ended)
	require.Greater(t, time.Since(began), leaseTestTimeout+leaseSlack)
	all, doubled := s.requests()
	require.Equal(t, 8, all)
	require.Zero(t, doubled)
	require.Equal(t, 1.0, second.count("waited"))
	require.NoError(t, <-second.ended)
	require.Zero(t, first.count("lost"))
}

// TestABatchThatHasLostItsLeaseStops: another batch has taken the lease of one that stood still.
func TestABatchThatHasLostItsLeaseStops(t *testing.T) {
	t.Parallel()
	s := newLeaseSystem(t, 50)
	s.letAnswer()
	_, err := s.db.ChangeEndpoint(t.Context(), s.endpoint, func(e *store.Endpoint) { e.RateLimit = 2 })
	require.NoError(t, err)
	batch := s.startBatch(false)
	s.await(func() bool { all, _ := s.requests(); return all > 0 }, "the batch posts nothing")
	s.exec(`UPDATE delivery_leases SET expires_at = 1`)
	stolen, wait, err := s.db.TakeDeliveryLease(t.Context(),
		store.DeliveryLease{EndpointID: s.endpoint, Owner: testids.Of("thief"),
			Duration: time.Minute})
	require.NoError(t, err)
	require.Zero(t, wait)
	require.NoError(t, <-batch.ended)
	all, _ := s.requests()
	require.Less(t, all, 10, "it goes on at most until the lease, as it knows it, would not outlast an attempt")
	require.Equal(t, 1.0, batch.count("lost"))
	require.NoError(t, s.db.RenewDeliveryLease(t.Context(), stolen), "it does not free the lease of another batch")
	backlog, err := s.db.EndpointBacklog(t.Context(), s.endpoint)
	require.NoError(t, err)
	require.Equal(t, 50-all, backlog.Pending, "what it has posted is recorded")
}

// TestWaitingForALeaseOfARemovedEndpoint: the endpoint is removed while a batch of it waits.
func TestWaitingForALeaseOfARemovedEndpoint(t *testing.T) {
	t.Parallel()
	s := newLeaseSystem(t, 4)
	first := s.startBatch(false)
	s.await(func() bool { all, _ := s.requests(); return all == 4 }, "the first batch posts nothing")
	second := s.startBatch(false)
	s.await(func() bool { return second.count("waited") > 0 }, "the second batch does not wait")
	require.NoError(t, s.db.DeleteEndpoint(t.Context(), s.endpoint))
	s.letAnswer()
	<-first.ended // its endpoint is not found; the workflow's next batch ends
	<-second.ended
	all, doubled := s.requests()
	require.Equal(t, 4, all)
	require.Zero(t, doubled)
}

// TestAttemptsOutliveTheirBatch: attempts go on when Temporal cancels their batch, and end when the worker stops.
func TestAttemptsOutliveTheirBatch(t *testing.T) {
	t.Parallel()
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	env := suite.NewTestActivityEnvironment()
	stopping := make(chan struct{})
	env.SetWorkerStopChannel(stopping)
	replaced := func(ctx context.Context) error {
		ctx, cancel := context.WithCancel(ctx)
		posting, end := postingContext(ctx)
		defer end()
		cancel()
		if posting.Err() != nil {
			return errors.New("an attempt is cut off by the cancellation")
		}
		close(stopping)
		<-posting.Done()
		return nil
	}
	env.RegisterActivity(replaced)
	_, err := env.ExecuteActivity(replaced)
	require.NoError(t, err)
}
