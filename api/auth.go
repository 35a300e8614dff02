package api

import (
	"cmp"
	"context"
	"errors"
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

// authenticate lets a request through whose key is good and has the role; operations keys may do all that their team's client
// keys may. The key is in the first of the headers that there is. Nothing of the request is looked at before.
func (s *server) authenticate(role string, headers []string) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		c, err := s.identity(ctx, headers)
		if err == nil && role == store.RoleOperations && c.key.Role != store.RoleOperations {
			err = fail(http.StatusForbidden, "This key may not use the operations API")
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
	c := humagin.Unwrap(ctx)
	return caller{key: key, team: team, requestID: requestID(c), address: c.RemoteIP(), today: s.today()}, nil
}
