package e2e

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/store"
)

// TestAWorkerKilledWhileItDelivers kills the worker with -9 at every step of a delivery, and another worker takes over.
// No message is lost or invented, and the log contains only attempts that were made.
func TestAWorkerKilledWhileItDelivers(t *testing.T) {
	t.Parallel()
	binary := buildAliquot(t)
	for name, step := range map[string]struct {
		at    func(*workerKillSystem) // has the worker deliver until the step, where it stops
		twice bool                    // the receiver gets the message twice
	}{
		"before it sends":                  {(*workerKillSystem).killBeforeSending, false},
		"after it sent":                    {(*workerKillSystem).killAfterSending, true},
		"after the answer, not recorded":   {(*workerKillSystem).killBeforeRecording, true},
		"after the attempt was recorded":   {(*workerKillSystem).killAfterRecording, false},
		"between two messages of one page": {(*workerKillSystem).killBetweenMessages, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			engines(t, func(t *testing.T, o options) {
				k := newWorkerKillSystem(t, o, binary)
				step.at(k)
				k.worker.kill(t)
				k.release()
				k.worker = k.startProcess(k.binary)
				k.await(func() bool { return len(k.delivered()) == len(k.messages) }, "not every message is delivered")
				require.Empty(t, k.observe().discrepancies())
				if step.twice {
					require.Greater(t, k.receiver.count(), len(k.messages))
				} else {
					require.Equal(t, len(k.messages), k.receiver.count())
				}
			})
		})
	}
}

// workerKillSystem is a system whose worker is a process. Its only endpoint has a receiver that can pause at each step.
type workerKillSystem struct {
	*system
	binary   string
	worker   *process
	receiver *pausingReceiver
	endpoint string
	messages []string
	unlock   func()
}

func newWorkerKillSystem(t *testing.T, o options, binary string) *workerKillSystem {
	t.Helper()
	o.workers = noWorkers
	k := &workerKillSystem{system: newSystem(t, o), binary: binary, receiver: newPausingReceiver(t)}
	k.endpoint = k.addEndpoints(k.receiver.url, 1)[0]
	e, err := k.store.Endpoint(t.Context(), k.endpoint)
	require.NoError(t, err)
	k.receiver.setSecret(t, e.Secret)
	return k
}

// startWorker enqueues messages and starts a worker.
func (k *workerKillSystem) startWorker(messages int) {
	k.t.Helper()
	k.messages = k.insertDueMessages([]string{k.endpoint}, messages, time.Now().Add(-time.Second))
	k.worker = k.startProcess(k.binary)
	require.NoError(k.t, dispatch.NewClient(k.client).NudgeDeliveries(context.Background(), k.endpoint))
}

func (k *workerKillSystem) killBeforeSending() {
	k.receiver.pauseAt(pauseOnConnect)
	k.startWorker(1)
	<-k.receiver.reached
}

func (k *workerKillSystem) killAfterSending() {
	k.receiver.pauseAt(pauseOnRequest)
	k.startWorker(1)
	<-k.receiver.reached
}

// killBeforeRecording kills the worker while it waits for a lock that it needs to record an attempt.
func (k *workerKillSystem) killBeforeRecording() {
	k.receiver.pauseAt(pauseOnRequest)
	k.startWorker(1)
	<-k.receiver.reached
	k.lockAttempts()
	k.receiver.resumeSending()
	<-k.receiver.answered
}

func (k *workerKillSystem) killAfterRecording() {
	k.startWorker(1)
	k.await(func() bool { return len(k.delivered()) == 1 }, "the message is not delivered")
}

// killBetweenMessages kills a worker that has recorded the first message of a batch and waits for the endpoint's rate
// limit before the second.
func (k *workerKillSystem) killBetweenMessages() {
	_, err := k.store.ChangeEndpoint(context.Background(), k.endpoint, func(e *store.Endpoint) { e.RateLimit = 1 })
	require.NoError(k.t, err)
	k.startWorker(3)
	k.await(func() bool { return len(k.delivered()) == 1 }, "the first message is not delivered")
}

// release releases the lock and the paused receiver.
func (k *workerKillSystem) release() {
	k.receiver.resumeSending()
	if k.unlock != nil {
		k.unlock()
	}
}

// lockAttempts locks the attempts, so that no process can record one.
func (k *workerKillSystem) lockAttempts() {
	k.t.Helper()
	driver, source, statement := "pgx", k.ownerURL, `LOCK TABLE attempts IN ACCESS EXCLUSIVE MODE`
	if path, ok := strings.CutPrefix(k.ownerURL, "sqlite:"); ok {
		driver, source, statement = "sqlite", "file:"+path+"?_txlock=immediate&_pragma=busy_timeout(10000)", `SELECT 1`
	}
	db, err := sql.Open(driver, source)
	require.NoError(k.t, err)
	tx, err := db.BeginTx(context.Background(), nil)
	require.NoError(k.t, err)
	_, err = tx.Exec(statement)
	require.NoError(k.t, err)
	k.unlock = func() {
		require.NoError(k.t, tx.Rollback())
		require.NoError(k.t, db.Close())
	}
}

// delivered lists the messages that the log shows as delivered.
func (k *workerKillSystem) delivered() []string {
	page, err := k.store.WebhookMessages(context.Background(),
		store.WebhookMessageQuery{EndpointID: k.endpoint, State: store.DeliveryDelivered, Limit: 100})
	require.NoError(k.t, err)
	var ids []string
	for _, m := range page.Messages {
		ids = append(ids, m.ID)
	}
	return ids
}

// The steps at which a receiver can pause.
const (
	pauseNever = iota
	pauseOnConnect
	pauseOnRequest
)

// pausingReceiver is a receiver that verifies what it gets and pauses once, at one step, until it is resumed.
type pausingReceiver struct {
	url      string
	verify   *standardwebhooks.Webhook
	reached  chan struct{} // it has paused
	answered chan struct{} // it has sent a response
	resume   chan struct{}

	mu            sync.Mutex
	pausePoint    int
	deliveries    []delivery
	badSignatures []string
}

func newPausingReceiver(t *testing.T) *pausingReceiver {
	t.Helper()
	r := &pausingReceiver{reached: make(chan struct{}, 1), answered: make(chan struct{}, 100), resume: make(chan struct{})}
	server := httptest.NewUnstartedServer(http.HandlerFunc(r.handle))
	server.Listener = &pausingListener{server.Listener, r}
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateIdle {
			r.answered <- struct{}{}
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	t.Cleanup(r.resumeSending)
	r.url = server.URL
	return r
}

type pausingListener struct {
	net.Listener
	r *pausingReceiver
}

// Accept pauses with a connection from which nothing was read, and then discards what the sender wrote.
func (l *pausingListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err == nil && l.r.pauseIf(pauseOnConnect) {
		c.Close()
		return l.Accept()
	}
	return c, err
}

func (r *pausingReceiver) setSecret(t *testing.T, secret string) {
	t.Helper()
	v, err := standardwebhooks.NewWebhook(secret)
	require.NoError(t, err)
	r.verify = v
}

func (r *pausingReceiver) pauseAt(where int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pausePoint = where
}

// pauseIf pauses if the step is the one to pause at and it has not paused yet. It reports whether it paused.
func (r *pausingReceiver) pauseIf(where int) bool {
	r.mu.Lock()
	stop := r.pausePoint == where
	if stop {
		r.pausePoint = pauseNever
	}
	r.mu.Unlock()
	if stop {
		r.reached <- struct{}{}
		<-r.resume
	}
	return stop
}

func (r *pausingReceiver) resumeSending() {
	r.mu.Lock()
	defer r.mu.Unlock()
	select {
	case <-r.resume:
	default:
		close(r.resume)
	}
}

func (r *pausingReceiver) handle(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err == nil {
		err = r.verify.Verify(body, req.Header)
	}
	r.mu.Lock()
	if err != nil {
		r.badSignatures = append(r.badSignatures, err.Error())
	}
	r.deliveries = append(r.deliveries, delivery{ID: req.Header.Get("svix-id"), Body: body})
	r.mu.Unlock()
	r.pauseIf(pauseOnRequest)
	w.WriteHeader(http.StatusNoContent)
}

func (r *pausingReceiver) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.deliveries)
}

// deliveryObservations are the messages of the store, what the receiver got, and the log of attempts.
type deliveryObservations struct {
	made   []string                      // message ids
	body   []byte                        // of every message
	got    []delivery                    // in order of arrival
	broken []string                      // deliveries that could not be verified
	log    map[string][]store.AttemptLog // by message
}

func (k *workerKillSystem) observe() deliveryObservations {
	k.t.Helper()
	k.receiver.mu.Lock()
	defer k.receiver.mu.Unlock()
	w := deliveryObservations{made: k.messages, body: benchBody, got: slices.Clone(k.receiver.deliveries),
		broken: k.receiver.badSignatures, log: map[string][]store.AttemptLog{}}
	for _, id := range k.messages {
		m, err := k.store.WebhookMessage(context.Background(), id)
		require.NoError(k.t, err)
		w.log[id] = m.Deliveries[0].Attempts
	}
	return w
}

func (w deliveryObservations) discrepancies() []string {
	out := slices.Clone(w.broken)
	times := map[string]int{}
	for _, d := range w.got {
		times[d.ID]++
		if !slices.Contains(w.made, d.ID) {
			out = append(out, "message "+d.ID+" was never made")
		}
		if !bytes.Equal(d.Body, w.body) {
			out = append(out, "message "+d.ID+" arrived with another body")
		}
	}
	for _, id := range w.made {
		if times[id] == 0 {
			out = append(out, "message "+id+" did not arrive")
		}
		if len(w.log[id]) == 0 {
			out = append(out, "message "+id+" has no attempt in the log")
		}
		if len(w.log[id]) > times[id] {
			out = append(out, fmt.Sprintf("message %s arrived %d times, and the log has %d attempts", id, times[id],
				len(w.log[id])))
		}
		for i, a := range w.log[id] {
			if a.Number != i+1 || a.StatusCode != http.StatusNoContent {
				out = append(out, fmt.Sprintf("message %s: attempt %d of the log is number %d, answered %d", id, i+1, a.Number,
					a.StatusCode))
			}
		}
	}
	return out
}

// TestDiscrepanciesOfDeliveriesAreFound is the control: lost, changed, invented and wrongly logged messages are found.
func TestDiscrepanciesOfDeliveriesAreFound(t *testing.T) {
	t.Parallel()
	attempt := store.AttemptLog{Number: 1, StatusCode: http.StatusNoContent}
	good := func() deliveryObservations {
		return deliveryObservations{
			made: []string{"a", "b"}, body: []byte("x"), got: []delivery{{ID: "a", Body: []byte("x")},
				{ID: "b", Body: []byte("x")}, {ID: "a", Body: []byte("x")}},
			log: map[string][]store.AttemptLog{"a": {attempt}, "b": {attempt}},
		}
	}
	require.Empty(t, good().discrepancies())
	for name, spoil := range map[string]func(*deliveryObservations){
		"a dropped delivery":             func(w *deliveryObservations) { w.got = slices.Delete(w.got, 1, 2) },
		"a changed byte":                 func(w *deliveryObservations) { w.got[1].Body = []byte("y") },
		"a message doubled under an id":  func(w *deliveryObservations) { w.got[2].ID = "c" },
		"a signature that does not hold": func(w *deliveryObservations) { w.broken = []string{"no matching signature"} },
		"an attempt that was not made": func(w *deliveryObservations) {
			w.log["b"] = []store.AttemptLog{attempt, {Number: 2, StatusCode: http.StatusNoContent}}
		},
		"an attempt that is not logged": func(w *deliveryObservations) { w.log["b"] = nil },
		"an answer that was not given":  func(w *deliveryObservations) { w.log["b"][0].StatusCode = http.StatusOK },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := good()
			spoil(&w)
			require.NotEmpty(t, w.discrepancies())
		})
	}
}
