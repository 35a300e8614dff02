package migrator

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/pressly/goose/v3/lock"
)

// migrationLock is the number of the advisory lock of whoever migrates.
const migrationLock int64 = lock.DefaultLockID

// session is the connection that migrates. It also holds the lock that excludes other migrators, so the lock cannot
// outlive the work, and work cannot outlive the lock: both end with the connection. PostgreSQL looks every few seconds
// whether a connection with a running statement still has its client.
type session struct {
	log         *slog.Logger
	lockTimeout time.Duration
	conn        *sql.Conn
	pid         atomic.Int32 // of the server's process; 0: no session
}

// settings of the session. An index build and a validation may take hours; waiting for a lock may not.
var sessionSettings = []string{"lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout",
	"application_name", "tcp_keepalives_idle", "tcp_keepalives_interval", "tcp_keepalives_count"}

// optionalSettings are those that not every server has: by version, and by its operating system.
var optionalSettings = []string{"client_connection_check_interval", "transaction_timeout"}

// SessionLock waits until no other process migrates. It implements goose's lock.SessionLocker.
func (s *session) SessionLock(ctx context.Context, conn *sql.Conn) error {
	var pid int32
	var nextReport time.Time
	for {
		var locked bool
		err := conn.QueryRowContext(ctx, `SELECT pg_backend_pid(), pg_try_advisory_lock($1)`, migrationLock).
			Scan(&pid, &locked)
		if err != nil {
			return fmt.Errorf("locking the migrations: %w", err)
		}
		if locked {
			break
		}
		if now := time.Now(); now.After(nextReport) {
			nextReport = now.Add(30 * time.Second)
			s.log.InfoContext(ctx, "another process migrates: waiting for it", "waited_for", advisoryHolders(ctx, conn))
		}
		if err := sleep(ctx, jitter(500*time.Millisecond)); err != nil {
			return fmt.Errorf("waiting for another process that migrates: %w", err)
		}
	}
	_, err := conn.ExecContext(ctx, `SELECT set_config('lock_timeout', $1, false),
		set_config('statement_timeout', '0', false), set_config('idle_in_transaction_session_timeout', '0', false),
		set_config('application_name', 'aliquot migrate', false), set_config('tcp_keepalives_idle', '30', false),
		set_config('tcp_keepalives_interval', '10', false), set_config('tcp_keepalives_count', '3', false)`,
		milliseconds(s.lockTimeout))
	if err != nil {
		return errors.Join(fmt.Errorf("preparing the session: %w", err), s.SessionUnlock(context.WithoutCancel(ctx), conn))
	}
	for _, setting := range []string{"client_connection_check_interval = '2s'", "transaction_timeout = 0"} {
		_, _ = conn.ExecContext(ctx, "SET "+setting) // see optionalSettings
	}
	s.conn = conn
	s.pid.Store(pid)
	return nil
}

// SessionUnlock ends the session and makes the connection an ordinary one again. It implements goose's
// lock.SessionLocker.
func (s *session) SessionUnlock(ctx context.Context, conn *sql.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	s.pid.Store(0)
	s.conn = nil
	for _, setting := range sessionSettings {
		if _, err := conn.ExecContext(ctx, "RESET "+setting); err != nil {
			return fmt.Errorf("ending the session: %w", err) // the connection is broken, and the lock went with it
		}
	}
	for _, setting := range optionalSettings {
		_, _ = conn.ExecContext(ctx, "RESET "+setting) // some servers do not have it
	}
	var held bool
	if err := conn.QueryRowContext(ctx, `SELECT pg_advisory_unlock($1)`, migrationLock).Scan(&held); err != nil {
		return fmt.Errorf("unlocking the migrations: %w", err)
	}
	if !held {
		return errors.New("the lock of the migrations was lost: a pooler of connections must not stand between " +
			"aliquot migrate and PostgreSQL, unless it pools by session")
	}
	return nil
}

// exec runs a statement with another limit for its waits; 0: none.
func (s *session) exec(ctx context.Context, lockTimeout time.Duration, statement string) error {
	if _, err := s.conn.ExecContext(ctx, `SELECT set_config('lock_timeout', $1, false)`,
		milliseconds(lockTimeout)); err != nil {
		return err
	}
	_, err := s.conn.ExecContext(ctx, statement)
	if err == nil {
		_, err = s.conn.ExecContext(ctx, `SELECT set_config('lock_timeout', $1, false)`, milliseconds(s.lockTimeout))
	}
	return err
}

func milliseconds(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }
