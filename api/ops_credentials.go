package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/aliquot-labs/aliquot/store"
)

// defaultOverlap is how long the old secret of an API key is valid after a rotation.
const defaultOverlap = 24 * time.Hour

// OpsKey is an API key. The secret is returned only when it is created.
type OpsKey struct {
	ID            string     `json:"id" format:"uuid"`
	TeamID        string     `json:"team_id" format:"uuid"`
	Name          string     `json:"name"`
	Role          string     `json:"role" enum:"client,operations_read,operations,administrator"`
	Secret        string     `json:"secret,omitempty"`
	CreatedAt     time.Time  `json:"created_at"`
	ExpiresAt     *time.Time `json:"expires_at" doc:"The key is valid until then; null: it does not expire."`
	PreviousUntil *time.Time `json:"previous_until" doc:"The previous secret is valid until then; null: there is none."`
	LastUsedAt    *time.Time `json:"last_used_at" doc:"To the minute."`
	RevokedAt     *time.Time `json:"revoked_at"`
}

type createKeyInput struct {
	TeamPath
	Body struct {
		Name      string     `json:"name" minLength:"1" maxLength:"200"`
		Role      string     `json:"role" enum:"client,operations_read,operations,administrator"`
		ExpiresAt *time.Time `json:"expires_at,omitempty" maxLength:"64" doc:"Defaults to never."`
	}
}

type listKeysInput struct {
	TeamID string `query:"team_id" format:"uuid" doc:"Defaults to all teams."`
}

// KeyPath names an API key.
type KeyPath struct {
	KeyID string `path:"key_id" format:"uuid"`
}

type rotateKeyInput struct {
	KeyPath
	Body struct {
		OverlapSeconds *int `json:"overlap_seconds,omitempty" minimum:"0" maximum:"2592000"`
	}
}

func (s *server) opsKeyRoutes() {
	op := huma.Operation{
		OperationID: "ops-list-keys", Method: http.MethodGet, Path: "/ops/keys", Tags: []string{tagOperations},
		Summary: "List API keys, without their secrets",
	}
	registerOperation(s, scopeAdminister, op, s.opsListKeys)
	op.OperationID, op.Method, op.Path = "ops-create-key", http.MethodPost, "/ops/teams/{team_id}/keys"
	op.Summary = "Create an API key; its secret is only returned here"
	op.Errors = []int{http.StatusBadRequest, http.StatusNotFound}
	registerOperation(s, scopeAdminister, op, s.opsCreateKey)
	op.OperationID, op.Path = "ops-rotate-key", "/ops/keys/{key_id}/rotate"
	op.Summary = "Give an API key a new secret, which is only returned here; the old one stays valid for a time"
	op.Errors = []int{http.StatusNotFound}
	registerOperation(s, scopeAdminister, op, s.opsRotateKey)
	op.OperationID, op.Path = "ops-revoke-key", "/ops/keys/{key_id}/revoke"
	op.Summary = "Revoke an API key, immediately and permanently"
	registerOperation(s, scopeAdminister, op, s.opsRevokeKey)
}

func (s *server) opsListKeys(ctx context.Context, in *listKeysInput) (*body[[]OpsKey], error) {
	keys, err := s.Store.APIKeys(ctx, canonicalUUID(in.TeamID))
	if err != nil {
		return nil, err
	}
	out := make([]OpsKey, len(keys))
	for i, k := range keys {
		out[i] = opsKey(k, "")
	}
	return newAnswer(out), nil
}

func (s *server) opsCreateKey(ctx context.Context, in *createKeyInput) (*body[OpsKey], error) {
	t, err := s.Store.Team(ctx, canonicalUUID(in.TeamID))
	if err != nil {
		return nil, mapNotFound(err, "Team")
	}
	k := store.APIKey{ID: newID(), TeamID: t.ID, Name: in.Body.Name, Role: in.Body.Role, CreatedAt: s.now()}
	if ends := in.Body.ExpiresAt; ends != nil {
		if !ends.After(k.CreatedAt) {
			return nil, badRequest("The key would have expired already")
		}
		k.ExpiresAt = ends.UTC().Truncate(time.Microsecond)
	}
	secret, err := store.NewAPIKeySecret(t.Environment)
	if err != nil {
		return nil, err
	}
	if err := s.Store.CreateAPIKey(ctx, k, secret); err != nil {
		return nil, err
	}
	s.appendChangeAudit(ctx, "key.create", t.ID, "", "key="+k.ID+" role="+k.Role)
	return newAnswer(opsKey(k, secret)), nil
}

func (s *server) opsRotateKey(ctx context.Context, in *rotateKeyInput) (*body[OpsKey], error) {
	id, overlap := canonicalUUID(in.KeyID), defaultOverlap
	if given := in.Body.OverlapSeconds; given != nil {
		overlap = time.Duration(*given) * time.Second
	}
	k, err := s.Store.APIKey(ctx, id)
	if err != nil {
		return nil, mapNotFound(err, "Key")
	}
	t, err := s.Store.Team(ctx, k.TeamID)
	if err != nil {
		return nil, err
	}
	secret, err := store.NewAPIKeySecret(t.Environment)
	if err != nil {
		return nil, err
	}
	if err := s.Store.RotateAPIKey(ctx, id, secret, overlap); err != nil {
		return nil, mapNotFound(err, "Good key")
	}
	s.appendChangeAudit(ctx, "key.rotate", k.TeamID, "", "key="+id+" overlap="+overlap.String())
	return s.readAPIKeyAnswer(ctx, id, secret)
}

func (s *server) opsRevokeKey(ctx context.Context, in *KeyPath) (*body[OpsKey], error) {
	id := canonicalUUID(in.KeyID)
	if err := s.Store.RevokeAPIKey(ctx, id); err != nil {
		return nil, mapNotFound(err, "Key")
	}
	s.appendChangeAudit(ctx, "key.revoke", "", "", "key="+id)
	return s.readAPIKeyAnswer(ctx, id, "")
}

func (s *server) readAPIKeyAnswer(ctx context.Context, id, secret string) (*body[OpsKey], error) {
	k, err := s.Store.APIKey(ctx, id)
	if err != nil {
		return nil, err
	}
	return newAnswer(opsKey(k, secret)), nil
}

func opsKey(k store.APIKey, secret string) OpsKey {
	return OpsKey{
		ID: k.ID, TeamID: k.TeamID, Name: k.Name, Role: k.Role, Secret: secret, CreatedAt: k.CreatedAt,
		RevokedAt: k.RevokedAt, ExpiresAt: nilIfZero(k.ExpiresAt), PreviousUntil: nilIfZero(k.PreviousUntil),
		LastUsedAt: nilIfZero(k.LastUsedAt),
	}
}

// defaultTokenLifetime is how long a bearer token is valid by default.
const defaultTokenLifetime = 10 * time.Minute

// OpsToken is a bearer token. It is returned only when it is created.
type OpsToken struct {
	ID        string    `json:"id" format:"uuid"`
	TeamID    string    `json:"team_id" format:"uuid"`
	Token     string    `json:"token" doc:"Send it in the header Authorization: Bearer."`
	ExpiresAt time.Time `json:"expires_at"`
}

type createTokenInput struct {
	TeamPath
	Body struct {
		LifetimeSeconds *int `json:"lifetime_seconds,omitempty" minimum:"60" maximum:"3600"`
	}
}

func (s *server) opsTokenRoutes() {
	registerOperation(s, scopeAdminister, huma.Operation{
		OperationID: "ops-create-token", Method: http.MethodPost, Path: "/ops/teams/{team_id}/tokens",
		Tags:    []string{tagOperations},
		Summary: "Create a short-lived bearer token of a team; it is only returned here", Errors: []int{http.StatusNotFound},
		Description: "The token has the permissions of the role client. It becomes invalid with the API key that created it.",
	}, s.opsCreateToken)
}

func (s *server) opsCreateToken(ctx context.Context, in *createTokenInput) (*body[OpsToken], error) {
	team, err := s.Store.Team(ctx, canonicalUUID(in.TeamID))
	if err != nil {
		return nil, mapNotFound(err, "Team")
	}
	life := defaultTokenLifetime
	if in.Body.LifetimeSeconds != nil {
		life = time.Duration(*in.Body.LifetimeSeconds) * time.Second
	}
	t := store.BearerToken{ID: newID(), TeamID: team.ID, APIKeyID: callerOf(ctx).apiKey.ID, CreatedAt: s.now()}
	t.ExpiresAt = t.CreatedAt.Add(life)
	secret := store.NewBearerTokenSecret()
	if err := s.Store.CreateBearerToken(ctx, t, secret); err != nil {
		return nil, err
	}
	s.appendChangeAudit(ctx, "token.create", team.ID, "", "token="+t.ID+" lifetime="+life.String())
	return newAnswer(OpsToken{ID: t.ID, TeamID: t.TeamID, Token: secret, ExpiresAt: t.ExpiresAt}), nil
}
