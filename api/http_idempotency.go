package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/aliquot-labs/aliquot/store"
)

// idempotencyClaimLease is how long a key is held for the request that claimed it.
const idempotencyClaimLease = time.Minute

// noCacheOnError is the value of X-Idempotency-Error with which only successes are stored.
const noCacheOnError = "no-cache"

// IdempotencyHeaders are the headers of a request that must not be done twice.
type IdempotencyHeaders struct {
	Key     string `header:"X-Idempotency-Key" minLength:"1" maxLength:"255" doc:"The first answer under this key is replayed for at least 24 hours."`
	OnError string `header:"X-Idempotency-Error" enum:"no-cache" doc:"Store successful answers only."`
}

// withIdempotency runs a request whose answer is replayed to the next one with the same key. What failed because of us is not an answer to
// keep: the key is released, so that the client may try again.
func (s *server) withIdempotency(ctx context.Context, route string, in IdempotencyHeaders,
	run func(*store.IdempotencyKey) (*rawAnswer, error)) (*rawAnswer, error) {
	if in.Key == "" {
		return run(nil)
	}
	claim, err := s.Store.ClaimIdempotencyKey(ctx, callerOf(ctx).team.ID, route, in.Key, idempotencyClaimLease)
	switch {
	case err != nil:
		return nil, err
	case claim.InProgress:
		return nil, keyInUseError()
	case claim.StoredAnswer != nil:
		return &rawAnswer{Status: claim.StoredAnswer.Status, ContentType: contentJSON, Body: claim.StoredAnswer.Body}, nil
	}
	out, err := run(claim.Claimed)
	if err == nil {
		return out, nil
	}
	return s.storeOrReleaseFailure(context.WithoutCancel(ctx), *claim.Claimed, in.OnError == noCacheOnError, err)
}

// storeAndAnswer answers 200 with v, and keeps the answer under the key where there is one. What was done stands: an answer that cannot be kept
// is given all the same.
func (s *server) storeAndAnswer(ctx context.Context, key *store.IdempotencyKey, v any) (*rawAnswer, error) {
	b, err := encodeJSON(v)
	if err != nil {
		return nil, err
	}
	if key != nil {
		if err := s.Store.StoreIdempotentAnswer(context.WithoutCancel(ctx), *key, http.StatusOK, b); err != nil {
			s.Logger.LogAttrs(ctx, slog.LevelWarn, "an answer is not kept under its idempotency key", slog.Any("error", err))
		}
	}
	return &rawAnswer{Status: http.StatusOK, ContentType: contentJSON, Body: b}, nil
}

// storeOrReleaseFailure stores a refusal under its key, or releases the key.
func (s *server) storeOrReleaseFailure(ctx context.Context, key store.IdempotencyKey, release bool,
	err error) (*rawAnswer, error) {
	var refused *Error
	if !errors.As(err, &refused) || !isReplayableStatus(refused.status) || release {
		if releaseErr := s.Store.ReleaseIdempotencyKey(ctx, key); releaseErr != nil {
			s.Logger.LogAttrs(ctx, slog.LevelWarn, "an idempotency key is held until its lease ends",
				slog.Any("error", releaseErr))
		}
		return nil, err
	}
	b, err := encodeJSON(refused)
	if err != nil {
		return nil, err
	}
	switch err := s.Store.StoreIdempotentAnswer(ctx, key, refused.status, b); {
	case errors.Is(err, store.ErrClaimLost):
		return nil, keyInUseError()
	case err != nil:
		return nil, err
	}
	return &rawAnswer{Status: refused.status, ContentType: contentJSON, Body: b}, nil
}

// isReplayableStatus reports whether a refusal with that status is an answer to replay. A request that is not valid was none, and one that met
// another with its key, or a failure of ours, may be made again.
func isReplayableStatus(status int) bool {
	return status < http.StatusInternalServerError && status != http.StatusConflict &&
		status != http.StatusUnprocessableEntity
}

func keyInUseError() *Error {
	return newError(http.StatusConflict, "A request with the same idempotency key is still executing")
}

// encodeJSON writes JSON as huma does.
func encodeJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("encoding an answer: %w", err)
	}
	return b.Bytes(), nil
}
