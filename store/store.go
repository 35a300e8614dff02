// Package store stores everything that Aliquot must not lose: orders with their events, patient data and results, inbox
// items, demands, webhook messages and their deliveries, and the audit log. The same portable SQL serves PostgreSQL,
// which production uses, and SQLite, the embedded default.
//
// Times are stored as microseconds since 1970 in UTC, because both engines sort and compare integers alike. Everything
// that identifies a patient is sealed (AES-256-GCM) before it is written. Names and dates of birth are found by search
// hashes.
package store

//go:generate go run ./schemadoc -out ../docs/schema.md

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aliquot-labs/aliquot/internal/junction"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store/keyring"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// Errors that callers decide on.
var (
	ErrNotFound = sqldb.ErrNotFound
	ErrStale    = errors.New("another recording came first") // load the state and decide again
	ErrConflict = sqldb.ErrConflict
)

// Options are the options of Open.
type Options struct {
	// URL is postgres://… or sqlite:PATH.
	URL string
	// Keys seal patient data. Required.
	Keys *keyring.Keyring
	// Now is the clock of recorded times; default: time.Now.
	Now func() time.Time
	// RenderOrder renders the client's view of an order for webhook messages; default: junction.RenderOrder.
	RenderOrder func(order.Order) ([]byte, error)
	// PublicURL is the public address of the API, without a slash at its end; default: none.
	PublicURL string
	// MaxConns is the most connections of this process (SQLite: for reading; there is one for writing); default: 8.
	MaxConns int
	// StatementLimit is the longest time of one statement, for processes whose callers wait; default: none but that of the
	// context, which migrations, rotations and rebuilds need.
	StatementLimit time.Duration
	// Replica is a replica of a PostgreSQL database that may answer reads. Without a URL there is none. Open sets its
	// PrimaryURL, and by default its MaxAge (DefaultReplicaAge), MaxConns and Logger (slog.Default).
	Replica sqldb.ReplicaOptions
}

// Store is the database. It is safe for concurrent use.
type Store struct {
	db          *sqldb.DB
	keys        *keyring.Keyring
	now         func() time.Time
	publicURL   string
	renderOrder func(order.Order) ([]byte, error)
	countLimit  int // countLimit, smaller in tests
	// quarantineQuota, smaller in tests
	quarantineQuota int
	maxConns        int
	labTestCache    *jsonCache[order.LabTest]
	policyCache     *jsonCache[order.Policy]
	room            *roomProbe
	deferred        *deferredAudit
}

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
		keys:            o.Keys,
		now:             func() time.Time { return o.Now().UTC().Truncate(time.Microsecond) },
		renderOrder:     o.RenderOrder,
		publicURL:       strings.TrimSuffix(o.PublicURL, "/"),
		countLimit:      countLimit,
		quarantineQuota: quarantineQuota,
		maxConns:        o.MaxConns,
		labTestCache:    newJSONCache[order.LabTest](),
		policyCache:     newJSONCache[order.Policy](),
		room:            &roomProbe{},
		deferred:        &deferredAudit{},
	}
	var err error
	if s.db, err = sqldb.OpenLimited(o.URL, o.MaxConns, o.StatementLimit); err != nil {
		return nil, fmt.Errorf("opening the store: %w", err)
	}
	if err := s.db.WaitUntilReachable(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	if err := s.refuseUnreleasedSchema(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("opening the store: %w", err), s.Close())
	}
	if err := s.openReplica(o); err != nil {
		return nil, errors.Join(fmt.Errorf("opening the store: %w", err), s.Close())
	}
	return s, nil
}

// Sign signs data for a purpose with the store's keys (keyring.Keyring.Sign).
func (s *Store) Sign(purpose string, data []byte) string { return s.keys.Sign(purpose, data) }

// Verify returns the data of a text that Sign made for the same purpose. Otherwise the error is
// keyring.ErrBadSignature.
func (s *Store) Verify(purpose, signed string) ([]byte, error) { return s.keys.Verify(purpose, signed) }

// Ping reports whether the database responds.
func (s *Store) Ping(ctx context.Context) error { return s.db.Ping(ctx) }

// MaxConns returns the most connections of this process (Options).
func (s *Store) MaxConns() int { return s.maxConns }

// Close closes all connections.
func (s *Store) Close() error { return errors.Join(s.closeDeferredAudit(), s.db.Close()) }

// IsUnavailable reports whether an error of the store means that the database could not do something at the moment
// (sqldb.IsUnavailable).
func IsUnavailable(err error) bool { return sqldb.IsUnavailable(err) }

// IsDiskFull reports whether an error of the store means that the database has no room to write.
func IsDiskFull(err error) bool { return errors.Is(err, ErrDiskFull) || sqldb.IsDiskFull(err) }
