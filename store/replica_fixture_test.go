package store

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
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

// freezableProxy passes connections on to a server until it is frozen. Then they stay open, and nothing passes.
type freezableProxy struct {
	listener net.Listener
	target   string
	frozen   chan struct{}
	running  sync.WaitGroup
	mu       sync.Mutex
	open     []net.Conn
}

func startFreezableProxy(t *testing.T, target string) *freezableProxy {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p := &freezableProxy{listener: listener, target: target, frozen: make(chan struct{})}
	p.running.Go(p.accept)
	t.Cleanup(func() {
		require.NoError(t, listener.Close())
		p.mu.Lock()
		for _, conn := range p.open {
			_ = conn.Close() // it may be closed already
		}
		p.mu.Unlock()
		p.running.Wait()
	})
	return p
}

func (p *freezableProxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		server, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", p.target)
		if err != nil {
			_ = client.Close()
			continue
		}
		p.mu.Lock()
		p.open = append(p.open, client, server)
		p.mu.Unlock()
		p.running.Go(func() { p.pass(server, client) })
		p.running.Go(func() { p.pass(client, server) })
	}
}

// pass copies until a side closes, and discards what comes after the freeze.
func (p *freezableProxy) pass(to, from net.Conn) {
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			_ = to.Close()
			return
		}
		select {
		case <-p.frozen:
			_, _ = io.Copy(io.Discard, from)
			return
		default:
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
	}
}

func (l *logBuffer) contains(text string) bool { return strings.Contains(l.String(), text) }
