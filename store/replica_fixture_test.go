package store

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/internal/testservers/postgrestest"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// replicatedServer is the server of all tests with replicas. It ends with the process.
var replicatedServer = sync.OnceValues(func() (*postgrestest.PersistentServer, error) {
	return postgrestest.StartPersistent(context.Background())
})

// replicated is a database with a replica. direct is a store without a replica, store one with it.
type replicated struct {
	t             testing.TB
	standby       *postgrestest.Standby
	url, copyURL  string
	direct, store *Store
	log           *logBuffer
}

// newReplicated returns a migrated database with a replica that may be maxAge old, and waits until it is used. Its
// connections to the replica go through the address that through returns for the replica's (nil: the same).
func newReplicated(t testing.TB, maxAge time.Duration, through func(address string) string) *replicated {
	t.Helper()
	server, err := replicatedServer()
	require.NoError(t, err)
	r := &replicated{t: t, log: &logBuffer{}}
	r.url, err = server.CreateDatabase("replicated_" + sqldb.NewID()[24:])
	require.NoError(t, err)
	require.NoError(t, migrate(r.url))
	r.standby, err = server.StartStandby(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, r.standby.Stop()) })
	r.copyURL, err = r.standby.DatabaseURL(r.url)
	require.NoError(t, err)
	r.direct = openStore(t, r.url)
	reader := "reader_" + sqldb.NewID()[24:] // who may read and nothing else
	superuser, err := sqldb.Open(server.URL, 1)
	require.NoError(t, err)
	_, err = superuser.Writer.ExecContext(t.Context(), `CREATE ROLE `+reader+` LOGIN IN ROLE pg_read_all_data`)
	require.NoError(t, errors.Join(err, superuser.Close()))
	u, err := url.Parse(r.copyURL)
	require.NoError(t, err)
	u.User = url.User(reader)
	if through != nil {
		u.Host = through(u.Host)
	}
	replica := u.String()
	r.store = r.open(replica, maxAge)
	r.waitUntilUsable(true)
	return r
}

// open opens a store on the database with another replica.
func (r *replicated) open(replica string, maxAge time.Duration) *Store {
	r.t.Helper()
	return openStore(r.t, r.url, func(o *Options) {
		o.Replica = sqldb.ReplicaOptions{URL: replica, MaxAge: maxAge, Logger: slog.New(slog.NewTextHandler(r.log, nil))}
	})
}

func (r *replicated) waitUntilUsable(usable bool) {
	r.t.Helper()
	require.Eventually(r.t, func() bool { return r.store.db.Replica.Stats().Usable == usable }, time.Minute,
		5*time.Millisecond, "%s", r.log)
}

// waitUntilReplayed waits until the replica has everything that is committed now.
func (r *replicated) waitUntilReplayed() {
	r.t.Helper()
	committed := time.Now()
	require.Eventually(r.t, func() bool {
		return r.store.db.Replica.Stats().Age < time.Since(committed)
	}, time.Minute, 5*time.Millisecond, "%s", r.log)
}

// outcome returns the only outcome of the reads that a function makes.
func (r *replicated) outcome(read func()) sqldb.ReplicaOutcome {
	r.t.Helper()
	before := r.store.db.Replica.Stats().Reads
	read()
	var changed []sqldb.ReplicaOutcome
	for outcome, n := range r.store.db.Replica.Stats().Reads {
		if n != before[outcome] {
			changed = append(changed, outcome)
		}
	}
	require.Len(r.t, changed, 1)
	return changed[0]
}

// logBuffer is a log that can be read while it is written.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (l *logBuffer) contains(text string) bool { return strings.Contains(l.String(), text) }
