package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/aliquot-labs/aliquot/store"
)

// defaultTokenLifetime is how long a bearer token is good.
const defaultTokenLifetime = 10 * time.Minute

// OpsToken is a bearer token. It is shown once, when it is made.
type OpsToken struct {
	ID        string    `json:"id" format:"uuid"`
	TeamID    string    `json:"team_id" format:"uuid"`
	Token     string    `json:"token" doc:"For the header Authorization: Bearer."`
	ExpiresAt time.Time `json:"expires_at"`
}

type createTokenInput struct {
	TeamPath
	Body struct {
		LifetimeSeconds *int `json:"lifetime_seconds,omitempty" minimum:"60" maximum:"3600" doc:"How long it is good. Defaults to 600."`
	}
}

func (s *server) opsTokenRoutes() {
	registerOperation(s, scopeAdminister, huma.Operation{
		OperationID: "ops-create-token", Method: http.MethodPost, Path: "/ops/teams/{team_id}/tokens", Tags: []string{tagOperations},
		Summary: "Make a bearer token of a team, good for minutes; it is shown once", Errors: []int{http.StatusNotFound},
		Description: "It may do what a key with the role client may, and ends with the key that made it.",
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
