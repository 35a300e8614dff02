package sqldb

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// unavailableCodes are the codes, or the classes, of PostgreSQL's errors that a statement gets because of the state of
// the server and not of itself. The same statement may succeed later.
var unavailableCodes = []string{
	"08", "53", "57", "58", // connection, resources, shutdown or time limit, system
	"25006",    // read-only: the server is a standby now
	"28", "3D", // the server does not let this process in, or has no such database at the moment
	"40001", "40P01", // aborted because of another transaction, also after several tries
	"55P03", "25P03", "25P04", // a lock could not be had; the transaction was idle, or took, too long
}

// unavailableSQLite are the codes of SQLite's errors of the same kind.
var unavailableSQLite = []int{sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_NOMEM,
	sqlite3.SQLITE_READONLY, sqlite3.SQLITE_INTERRUPT, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL,
	sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PROTOCOL}

// IsUnavailable reports whether the database could not do something at the moment: it is away, stalled, full or
// overloaded. It is false for an error that the statement or its values cause.
func IsUnavailable(err error) bool {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return slices.ContainsFunc(unavailableCodes, func(code string) bool { return strings.HasPrefix(pg.Code, code) })
	}
	if lite, ok := errors.AsType[*sqlite.Error](err); ok {
		return slices.Contains(unavailableSQLite, lite.Code()&0xff)
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return true
	}
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return true
	}
	for _, known := range []error{context.DeadlineExceeded, driver.ErrBadConn, sql.ErrConnDone, io.EOF,
		io.ErrUnexpectedEOF, net.ErrClosed, syscall.ECONNRESET, syscall.EPIPE} {
		if errors.Is(err, known) {
			return true
		}
	}
	return pgconn.SafeToRetry(err) || IsDiskFull(err)
}

// IsDiskFull reports whether the database has no room to write: the disk is full, or a quota is reached.
func IsDiskFull(err error) bool {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pg.Code == "53100" || strings.Contains(pg.Message, "No space left on device") ||
			strings.Contains(pg.Message, "Disk quota exceeded")
	}
	if lite, ok := errors.AsType[*sqlite.Error](err); ok {
		switch lite.Code() {
		case sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_SHMSIZE, sqlite3.SQLITE_IOERR_FSYNC:
			return true
		}
		return false
	}
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG)
}
