package sqldb

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// ReplicaOptions name a replica of the database: a hot standby of PostgreSQL, kept by streaming replication.
type ReplicaOptions struct {
	URL        string        // postgres://…
	PrimaryURL string        // postgres://…
	MaxAge     time.Duration // how old what it answers may be
	MaxConns   int           // to the replica; the checks use one more, and one to the primary
	Logger     *slog.Logger  // says when the replica can and cannot be used
}

// Replica answers reads in place of the primary, as long as it is not too old. Nothing is written by its connections,
// also after it has become a primary itself. All methods may be called on nil, a replica that never answers.
type Replica struct {
	pool *sql.DB
	// The checks have connections of their own, so that they succeed while all others are in use.
	checked, primary *sql.DB
	maxAge           time.Duration
	log              *slog.Logger
	stop             context.CancelFunc
	stopped          chan struct{}

	mu        sync.Mutex
	state     replicaState
	heldUntil time.Time // after a read that failed
	reads     map[ReplicaOutcome]uint64
}

// ReplicaOutcome says how a read ended that the replica could have answered. The primary answers all reads but
// those with the first outcome.
type ReplicaOutcome string

// The outcomes.
const (
	ReplicaAnswered    ReplicaOutcome = "answered"
	ReplicaBehind      ReplicaOutcome = "behind"      // it does not yet have what the read has to show
	ReplicaNotFound    ReplicaOutcome = "not_found"   // it has no such row
	ReplicaFailed      ReplicaOutcome = "failed"      // an error, or no answer in time
	ReplicaUnavailable ReplicaOutcome = "unavailable" // it was not asked, because it is away or too old
)

// ReplicaOutcomes lists all outcomes.
func ReplicaOutcomes() []ReplicaOutcome {
	return []ReplicaOutcome{ReplicaAnswered, ReplicaBehind, ReplicaNotFound, ReplicaFailed, ReplicaUnavailable}
}

const (
	// replicaPatience is the longest time that a read or a check waits for the replica.
	replicaPatience = 2 * time.Second
	// replicaHold is how long the replica is not asked after it has failed to answer a read.
	replicaHold = 15 * time.Second
)

// errReplicaBehind means that the replica does not yet have what a read has to show.
var errReplicaBehind = errors.New("the replica is behind")

// UseReplica makes reads that may be a little old go to a replica, which it checks until Close. It does not wait for
// the replica: until the first check succeeds, the primary answers.
func (db *DB) UseReplica(o ReplicaOptions) error {
	if db.Dialect != Postgres {
		return errors.New("only PostgreSQL has replicas")
	}
	config, err := parsePostgres(o.URL)
	if err != nil {
		return errors.New("the URL of the replica cannot be read") // the wrapped error would contain the URL
	}
	primary, err := parsePostgres(o.PrimaryURL)
	if err != nil {
		return fmt.Errorf("opening PostgreSQL: %w", err)
	}
	ctx, stop := context.WithCancel(context.Background())
	db.Replica = &Replica{
		pool: openReadOnly(config), checked: openReadOnly(config), primary: stdlib.OpenDB(*primary), maxAge: o.MaxAge,
		log:  o.Logger,
		stop: stop, stopped: make(chan struct{}), state: replicaState{err: errReplicaUnchecked},
		reads: map[ReplicaOutcome]uint64{},
	}
	limitConns(db.Replica.pool, o.MaxConns)
	limitConns(db.Replica.checked, 1)
	limitConns(db.Replica.primary, 1)
	go db.Replica.keepChecking(ctx)
	return nil
}

// openReadOnly prepares connections that refuse to write.
func openReadOnly(config *pgx.ConnConfig) *sql.DB {
	return stdlib.OpenDB(*config, stdlib.OptionAfterConnect(func(ctx context.Context, conn *pgx.Conn) error {
		ctx, cancel := context.WithTimeout(ctx, config.ConnectTimeout) // database/sql also connects in the background
		defer cancel()
		_, err := conn.Exec(ctx, `SET default_transaction_read_only = on`)
		return err
	}))
}

func limitConns(pool *sql.DB, most int) {
	pool.SetMaxOpenConns(most)
	pool.SetMaxIdleConns(most)
	pool.SetConnMaxLifetime(time.Hour)
}

// close ends the checks and closes all connections.
func (r *Replica) close() error {
	if r == nil {
		return nil
	}
	r.stop()
	<-r.stopped
	return errors.Join(r.pool.Close(), r.checked.Close(), r.primary.Close())
}

// Pool returns the connections to the replica, for their metrics; nil without a replica.
func (r *Replica) Pool() *sql.DB {
	if r == nil {
		return nil
	}
	return r.pool
}

// Usable reports whether the replica can be asked now. Without a replica it is false. A replica that cannot be asked is
// counted as ReplicaUnavailable.
func (r *Replica) Usable() bool {
	if r == nil {
		return false
	}
	_, usable := r.requiredPosition(time.Now())
	if !usable {
		r.count(ReplicaUnavailable)
	}
	return usable
}

// Read runs fn on one connection to the replica, and reports whether fn has succeeded there. Otherwise the caller asks
// the primary. fn runs only when the replica is at most MaxAge old and a condition is true there: SQL with arguments;
// empty: none. What fn reads is not older than what the condition has seen.
func (r *Replica) Read(ctx context.Context, condition Where, fn func(ctx context.Context, conn *sql.Conn) error) bool {
	return r.try(ctx, func(ctx context.Context, position int64) (err error) {
		conn, err := r.pool.Conn(ctx)
		if err != nil {
			return fmt.Errorf("connecting to the replica: %w", err)
		}
		defer func() { err = errors.Join(err, conn.Close()) }()
		condition.andFresh(position)
		// This asks the connection that fn gets, because an address can lead to several replicas.
		var fresh bool
		if err := conn.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1`+condition.String()+`)`,
			condition.Args...).Scan(&fresh); err != nil {
			return fmt.Errorf("asking the replica for its position: %w", err)
		}
		if !fresh {
			return errReplicaBehind
		}
		return fn(ctx, conn)
	})
}

// ReadStatement is Read for one statement, which gets the condition as its WHERE clause and so needs one round trip. fn
// returns ErrNotFound when the statement finds nothing, which means that the replica is behind: the condition has to
// hold for rows that the primary has.
func (r *Replica) ReadStatement(ctx context.Context, condition Where,
	fn func(ctx context.Context, q Querier, where Where) error) bool {
	return r.try(ctx, func(ctx context.Context, position int64) error {
		condition.andFresh(position)
		err := fn(ctx, r.pool, condition)
		if errors.Is(err, ErrNotFound) {
			return errReplicaBehind
		}
		return err
	})
}

// andFresh adds the condition that a server is a replica that has replayed a position.
func (f *Where) andFresh(position int64) {
	f.And(`pg_wal_lsn_diff(pg_last_wal_replay_lsn(), '0/0') >= CAST(? AS BIGINT)`, position)
	f.AndTerm(`pg_is_in_recovery()`)
}

// try runs a read with the position that the replica must have replayed, and counts the outcome. It reports whether the
// read has succeeded.
func (r *Replica) try(ctx context.Context, read func(ctx context.Context, position int64) error) bool {
	if r == nil {
		return false
	}
	position, usable := r.requiredPosition(time.Now())
	if !usable {
		r.count(ReplicaUnavailable)
		return false
	}
	patient, cancel := context.WithTimeout(ctx, replicaPatience)
	defer cancel()
	err := read(patient, position)
	switch {
	case err == nil:
		r.count(ReplicaAnswered)
	case errors.Is(err, errReplicaBehind):
		r.count(ReplicaBehind)
	case errors.Is(err, ErrNotFound):
		r.count(ReplicaNotFound)
	case ctx.Err() != nil: // the caller has gone
	default:
		r.count(ReplicaFailed)
		r.noteFailure(err)
	}
	return err == nil
}

// noteFailure stops the use of the replica for a while after it has failed, because a check can succeed where reads do
// not. An error that has another reason, such as a query that finds too much, or rows that the primary has removed
// during the query, changes nothing.
func (r *Replica) noteFailure(err error) {
	if !isServerFailure(err) {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if now := time.Now(); now.After(r.heldUntil) {
		r.heldUntil = now.Add(replicaHold)
		r.log.Warn("the database replica did not answer a read, and is not asked for a while", "error", err)
	}
}

// serverFailureClasses are the classes of PostgreSQL's errors that are no fault of a query's values: connection,
// authentication, unknown database, missing table or permission, resources, shutdown or time limit, system, internal.
var serverFailureClasses = []string{"08", "28", "3D", "42", "53", "57", "58", "XX"}

// isServerFailure reports whether an error means that a server is away, slow or wrongly set up.
func isServerFailure(err error) bool {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return slices.Contains(serverFailureClasses, pg.Code[:min(2, len(pg.Code))])
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return true
	}
	for _, known := range []error{context.DeadlineExceeded, driver.ErrBadConn, sql.ErrConnDone, io.EOF,
		io.ErrUnexpectedEOF} {
		if errors.Is(err, known) {
			return true
		}
	}
	_, ok := errors.AsType[*pgconn.ConnectError](err)
	return ok
}

func (r *Replica) count(o ReplicaOutcome) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.reads[o]++
}
