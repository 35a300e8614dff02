package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/aliquot-labs/aliquot/store/keyring"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// The states of a request with an idempotency key.
const (
	idempotencyExecuting = "executing"
	idempotencyStored    = "stored"
)

// ErrClaimLost means that a claim expired and another caller has taken it over. It is an ErrStale: the transaction of
// the earlier caller must not be committed.
var ErrClaimLost = fmt.Errorf("the idempotency key was claimed by another caller: %w", ErrStale)

// IdempotencyKey is a claim on a client's idempotency key. Keys of different teams or routes are different keys.
type IdempotencyKey struct {
	TeamID     string
	Route      string
	Key        string // as the client sent it; only its hash is stored
	ClaimToken string // of this claim
	// DemandID is the id of the demand that the request makes of an order. A caller that takes the claim over gets the
	// same id, so the demand is recorded once.
	DemandID string
	// OrderID is the order that the answer describes. It has to be set before the answer is stored; empty means that there
	// is none. The answer is erased together with the order.
	OrderID string
}

// StoredAnswer is the first answer to a request. It is replayed verbatim.
type StoredAnswer struct {
	Status int
	Body   []byte
}

// IdempotencyClaim is the result of an attempt to claim an idempotency key. Exactly one field is set.
type IdempotencyClaim struct {
	Claimed      *IdempotencyKey // the caller executes the request, then stores the answer or releases the key
	StoredAnswer *StoredAnswer   // the request was answered before; the caller replays the answer
	InProgress   bool            // another request with this key is executing
	OtherRequest bool            // the key belongs to a request about somebody or something else
}

// ClaimIdempotencyKey claims a key for the duration of the lease, unless an answer is stored under it or another caller
// holds it. about says whom and what the request is about; only its keyed hash is stored, with the answer. Requests
// with one key that are about something else are refused. Empty texts are not compared. An expired claim is taken over.
// Nothing is executed twice then: the creation of an order stores the answer in the same transaction, and a demand has
// the key's DemandID.
func (s *Store) ClaimIdempotencyKey(ctx context.Context, teamID, route, key, about string,
	lease time.Duration) (IdempotencyClaim, error) {
	k := IdempotencyKey{TeamID: teamID, Route: route, Key: key, ClaimToken: uuid.NewString()}
	var claim IdempotencyClaim
	err := s.db.InTx(ctx, func(tx *sql.Tx) error {
		demand, err := s.insertClaim(ctx, tx, k, about, lease)
		if errors.Is(err, ErrNotFound) {
			claim, err = s.storedAnswerOrBusy(ctx, tx, k, about)
			return err
		}
		k.DemandID = demand
		claim = IdempotencyClaim{Claimed: &k}
		return err
	})
	if err != nil {
		return IdempotencyClaim{}, fmt.Errorf("claiming an idempotency key of team %s: %w", teamID, err)
	}
	return claim, nil
}

// insertClaim writes the claim if the key is new or its claim has expired, and returns the demand's id. Otherwise the
// error is ErrNotFound.
func (s *Store) insertClaim(ctx context.Context, tx *sql.Tx, k IdempotencyKey, about string,
	lease time.Duration) (demandID string, err error) {
	now, fingerprint := s.now(), ""
	if about != "" {
		fingerprint = s.keys.SearchHash(fingerprintField, k.fingerprinted(about))
	}
	return sqldb.QueryOne(ctx, tx, sqldb.ScanText,
		`INSERT INTO idempotency (team_id, route, key_hash, token, state, lease_until, order_id, status,
			created_at, demand_id, fingerprint)
		VALUES ($1, $2, $3, $4, $5, $6, NULL, 0, $7, $8, $9)
		ON CONFLICT (team_id, route, key_hash) DO UPDATE SET token = excluded.token, lease_until = excluded.lease_until,
			created_at = excluded.created_at, fingerprint = excluded.fingerprint
		WHERE idempotency.state = $5 AND idempotency.lease_until <= $7
		RETURNING demand_id`,
		k.TeamID, k.Route, sha256Hex(k.Key), k.ClaimToken, idempotencyExecuting, sqldb.ToMicros(now.Add(lease)),
		sqldb.ToMicros(now),
		sqldb.NewID(), fingerprint)
}

// fingerprintField is the field of the keyed hash of what a request is about.
const fingerprintField = "idempotency_fingerprint"

// fingerprinted binds the text to the key, so that equal requests with different keys have different fingerprints.
func (k IdempotencyKey) fingerprinted(about string) string {
	return k.TeamID + " " + k.Route + " " + sha256Hex(k.Key) + " " + about
}

// isAboutSomethingElse reports whether a stored fingerprint is that of another text. One by a key that this process no
// longer has cannot be compared.
func (s *Store) isAboutSomethingElse(k IdempotencyKey, stored, about string) bool {
	if stored == "" || about == "" || slices.Contains(s.keys.SearchHashes(fingerprintField, k.fingerprinted(about)),
		stored) {
		return false
	}
	return slices.ContainsFunc(s.keys.Keys(), func(key keyring.KeyInfo) bool {
		return strings.HasPrefix(stored, key.HashPrefix)
	})
}

// storedAnswerOrBusy reads a key that could not be claimed: it has a stored answer, or another request is in progress.
func (s *Store) storedAnswerOrBusy(ctx context.Context, tx *sql.Tx, k IdempotencyKey,
	about string) (IdempotencyClaim, error) {
	var state, fingerprint string
	var answer StoredAnswer
	var sealed []byte
	err := tx.QueryRowContext(ctx,
		`SELECT state, status, answer, fingerprint FROM idempotency WHERE team_id = $1 AND route = $2 AND key_hash = $3`,
		k.TeamID, k.Route, sha256Hex(k.Key)).Scan(&state, &answer.Status, &sealed, &fingerprint)
	if errors.Is(err, sql.ErrNoRows) { // released between the two statements; the caller may try again
		return IdempotencyClaim{InProgress: true}, nil
	}
	if err != nil {
		return IdempotencyClaim{}, err
	}
	if s.isAboutSomethingElse(k, fingerprint, about) {
		return IdempotencyClaim{OtherRequest: true}, nil
	}
	if state == idempotencyExecuting {
		return IdempotencyClaim{InProgress: true}, nil
	}
	if answer.Body, err = s.keys.Open(k.sealContext(), sealed); err != nil {
		return IdempotencyClaim{}, err
	}
	return IdempotencyClaim{StoredAnswer: &answer}, nil
}

// StoreIdempotentAnswer stores the answer of a claimed request that created no order. CreateOrder stores the answer of
// an order in the order's transaction. The error is ErrClaimLost when the claim has expired and was taken over.
func (s *Store) StoreIdempotentAnswer(ctx context.Context, key IdempotencyKey, status int, body []byte) error {
	return s.db.InTx(ctx, func(tx *sql.Tx) error { return s.storeAnswerTx(ctx, tx, key, key.OrderID, status, body) })
}

// storeAnswerTx stores an answer within the caller's transaction. The transaction must not be committed when this
// fails.
func (s *Store) storeAnswerTx(ctx context.Context, tx *sql.Tx, key IdempotencyKey, orderID string, status int,
	body []byte) error {
	n, err := sqldb.ExecCount(ctx, tx, `UPDATE idempotency SET state = $1, order_id = $2, status = $3, answer = $4
		WHERE team_id = $5 AND route = $6 AND key_hash = $7 AND token = $8 AND state = $9`,
		idempotencyStored, sqldb.IDOrNull(orderID), status, s.keys.Seal(key.sealContext(), body),
		key.TeamID, key.Route, sha256Hex(key.Key), key.ClaimToken, idempotencyExecuting)
	if err != nil {
		return fmt.Errorf("storing an answer of team %s: %w", key.TeamID, err)
	}
	if n == 0 {
		return fmt.Errorf("storing an answer of team %s: %w", key.TeamID, ErrClaimLost)
	}
	return nil
}

// ReleaseIdempotencyKey releases a claim without an answer, so that the next request with the key executes. If the
// demand of this request is still open then, the next request continues with the same demand. A claim that was taken
// over or has a stored answer is not changed.
func (s *Store) ReleaseIdempotencyKey(ctx context.Context, key IdempotencyKey) error {
	const held = ` WHERE team_id = $1 AND route = $2 AND key_hash = $3 AND token = $4 AND state = $5`
	err := s.db.InTx(ctx, func(tx *sql.Tx) error {
		args := []any{key.TeamID, key.Route, sha256Hex(key.Key), key.ClaimToken, idempotencyExecuting}
		_, err := tx.ExecContext(ctx, `DELETE FROM idempotency`+held+`
			AND NOT EXISTS (SELECT 1 FROM demands WHERE id = idempotency.demand_id AND state = $6)`, append(args, DemandOpen)...)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE idempotency SET lease_until = 0`+held, args...)
		return err
	})
	if err != nil {
		return fmt.Errorf("releasing an idempotency key of team %s: %w", key.TeamID, err)
	}
	return nil
}

// RouteBookPSC is the route whose answers are stored longer than those of other routes.
const RouteBookPSC = "POST /v3/order/{order_id}/psc/appointment/book"

// How long answers are stored and replayed (client-api#3-idempotency).
const (
	answerRetention        = 24 * time.Hour
	bookingAnswerRetention = 14 * 24 * time.Hour // of RouteBookPSC
)

// PruneIdempotencyKeys deletes keys that were claimed longer ago than answers are replayed, with their answers and
// expired claims. It returns how many it deleted.
func (s *Store) PruneIdempotencyKeys(ctx context.Context) (int64, error) {
	now := s.now()
	n, err := sqldb.ExecCount(ctx, s.db.Writer, `DELETE FROM idempotency
		WHERE created_at < $1 AND (route <> $2 OR created_at < $3) AND (state = $4 OR lease_until <= $5)`,
		sqldb.ToMicros(now.Add(-answerRetention)), RouteBookPSC, sqldb.ToMicros(now.Add(-bookingAnswerRetention)),
		idempotencyStored,
		sqldb.ToMicros(now))
	if err != nil {
		return 0, fmt.Errorf("pruning idempotency keys: %w", err)
	}
	return n, nil
}

func (k IdempotencyKey) sealContext() string {
	return sealContext("idempotency", k.TeamID+" "+k.Route+" "+sha256Hex(k.Key), "answer")
}
