package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/e2e/scenario"
	"github.com/aliquot-labs/aliquot/internal/childprocess"
)

// startAPI starts `aliquot api` with the system's settings and returns the process and its URL. The process ends with
// the test.
func (s *system) startAPI(binary string) (*process, string) {
	s.t.Helper()
	port, err := childprocess.FreePort(context.Background())
	require.NoError(s.t, err)
	addr := fmt.Sprintf("127.0.0.1:%d", port)
	p := &process{cmd: exec.CommandContext(context.Background(), binary, "api"), logs: &lockedBuffer{}}
	p.cmd.Env = append(os.Environ(),
		"ALIQUOT_DATABASE_URL="+s.dbURL, "ALIQUOT_ENCRYPTION_KEYS="+encryptionKeys, "ALIQUOT_TEMPORAL="+s.temporal.Address,
		"ALIQUOT_TEMPORAL_NAMESPACE="+s.namespace, "ALIQUOT_WEBHOOK_NETWORKS=127.0.0.0/8", "ALIQUOT_API_ADDR="+addr)
	p.cmd.Stderr = p.logs
	require.NoError(s.t, p.cmd.Start())
	s.t.Cleanup(func() { p.kill(s.t) })
	require.Eventually(s.t, func() bool {
		r, err := apiClient.Get("http://" + addr + "/healthz")
		return err == nil && r.Body.Close() == nil
	}, timeout, 20*time.Millisecond, "%s", p.logs)
	return p, "http://" + addr
}

// sqlBarrier blocks processes at a statement: it holds a lock on rows or tables until it is lifted.
type sqlBarrier struct {
	s    *system
	conn *pgx.Conn
}

func (s *system) newSQLBarrier(lock string) *sqlBarrier {
	s.t.Helper()
	conn, err := pgx.Connect(s.t.Context(), s.ownerURL)
	require.NoError(s.t, err)
	_, err = conn.Exec(s.t.Context(), "BEGIN")
	require.NoError(s.t, err)
	s.t.Cleanup(func() { _ = conn.Close(context.Background()) })
	b := &sqlBarrier{s: s, conn: conn}
	require.Eventually(s.t, func() bool {
		tag, err := conn.Exec(s.t.Context(), lock)
		require.NoError(s.t, err)
		return tag.String() == "LOCK TABLE" || tag.RowsAffected() > 0
	}, timeout, 10*time.Millisecond, "nothing to lock: %s", lock)
	return b
}

// await waits until a statement about the table waits for the barrier. Only the application's role sees its statements.
func (b *sqlBarrier) await(table string) {
	b.s.t.Helper()
	db, err := pgx.Connect(b.s.t.Context(), b.s.dbURL)
	require.NoError(b.s.t, err)
	defer func() { _ = db.Close(context.Background()) }()
	require.Eventually(b.s.t, func() bool {
		var n int
		require.NoError(b.s.t, db.QueryRow(b.s.t.Context(), `SELECT COUNT(*) FROM pg_stat_activity
			WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%' || $1 || '%'`, table).Scan(&n))
		return n > 0
	}, timeout, 10*time.Millisecond, "no process writes %s", table)
}

func (b *sqlBarrier) release() {
	b.s.t.Helper()
	require.NoError(b.s.t, b.conn.Close(context.Background()))
}

// expireIdempotencyClaims expires the claims of idempotency keys, which would expire after a minute.
func (s *system) expireIdempotencyClaims() {
	s.t.Helper()
	db, err := pgx.Connect(s.t.Context(), s.dbURL)
	require.NoError(s.t, err)
	defer func() { _ = db.Close(context.Background()) }()
	_, err = db.Exec(s.t.Context(), `UPDATE idempotency SET lease_until = 0 WHERE state = 'executing'`)
	require.NoError(s.t, err)
}

const executingRow = `SELECT key_hash FROM idempotency WHERE state = 'executing' FOR UPDATE`

// keyedRequest is a request that is repeated under one idempotency key.
type keyedRequest struct {
	s    *system
	path string
	body any
	key  string
}

func (k keyedRequest) sendTo(url string) apiAnswer {
	k.s.t.Helper()
	return k.s.request(http.MethodPost, url+k.path, k.body, "x-vital-api-key", k.s.key, "X-Idempotency-Key", k.key)
}

// sendToDyingProcess sends the request to a process that is killed before it responds.
func (k keyedRequest) sendToDyingProcess(url string) (done chan struct{}) {
	k.s.t.Helper()
	content, err := json.Marshal(k.body)
	require.NoError(k.s.t, err)
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, url+k.path,
		strings.NewReader(string(content)))
	require.NoError(k.s.t, err)
	for name, value := range map[string]string{"Content-Type": "application/json", "x-vital-api-key": k.s.key,
		"X-Idempotency-Key": k.key} {
		req.Header.Set(name, value)
	}
	done = make(chan struct{})
	go func() {
		defer close(done)
		if r, err := apiClient.Do(req); err == nil {
			k.s.t.Errorf("the killed process has answered %d", r.StatusCode)
			_ = r.Body.Close()
		}
	}()
	return done
}

// repeatUntilAnswered repeats the request at another process until it succeeds, and returns the response. While the
// killed process holds the claim, the response is 409. The first success is then repeated unchanged.
func (k keyedRequest) repeatUntilAnswered(url string, held bool) apiAnswer {
	k.s.t.Helper()
	if held {
		require.Equal(k.s.t, http.StatusConflict, k.sendTo(url).Status, "the claim of the dead process holds")
		k.s.expireIdempotencyClaims()
	}
	first := k.sendTo(url)
	require.Equal(k.s.t, http.StatusOK, first.Status, "%s", first.Body)
	again := k.sendTo(url)
	require.Equal(k.s.t, string(first.Body), string(again.Body))
	return first
}

// TestAKilledAPIDoesNothingTwice kills an API process between two steps of a request and repeats the request at another
// process.
func TestAKilledAPIDoesNothingTwice(t *testing.T) {
	t.Parallel()
	binary := buildAliquot(t)
	for _, tt := range []struct {
		name string
		lock string
		at   string // the table that the killed process was about to write to
		held bool   // the killed process holds the claim
	}{
		{"between the claim and the order", `LOCK TABLE order_transactions IN EXCLUSIVE MODE`, "order_transactions", true},
		{"between the order and the answer", `LOCK TABLE audit IN EXCLUSIVE MODE`, "audit", false},
	} {
		t.Run("order, "+tt.name, func(t *testing.T) {
			t.Parallel()
			s := newSystem(t, options{postgres: true})
			first, url := s.startAPI(binary)
			_, other := s.startAPI(binary)
			k := keyedRequest{s, "/v3/order", s.orderBody(nil), uuid.NewString()}
			b := s.newSQLBarrier(tt.lock)
			done := k.sendToDyingProcess(url)
			b.await(tt.at)
			first.kill(t)
			b.release()
			<-done
			var out struct {
				Order orderView `json:"order"`
			}
			k.repeatUntilAnswered(other, tt.held).decode(s, &out)
			require.Equal(t, 1, s.orders())
			s.awaitStatus(out.Order.ID, "received.testkit.requisition_created")
			require.Equal(t, 1, s.observe([]string{out.Order.ID}).accepted[out.Order.ID])
		})
	}
}

func TestAKilledAPIBooksOnce(t *testing.T) {
	t.Parallel()
	binary := buildAliquot(t)
	for _, tt := range []struct {
		name string
		die  func(s *system, book keyedRequest, url string, kill func())
	}{
		{"between the claim and the demand", func(s *system, book keyedRequest, url string, kill func()) {
			b := s.newSQLBarrier(`LOCK TABLE demands IN EXCLUSIVE MODE`)
			done := book.sendToDyingProcess(url)
			b.await("demands")
			kill()
			b.release()
			<-done
		}},
		{"while the order is asked", func(s *system, book keyedRequest, url string, kill func()) {
			b := s.newSQLBarrier(`LOCK TABLE decisions IN EXCLUSIVE MODE`)
			done := book.sendToDyingProcess(url)
			b.await("decisions")
			kill()
			b.release()
			<-done
		}},
		{"between the booking and the answer", func(s *system, book keyedRequest, url string, kill func()) {
			demands := s.newSQLBarrier(`LOCK TABLE demands IN EXCLUSIVE MODE`)
			done := book.sendToDyingProcess(url)
			demands.await("demands")
			answer := s.newSQLBarrier(executingRow)
			demands.release()
			answer.await("idempotency")
			kill()
			answer.release()
			<-done
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newSystem(t, options{postgres: true, neutral: true})
			o, err := s.scenarioSystem().PlaceOrder(t.Context(), scenario.WalkIn, "", nil)
			require.NoError(t, err)
			_, err = o.AwaitStatuses(t.Context(), 2)
			require.NoError(t, err)
			slot, err := s.scenarioSystem().NextSlot(t.Context(), scenario.WalkIn)
			require.NoError(t, err)
			first, url := s.startAPI(binary)
			_, other := s.startAPI(binary)
			book := keyedRequest{s, "/v3/order/" + o.ID + "/psc/appointment/book", map[string]any{"booking_key": slot},
				uuid.NewString()}
			tt.die(s, book, url, func() { first.kill(t) })

			var booked struct {
				ID     string `json:"id"`
				Status string `json:"status"`
			}
			book.repeatUntilAnswered(other, true).decode(s, &booked)
			require.Equal(t, "confirmed", booked.Status)
			require.Equal(t, []string{"received.walk_in_test.ordered", "received.walk_in_test.requisition_created",
				"collecting_sample.walk_in_test.appointment_scheduled"}, s.order(o.ID).statuses(), "booked once")
			now := s.callAsClient(http.MethodGet, "/v3/order/"+o.ID+"/psc/appointment", nil)
			require.Contains(t, string(now.Body), booked.ID)
		})
	}
}

// TestOneKeyAtTwoProcessesCountsOnce shows that concurrent requests with one key at two processes create one order and
// one booking.
func TestOneKeyAtTwoProcessesCountsOnce(t *testing.T) {
	t.Parallel()
	binary := buildAliquot(t)
	s := newSystem(t, options{postgres: true, neutral: true})
	urls := make([]string, 2)
	for i := range urls {
		_, urls[i] = s.startAPI(binary)
	}
	all := func(k keyedRequest) string {
		t.Helper()
		answers := map[string]bool{}
		n := make(chan int, 12)
		for i := range cap(n) {
			n <- i
		}
		for _, r := range callConcurrently(cap(n), func() apiAnswer { return k.sendTo(urls[<-n%2]) }) {
			if r.Status == http.StatusConflict {
				continue
			}
			require.Equal(t, http.StatusOK, r.Status, "%s", r.Body)
			answers[string(r.Body)] = true
		}
		require.Len(t, answers, 1)
		last := string(k.sendTo(urls[0]).Body)
		require.True(t, answers[last])
		require.Equal(t, last, string(k.sendTo(urls[1]).Body), "both replay the one answer")
		return last
	}
	all(keyedRequest{s, "/v3/order", s.orderBody(nil), uuid.NewString()})
	require.Equal(t, 1, s.orders())

	o, err := s.scenarioSystem().PlaceOrder(t.Context(), scenario.WalkIn, "", nil)
	require.NoError(t, err)
	_, err = o.AwaitStatuses(t.Context(), 2)
	require.NoError(t, err)
	slot, err := s.scenarioSystem().NextSlot(t.Context(), scenario.WalkIn)
	require.NoError(t, err)
	all(keyedRequest{s, "/v3/order/" + o.ID + "/psc/appointment/book", map[string]any{"booking_key": slot},
		uuid.NewString()})
	require.Len(t, s.order(o.ID).statuses(), 3)
}
