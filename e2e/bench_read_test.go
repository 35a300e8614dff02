package e2e

import (
	"context"
	"database/sql"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/api"
	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/internal/testservers/postgrestest"
	"github.com/aliquot-labs/aliquot/store"
	"github.com/aliquot-labs/aliquot/webhooks"
)

// The number of requests in a row, and of concurrent callers.
const (
	readRequests = 200
	readCallers  = 8
	readRate     = 10_000 // requests a second for a key and an address: rate limits are checked, but not reached
)

// BenchmarkReadOrder compares GET /v3/order/{id} with a bare Gin handler that reads one row by its primary key and
// inserts one (as the audit of a read does) in the same database.
func BenchmarkReadOrder(b *testing.B) {
	for _, engine := range []string{"sqlite", "postgres"} {
		b.Run(engine, func(b *testing.B) {
			url := "sqlite:" + filepath.Join(b.TempDir(), "store.db")
			if engine == "postgres" {
				url = postgrestest.NewDatabase(b)
			}
			ours, floor := newReadBenchmarks(b, url)
			ours.run(b) // warms up connections, plans and caches
			floor.run(b)
			var own, bare []time.Duration
			var ratios []float64 // of consecutive runs, so that load on the machine affects both
			for b.Loop() {
				f, o := floor.run(b), ours.run(b)
				bare, own, ratios = append(bare, f), append(own, o), append(ratios, float64(f)/float64(o))
			}
			slices.Sort(ratios)
			b.ReportMetric(readRequests/median(own).Seconds(), "orders/s")
			b.ReportMetric(readRequests/median(bare).Seconds(), "floor/s")
			b.ReportMetric(ratios[len(ratios)/2], "ratio")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// TestReadBenchmarkServers checks that the servers of the benchmark respond and write their rows.
func TestReadBenchmarkServers(t *testing.T) {
	t.Parallel()
	ours, floor := newReadBenchmarks(t, "sqlite:"+filepath.Join(t.TempDir(), "store.db"))
	require.Positive(t, ours.run(t))
	require.Positive(t, floor.run(t))
	var rows int
	require.NoError(t, floor.db.QueryRow(`SELECT COUNT(*) FROM floor_audit`).Scan(&rows))
	require.Equal(t, readRequests, rows)
	page, err := ours.store.AuditLog(t.Context(), store.AuditQuery{OrderID: path.Base(ours.url)})
	require.NoError(t, err)
	require.NotEmpty(t, page)
}

// readBenchmark is a server that is asked for the same order repeatedly.
type readBenchmark struct {
	url    string
	key    string
	client *http.Client
	db     *sql.DB
	store  *store.Store
}

func newReadBenchmarks(t testing.TB, url string) (ours, floor readBenchmark) {
	t.Helper()
	s := newSearchStore(t, url, 1000)
	ours = newReadBenchmark(t, s)
	db := openBaselineDB(t, url)
	document, err := json.Marshal(s.orders[0])
	require.NoError(t, err)
	_, err = db.write.Exec(`INSERT INTO floor (id, document) VALUES ($1, $2)`, s.orders[0].ID, string(document))
	require.NoError(t, err)
	floor = readBenchmark{url: startHTTPServer(t, db.handler()) + "/floor/" + s.orders[0].ID, db: db.read,
		client: newReadClient(t)}
	return ours, floor
}

// newReadBenchmark starts the API on a store, for one of its orders.
func newReadBenchmark(t testing.TB, s searchStore) readBenchmark {
	t.Helper()
	guard, err := webhooks.NewAddressGuard("127.0.0.0/8")
	require.NoError(t, err)
	handler, err := api.New(api.Deps{
		Store: s.Store, Workflows: dispatch.NewClient(nil), Logger: slog.New(slog.DiscardHandler),
		Metrics: prometheus.NewRegistry(), Guard: guard,
		APIKeyRate: readRate, AddressRate: readRate,
	})
	require.NoError(t, err)
	secret, err := store.NewAPIKeySecret(store.Sandbox)
	require.NoError(t, err)
	key := store.APIKey{ID: uuid.NewString(), TeamID: s.team, Name: "reader", Role: store.RoleClient}
	require.NoError(t, s.CreateAPIKey(context.Background(), key, secret))
	return readBenchmark{url: startHTTPServer(t, handler) + "/v3/order/" + s.orders[0].ID, key: secret, store: s.Store,
		client: newReadClient(t)}
}

func newReadClient(t testing.TB) *http.Client {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: readCallers}}
	t.Cleanup(client.CloseIdleConnections)
	return client
}

func startHTTPServer(t testing.TB, h http.Handler) string {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server.URL
}

// run makes the requests and returns how long they took.
func (r readBenchmark) run(t testing.TB) time.Duration {
	t.Helper()
	var callers sync.WaitGroup
	began := time.Now()
	for range readCallers {
		callers.Go(func() {
			for range readRequests / readCallers {
				if status := r.get(t); status != http.StatusOK {
					t.Errorf("%s: %d", r.url, status)
					return
				}
			}
		})
	}
	callers.Wait()
	return time.Since(began)
}

func (r readBenchmark) get(t testing.TB) int {
	t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, r.url, http.NoBody)
	if err != nil {
		t.Error(err)
		return 0
	}
	req.Header.Set("x-vital-api-key", r.key)
	res, err := r.client.Do(req)
	if err != nil {
		t.Error(err)
		return 0
	}
	var body any
	if err := json.NewDecoder(res.Body).Decode(&body); err != nil {
		t.Error(err)
	}
	if err := res.Body.Close(); err != nil {
		t.Error(err)
	}
	return res.StatusCode
}

// baselineDB opens the database as the store does: SQLite has one connection that writes.
type baselineDB struct{ read, write *sql.DB }

func openBaselineDB(t testing.TB, url string) baselineDB {
	t.Helper()
	driver, source := "pgx", url // the floor's tables are made by the owner of the schema
	if strings.HasPrefix(url, "postgres") {
		source = postgrestest.AsRole(url, postgrestest.OwnerRole)
	}
	if path, ok := strings.CutPrefix(url, "sqlite:"); ok {
		driver = "sqlite"
		source = "file:" + path + "?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)"
	}
	open := func(conns int) *sql.DB {
		db, err := sql.Open(driver, source)
		require.NoError(t, err)
		db.SetMaxOpenConns(conns)
		db.SetMaxIdleConns(conns)
		t.Cleanup(func() { require.NoError(t, db.Close()) })
		return db
	}
	db := baselineDB{read: open(8)}
	db.write = db.read
	if driver == "sqlite" {
		db.write = open(1)
	}
	for _, statement := range []string{
		`CREATE TABLE floor (id TEXT PRIMARY KEY, document TEXT NOT NULL)`,
		`CREATE TABLE floor_audit (id TEXT PRIMARY KEY, at BIGINT NOT NULL, key_id TEXT NOT NULL, action TEXT NOT NULL,
			order_id TEXT NOT NULL)`,
	} {
		_, err := db.write.Exec(statement)
		require.NoError(t, err)
	}
	return db
}

func (db baselineDB) handler() http.Handler {
	gin.SetMode(gin.ReleaseMode)
	e := gin.New()
	e.GET("/floor/:id", func(c *gin.Context) {
		var document string
		ctx, id := c.Request.Context(), c.Param("id")
		if err := db.read.QueryRowContext(ctx, `SELECT document FROM floor WHERE id = $1`, id).Scan(&document); err != nil {
			c.String(http.StatusInternalServerError, err.Error())
			return
		}
		_, err := db.write.ExecContext(ctx,
			`INSERT INTO floor_audit (id, at, key_id, action, order_id) VALUES ($1, $2, $3, $4, $5)`,
			uuid.NewString(), time.Now().UnixMicro(), "key", "order.read", id)
		if err != nil {
			c.String(http.StatusInternalServerError, err.Error())
			return
		}
		c.Data(http.StatusOK, "application/json", []byte(document))
	})
	return e
}
