// Package store keeps everything that Aliquot must not lose: orders, their events and patient data, results, what partners sent
// (the inbox), what was asked (demands), what is to be delivered, and who asked. One set of portable SQL serves PostgreSQL, which
// production uses, and SQLite, the embedded default.
//
// Times are stored as microseconds since 1970 in UTC, because that is the one form that both engines order and compare alike.
// Whatever names a patient is sealed (AES-256-GCM) before it reaches a row; names and dates are found again by keyed hash.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the "pgx" driver

	"github.com/aliquot-labs/aliquot/internal/junction"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store/keyring"
)

// Errors that callers decide on.
var (
	ErrNotFound = errors.New("not found")
	ErrStale    = errors.New("another recording came first") // load and decide again
	ErrConflict = errors.New("already exists")
)

// Options say where the store is and how it seals.
type Options struct {
	// URL is postgres://… or sqlite:PATH.
	URL string
	// Keys seal patient data. Required.
	Keys *keyring.Keyring
	// Now is the clock of recorded times. Defaults to time.Now.
	Now func() time.Time
	// RenderOrder makes the client's view of an order, which messages carry. Defaults to junction.RenderOrder.
	RenderOrder func(order.Order) ([]byte, error)
	// PublicURL is where clients reach the API, without a slash at its end. Defaults to nowhere.
	PublicURL string
	// MaxConns bounds the connections of this process (SQLite: its readers; there is one writer). Defaults to 8.
	MaxConns int
}

// Store is safe for concurrent use.
type Store struct {
	write        *sql.DB
	read         *sql.DB
	keys         *keyring.Keyring
	now          func() time.Time
	publicURL    string
	renderOrder  func(order.Order) ([]byte, error)
	countLimit   int // mostCounted
	dialect      Dialect
	labTestCache *jsonCache[order.LabTest]
	policyCache  *jsonCache[order.Policy]
}

type Dialect string

const (
	Postgres Dialect = "postgres"
	SQLite   Dialect = "sqlite"
)

// Open connects, checks the connection and refuses a database of an unreleased build (ErrUnreleasedSchema). It does not
// migrate.
func Open(ctx context.Context, o Options) (*Store, error) {
	if o.Keys == nil {
		return nil, errors.New("opening the store: no encryption keys")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.MaxConns <= 0 {
		o.MaxConns = 8
	}
	if o.RenderOrder == nil {
		o.RenderOrder = junction.RenderOrder
	}
	s := &Store{
		keys:         o.Keys,
		now:          func() time.Time { return o.Now().UTC().Truncate(time.Microsecond) },
		renderOrder:  o.RenderOrder,
		publicURL:    strings.TrimSuffix(o.PublicURL, "/"),
		countLimit:   countLimit,
		labTestCache: newJSONCache[order.LabTest](),
		policyCache:  newJSONCache[order.Policy](),
	}
	if err := s.connect(o); err != nil {
		return nil, err
	}
	if err := s.waitUntilReachable(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	if err := s.refuseUnreleasedSchema(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("opening the store: %w", err), s.Close())
	}
	return s, nil
}

// waitUntilReachable is the first Ping. Of several processes that open a new SQLite file at once, one switches it to WAL, and the others are
// turned away meanwhile instead of waiting for the lock.
func (s *Store) waitUntilReachable(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	for {
		err := s.Ping(ctx)
		if !IsRetryable(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func (s *Store) connect(o Options) error {
	if path, ok := strings.CutPrefix(o.URL, "sqlite:"); ok {
		s.openSQLite(path, o.MaxConns)
		return nil
	}
	if !strings.HasPrefix(o.URL, "postgres://") && !strings.HasPrefix(o.URL, "postgresql://") {
		return errors.New("opening the store: the URL begins with neither sqlite: nor postgres://")
	}
	db, err := sql.Open("pgx", o.URL)
	if err != nil {
		return fmt.Errorf("opening PostgreSQL: %w", err)
	}
	db.SetMaxOpenConns(o.MaxConns)
	db.SetMaxIdleConns(o.MaxConns)
	db.SetConnMaxLifetime(time.Hour)
	s.dialect, s.write, s.read = Postgres, db, db
	return nil
}

// Sign signs data for a purpose with the store's keys (keyring.Keyring.Sign).
func (s *Store) Sign(purpose string, data []byte) string { return s.keys.Sign(purpose, data) }

// Verify returns the data of a text that Sign made for the same purpose. Otherwise the error is keyring.ErrBadSignature.
func (s *Store) Verify(purpose, signed string) ([]byte, error) { return s.keys.Verify(purpose, signed) }

// Ping reports whether the database answers.
func (s *Store) Ping(ctx context.Context) error {
	if err := s.write.PingContext(ctx); err != nil {
		return fmt.Errorf("reaching the database: %w", err)
	}
	return nil
}

// Close ends all connections.
func (s *Store) Close() error {
	if s.read == s.write {
		return s.write.Close()
	}
	return errors.Join(s.read.Close(), s.write.Close())
}
