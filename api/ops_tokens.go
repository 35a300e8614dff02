package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/aliquot-labs/aliquot/store"
)

// defaultLifetime is how long a bearer token is good.
const defaultLifetime = 10 * time.Minute

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
	register(s, administer, huma.Operation{
		OperationID: "ops-create-token", Method: http.MethodPost, Path: "/ops/teams/{team_id}/tokens", Tags: []string{tagOperations},
		Summary: "Make a bearer token of a team, good for minutes; it is shown once", Errors: []int{http.StatusNotFound},
		Description: "It may do what a key with the role client may, and ends with the key that made it.",
	}, s.opsCreateToken)
}

func (s *server) opsCreateToken(ctx context.Context, in *createTokenInput) (*body[OpsToken], error) {
	team, err := s.Store.Team(ctx, canonical(in.TeamID))
	if err != nil {
		return nil, orNotFound(err, "Team")
	}
	life := defaultLifetime
	if in.Body.LifetimeSeconds != nil {
		life = time.Duration(*in.Body.LifetimeSeconds) * time.Second
	}
	t := store.Token{ID: newID(), TeamID: team.ID, KeyID: callerOf(ctx).key.ID, CreatedAt: s.now()}
	t.ExpiresAt = t.CreatedAt.Add(life)
	secret := store.NewTokenSecret()
	if err := s.Store.CreateToken(ctx, t, secret); err != nil {
		return nil, err
	}
	s.auditChange(ctx, "token.create", team.ID, "", "token="+t.ID+" lifetime="+life.String())
	return answer(OpsToken{ID: t.ID, TeamID: t.TeamID, Token: secret, ExpiresAt: t.ExpiresAt}), nil
}
