package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humagin"
	"github.com/google/uuid"

	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

// apiKeyHeaders are the headers that hold the API key, by security scheme.
var apiKeyHeaders = map[string]string{securityScheme: "x-vital-api-key", managementScheme: "X-Management-Key"}

// caller is who makes a request, from which address, and on which day.
type caller struct {
	apiKey    store.APIKey
	team      store.Team
	requestID string
	address   string
	now       time.Time  // when the request came
	today     order.Date // in the service's time zone
}

type callerKey struct{}

// callerOf returns the caller of an authenticated request.
func callerOf(ctx context.Context) caller {
	c, _ := ctx.Value(callerKey{}).(caller)
	return c
}

// requireScope returns a middleware that authenticates the caller and checks that its role has the scope. A request
// holds exactly one credential: an API key in one of the headers, or a bearer token. The middleware runs before
// anything else of the request is read.
func (s *server) requireScope(needs scope, headers []string) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		c, err := s.authenticateCaller(ctx, headers)
		if c.apiKey.ID != "" { // also of a request that is refused
			humagin.Unwrap(ctx).Set(logKeyID, c.apiKey.ID)
			humagin.Unwrap(ctx).Set(logTeamID, c.apiKey.TeamID)
		}
		if err == nil && !roleHasScope(c.apiKey.Role, needs) {
			err = newError(http.StatusForbidden, "This key may not do that: it takes "+string(needs))
		}
		var refused *Error
		switch {
		case err == nil:
			next(huma.WithValue(ctx, callerKey{}, c))
		case errors.As(err, &refused):
			abortWithError(humagin.Unwrap(ctx), refused)
		default:
			_ = humagin.Unwrap(ctx).Error(err)
			abortWithError(humagin.Unwrap(ctx), internalError([]error{err}))
		}
	}
}

// authenticateCaller returns the caller of a request. With an error, the caller has no more than the API key, if it
// is known: it has ended, or has made too many requests.
func (s *server) authenticateCaller(ctx huma.Context, headers []string) (caller, error) {
	var secrets []string
	for _, name := range headers {
		if secret := ctx.Header(name); secret != "" {
			secrets = append(secrets, secret)
		}
	}
	token := bearerToken(ctx.Header("Authorization"))
	var key store.APIKey
	var team store.Team
	var err error
	switch {
	case len(secrets) > 1 || len(secrets) == 1 && token != "":
		err = newError(http.StatusUnauthorized, "Give one credential: an API key or a bearer token")
	case token != "":
		key, team, err = s.findByBearerToken(ctx.Context(), token)
	case len(secrets) == 1:
		key, team, err = s.findByAPIKey(ctx.Context(), secrets[0])
	default:
		err = newError(http.StatusUnauthorized, "API key is missing")
	}
	if err != nil {
		return caller{apiKey: key}, err
	}
	c := humagin.Unwrap(ctx)
	return caller{apiKey: key, team: team, requestID: requestID(c), address: c.ClientIP(), now: s.now(),
		today: s.today()}, nil
}

// bearerToken returns the bearer token of an Authorization header, or "". Other schemes are ignored: a proxy may use
// them.
func bearerToken(header string) string {
	scheme, token, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

func (s *server) findByAPIKey(ctx context.Context, secret string) (store.APIKey, store.Team, error) {
	key, team, err := s.Store.APIKeyBySecret(ctx, secret)
	if errors.Is(err, store.ErrNotFound) {
		ended, err := s.Store.EndedAPIKey(ctx, secret)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return key, team, err
		}
		return ended, team, newError(http.StatusUnauthorized, "API key is not valid")
	}
	if err != nil {
		return key, team, err
	}
	if refused := s.checkRate(ctx, s.apiKeyLimiter, "key:"+key.ID); refused != nil {
		return key, team, refused
	}
	s.recordAPIKeyUse(ctx, key)
	return key, team, nil
}

// findByBearerToken returns the team of a bearer token, and an API key with the role client that represents the token.
// All tokens of a team share one rate limit.
func (s *server) findByBearerToken(ctx context.Context, secret string) (store.APIKey, store.Team, error) {
	token, team, err := s.Store.BearerTokenBySecret(ctx, secret)
	if errors.Is(err, store.ErrNotFound) {
		return store.APIKey{}, team, newError(http.StatusUnauthorized, "The bearer token is not valid, or has expired")
	}
	if err != nil {
		return store.APIKey{}, team, err
	}
	key := store.APIKey{ID: token.ID, TeamID: team.ID, Name: "bearer token", Role: store.RoleClient}
	if refused := s.checkRate(ctx, s.apiKeyLimiter, "tokens:"+team.ID); refused != nil {
		return key, team, refused
	}
	return key, team, nil
}

// recordAPIKeyUse stores that an API key was used. A failure is logged and does not fail the request.
func (s *server) recordAPIKeyUse(ctx context.Context, key store.APIKey) {
	if err := s.Store.RecordAPIKeyUse(ctx, key); err != nil {
		s.Logger.LogAttrs(ctx, slog.LevelWarn, "the use of an API key was not recorded", slog.String("key_id", key.ID),
			slog.Any("error", err))
	}
}

// scope is the permission that an operation requires of a credential.
type scope string

const (
	scopeOwnRead   scope = "own:read"   // read what belongs to the caller's team
	scopeOwnChange scope = "own:change" // change orders, users and appointments of the caller's team
	scopeAllRead   scope = "all:read"   // read what belongs to any team
	// scopeAllChange allows demands on orders of any team, and changes of deliveries, inbox items, endpoints and secrets.
	scopeAllChange  scope = "all:change"
	scopeAdminister scope = "administer" // teams, API keys, lab accounts, the audit
)

// permissions are the scopes of each role. A role has no other scopes.
var permissions = map[string][]scope{
	store.RoleClient:         {scopeOwnRead, scopeOwnChange},
	store.RoleOperationsRead: {scopeOwnRead, scopeAllRead},
	store.RoleOperations:     {scopeOwnRead, scopeOwnChange, scopeAllRead, scopeAllChange},
	store.RoleAdministrator:  {scopeOwnRead, scopeOwnChange, scopeAllRead, scopeAllChange, scopeAdminister},
}

// roleHasScope reports whether a role has a scope.
func roleHasScope(role string, s scope) bool { return slices.Contains(permissions[role], s) }

// scopeExtension is the OpenAPI extension that names the scope of an operation.
const scopeExtension = "x-scope"

// appendReadAudit records in the audit who reads patient data. Callers call it before they answer, and do not answer
// with the data when it fails. While the disk of the database is full, the row is in the log and waits for room.
func (s *server) appendReadAudit(ctx context.Context, action, teamID, orderID, detail string) error {
	if err := s.Store.AppendReadAudit(ctx, auditRow(ctx, action, teamID, orderID, detail)); err != nil {
		return fmt.Errorf("auditing %s: %w", action, err)
	}
	return nil
}

// appendChangeAudit records in the audit who changed something. Callers call it after the change is stored, so it logs
// a failure and does not return it.
func (s *server) appendChangeAudit(ctx context.Context, action, teamID, orderID, detail string) {
	row := auditRow(ctx, action, teamID, orderID, detail)
	finish, cancel := finishing(ctx)
	defer cancel()
	if err := s.Store.AppendAudit(finish, row); err != nil {
		s.Logger.LogAttrs(ctx, slog.LevelError, "a change was not audited", slog.String("action", action),
			slog.String("team_id", teamID), slog.String("order_id", orderID), slog.String("key_id", row.APIKeyID),
			slog.String("request_id", row.RequestID), slog.String("detail", detail), slog.Any("error", err))
	}
}

func auditRow(ctx context.Context, action, teamID, orderID, detail string) store.AuditRow {
	c := callerOf(ctx)
	if orderID == uuid.Nil.String() { // no order has it, and the store takes it for no id of a row
		orderID = ""
	}
	return store.AuditRow{
		APIKeyID: c.apiKey.ID, TeamID: teamID, OrderID: orderID, Action: action, RequestID: c.requestID, Address: c.address,
		Detail: detail,
	}
}
