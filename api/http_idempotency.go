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

// idempotencyClaimLease is how long an idempotency key is claimed for one request.
const idempotencyClaimLease = time.Minute

// noCacheOnError is the value of X-Idempotency-Error with which only successful answers are stored.
const noCacheOnError = "no-cache"

// IdempotencyHeaders are the headers of a request that must not be executed twice.
type IdempotencyHeaders struct {
	Key string `header:"X-Idempotency-Key" minLength:"1" maxLength:"255" doc:"Replays the first answer for 24 hours."`

	OnError string `header:"X-Idempotency-Error" enum:"no-cache" doc:"Store successful answers only, and no refusals."`
}

// withIdempotency runs a request under its idempotency key. A later request with the same key gets the stored answer.
// run stores a successful answer under the key that it gets; withIdempotency stores refusals. It releases the key after
// an internal failure, so that the client may try again. Without a key it only calls run. about says whom and what the
// request is about: a later request with the same key about something else is refused (client-api#open-3).
func (s *server) withIdempotency(ctx context.Context, route string, in IdempotencyHeaders, about string,
	run func(*store.IdempotencyKey) (*rawAnswer, error)) (*rawAnswer, error) {
	if in.Key == "" {
		return run(nil)
	}
	claim, err := s.Store.ClaimIdempotencyKey(ctx, callerOf(ctx).team.ID, route, in.Key, about,
		idempotencyClaimLease)
	switch {
	case err != nil:
		return nil, err
	case claim.OtherRequest:
		return nil, validationError(newProblem("value_error",
			"The idempotency key was used for another user, patient, test, account or method", "header.X-Idempotency-Key"))
	case claim.InProgress:
		return nil, keyInUseError()
	case claim.StoredAnswer != nil:
		return &rawAnswer{Status: claim.StoredAnswer.Status, ContentType: contentJSON, Body: claim.StoredAnswer.Body}, nil
	}
	out, err := run(claim.Claimed)
	if err == nil {
		return out, nil
	}
	ctx, cancel := finishing(ctx)
	defer cancel()
	return s.storeOrReleaseFailure(ctx, *claim.Claimed, in.OnError == noCacheOnError, err)
}

// storeAndAnswer answers 200 with v, and stores the answer under the idempotency key if there is one. If storing fails,
// it logs that and still answers 200, because the request has been executed.
func (s *server) storeAndAnswer(ctx context.Context, key *store.IdempotencyKey, v any) (*rawAnswer, error) {
	b, err := encodeJSON(v)
	if err != nil {
		return nil, err
	}
	if key != nil {
		finish, cancel := finishing(ctx)
		defer cancel()
		if err := s.Store.StoreIdempotentAnswer(finish, *key, http.StatusOK, b); err != nil {
			s.Logger.LogAttrs(ctx, slog.LevelWarn, "an answer was not stored under its idempotency key",
				slog.Any("error", err))
		}
	}
	return &rawAnswer{Status: http.StatusOK, ContentType: contentJSON, Body: b}, nil
}

// storeOrReleaseFailure stores a refusal under its idempotency key and returns it as an answer. It releases the key and
// returns err when the failure cannot be replayed or release is true.
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

// isReplayableStatus reports whether a refusal with that status is stored and replayed. Failed validation (422), a key
// in use (409) and failures of ours are not: the client may send the request again with the same key.
func isReplayableStatus(status int) bool {
	return status < http.StatusInternalServerError && status != http.StatusConflict &&
		status != http.StatusUnprocessableEntity
}

func keyInUseError() *Error {
	return newError(http.StatusConflict, "A request with the same idempotency key is still executing")
}

// encodeJSON encodes JSON as huma does: with a final newline and without escapes for HTML.
func encodeJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("encoding an answer: %w", err)
	}
	return b.Bytes(), nil
}
