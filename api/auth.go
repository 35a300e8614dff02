package api

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humagin"

	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

// keyHeaders carry the API key, by the security scheme.
var keyHeaders = map[string]string{securityScheme: "x-vital-api-key", managementScheme: "X-Management-Key"}

// caller is who makes a request, and when.
type caller struct {
	key       store.Key
	team      store.Team
	requestID string
	address   string
	today     order.Date // in the service's time zone
}

type callerKey struct{}

// callerOf is the caller of an authenticated request.
func callerOf(ctx context.Context) caller {
	c, _ := ctx.Value(callerKey{}).(caller)
	return c
}

// authenticate lets a request through whose key is good and may do what takes the scope. The key is in the first of the headers that
// there is. Nothing of the request is looked at before.
func (s *server) authenticate(needs scope, headers []string) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		c, err := s.identity(ctx, headers)
		if err == nil && !may(c.key.Role, needs) {
			err = fail(http.StatusForbidden, "This key may not do that: it takes "+string(needs))
		}
		var refused *Error
		switch {
		case err == nil:
			humagin.Unwrap(ctx).Set(logKeyID, c.key.ID)
			next(huma.WithValue(ctx, callerKey{}, c))
		case errors.As(err, &refused):
			abortWith(humagin.Unwrap(ctx), refused)
		default:
			_ = humagin.Unwrap(ctx).Error(err)
			abortWith(humagin.Unwrap(ctx), internal([]error{err}))
		}
	}
}

func (s *server) identity(ctx huma.Context, headers []string) (caller, error) {
	secret := ""
	for _, name := range headers {
		secret = cmp.Or(secret, ctx.Header(name))
	}
	if secret == "" {
		return caller{}, fail(http.StatusUnauthorized, "API key is missing")
	}
	key, team, err := s.Store.KeyBySecret(ctx.Context(), secret)
	if errors.Is(err, store.ErrNotFound) {
		return caller{}, fail(http.StatusUnauthorized, "API key is not valid")
	}
	if err != nil {
		return caller{}, err
	}
	if refused := s.limited(ctx.Context(), s.keys, "key:"+key.ID); refused != nil {
		return caller{}, refused
	}
	s.used(ctx.Context(), key)
	c := humagin.Unwrap(ctx)
	return caller{key: key, team: team, requestID: requestID(c), address: c.ClientIP(), today: s.today()}, nil
}

// used notes that a key is in use. A request is answered whether that can be noted or not.
func (s *server) used(ctx context.Context, key store.Key) {
	if err := s.Store.UsedKey(ctx, key); err != nil {
		s.Logger.LogAttrs(ctx, slog.LevelWarn, "the use of a key is not noted", slog.String("key_id", key.ID), slog.Any("error", err))
	}
}
