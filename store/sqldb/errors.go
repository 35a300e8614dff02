package sqldb

import (
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// Errors that callers decide on.
var (
	ErrNotFound  = errors.New("not found")
	ErrConflict  = errors.New("already exists")
	ErrInvalidID = errors.New("an id is not valid")
)

// IsRetryable reports whether the database aborted the transaction because of another one: serialization failure,
// deadlock or busy.
func IsRetryable(err error) bool {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pg.Code == "40001" || pg.Code == "40P01"
	}
	if lite, ok := errors.AsType[*sqlite.Error](err); ok {
		return lite.Code()&0xff == sqlite3.SQLITE_BUSY
	}
	return false
}

// IsUniqueViolation reports whether a statement failed because a row with that key exists.
func IsUniqueViolation(err error) bool {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pg.Code == "23505"
	}
	if lite, ok := errors.AsType[*sqlite.Error](err); ok {
		return lite.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE || lite.Code() == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY
	}
	return false
}

// IsRejected reports whether the database refuses the data of a statement: a constraint does not hold, or a value has a
// form that it cannot store. The same statement fails again.
func IsRejected(err error) bool {
	if errors.Is(err, ErrInvalidID) {
		return true
	}
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		tooLong := pg.Code == "54000" // for an index
		return tooLong || strings.HasPrefix(pg.Code, "22") || strings.HasPrefix(pg.Code, "23")
	}
	if lite, ok := errors.AsType[*sqlite.Error](err); ok {
		switch lite.Code() & 0xff {
		case sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_TOOBIG:
			return true
		}
	}
	return false
}

// IsMissingSchema reports whether an error means that the database has no schema, or an older one.
func IsMissingSchema(err error) bool {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pg.Code == "42P01" || pg.Code == "42703"
	}
	lite, ok := errors.AsType[*sqlite.Error](err) // SQLite has no error code for it
	return ok && (strings.Contains(lite.Error(), "no such table") || strings.Contains(lite.Error(), "no such column"))
}

// IsForeignKeyViolation reports whether a statement failed because a row that it refers to does not exist.
func IsForeignKeyViolation(err error) bool {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pg.Code == "23503"
	}
	lite, ok := errors.AsType[*sqlite.Error](err)
	return ok && lite.Code() == sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY
}

// MapUniqueViolation turns a violation of a unique key into ErrConflict.
func MapUniqueViolation(err error) error {
	if IsUniqueViolation(err) {
		return ErrConflict
	}
	return err
}

// WrapWriteError turns a violation of a unique key into ErrConflict, and adds the kind and the id of the row to the
// error.
func WrapWriteError(err error, kind, id string) error {
	return fmt.Errorf("writing %s %s: %w", kind, id, MapUniqueViolation(err))
}
