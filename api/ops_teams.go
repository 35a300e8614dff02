package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

// OpsTeam is a team. Policy has the team's changes to the defaults, Resolved the complete policy.
type OpsTeam struct {
	ID          string          `json:"id" format:"uuid"`
	Name        string          `json:"name"`
	Environment string          `json:"environment" enum:"production,sandbox"`
	TimeZone    string          `json:"time_zone"`
	Policy      json.RawMessage `json:"policy"`
	Resolved    json.RawMessage `json:"resolved_policy"`
	CreatedAt   time.Time       `json:"created_at"`
}

type createTeamInput struct {
	Body struct {
		Name        string          `json:"name" minLength:"1" maxLength:"200"`
		Environment string          `json:"environment" enum:"production,sandbox"`
		TimeZone    *string         `json:"time_zone,omitempty" maxLength:"64" doc:"IANA name. Defaults to UTC."`
		Policy      json.RawMessage `json:"policy,omitempty" doc:"The team's changes to the default policy."`
	}
}

// Resolve checks what a schema cannot say.
func (in *createTeamInput) Resolve(huma.Context) []error {
	if zone := in.Body.TimeZone; zone != nil && !isTimeZone(*zone) {
		return []error{newProblem("value_error", "Value is not an IANA time zone", "body.time_zone")}
	}
	return nil
}

// TeamPath names a team.
type TeamPath struct {
	TeamID string `path:"team_id" format:"uuid"`
}

type patchTeamInput struct {
	TeamPath
	Body struct {
		TeamReadOnly
		Policy json.RawMessage `json:"policy" doc:"Merged into the policy. null restores a default, or all of them."`
	}
}

func (s *server) opsTeamRoutes() {
	op := huma.Operation{
		OperationID: "ops-list-teams", Method: http.MethodGet, Path: "/ops/teams", Tags: []string{tagOperations},
		Summary: "List the teams",
	}
	registerOperation(s, scopeAllRead, op, s.opsListTeams)
	op.OperationID, op.Method, op.Summary = "ops-create-team", http.MethodPost, "Create a team"
	op.Errors = []int{http.StatusBadRequest}
	registerOperation(s, scopeAdminister, op, s.opsCreateTeam)
	op.OperationID, op.Method, op.Path = "ops-patch-team", http.MethodPatch, "/ops/teams/{team_id}"
	op.Summary, op.Errors = "Change a team's policy", []int{http.StatusBadRequest, http.StatusNotFound}
	registerOperation(s, scopeAdminister, op, s.opsPatchTeam)
}

func (s *server) opsListTeams(ctx context.Context, _ *struct{}) (*body[[]OpsTeam], error) {
	teams, err := s.Store.Teams(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]OpsTeam, len(teams))
	for i, t := range teams {
		// A team whose policy another release wrote does not hide the others: its policy can be repaired then.
		if out[i], err = opsTeam(t); err != nil {
			s.Logger.LogAttrs(ctx, slog.LevelError, "a team's policy cannot be read", slog.String("team_id", t.ID),
				slog.Any("error", err))
		}
	}
	return newAnswer(out), nil
}

func (s *server) opsCreateTeam(ctx context.Context, in *createTeamInput) (*body[OpsTeam], error) {
	overlay, err := mergePolicy(nil, in.Body.Policy)
	if err != nil {
		return nil, err
	}
	t := store.Team{
		ID: newID(), Name: in.Body.Name, Environment: in.Body.Environment, TimeZone: "UTC", Policy: overlay,
		CreatedAt: s.now(),
	}
	if in.Body.TimeZone != nil {
		t.TimeZone = *in.Body.TimeZone
	}
	if err := s.Store.CreateTeam(ctx, t); err != nil {
		return nil, err
	}
	s.appendChangeAudit(ctx, "team.create", t.ID, "", "")
	return answerTeam(t)
}

func (s *server) opsPatchTeam(ctx context.Context, in *patchTeamInput) (*body[OpsTeam], error) {
	t, err := s.Store.Team(ctx, canonicalUUID(in.TeamID))
	if err != nil {
		return nil, mapNotFound(err, "Team")
	}
	now, err := opsTeam(t)
	if err != nil {
		now.Resolved = in.Body.Resolved // another release wrote the policy: this request may repair it
	}
	if err := in.Body.check(now); err != nil {
		return nil, err
	}
	t, err = s.Store.ChangeTeamPolicy(ctx, t.ID,
		func(overlay []byte) ([]byte, error) { return mergePolicy(overlay, in.Body.Policy) })
	if err != nil {
		return nil, mapNotFound(err, "Team")
	}
	s.appendChangeAudit(ctx, "team.policy", t.ID, "", "")
	return answerTeam(t)
}

func answerTeam(t store.Team) (*body[OpsTeam], error) {
	out, err := opsTeam(t)
	if err != nil {
		return nil, err
	}
	return newAnswer(out), nil
}

// opsTeam returns a team with its resolved policy. With an error, it returns the team without one.
func opsTeam(t store.Team) (OpsTeam, error) {
	out := OpsTeam{
		ID: t.ID, Name: t.Name, Environment: t.Environment, TimeZone: t.TimeZone,
		Policy: t.Policy, CreatedAt: t.CreatedAt,
	}
	if !json.Valid(out.Policy) {
		out.Policy = json.RawMessage("{}")
	}
	policy, err := order.ResolvePolicy(t.Policy)
	if err != nil {
		return out, err
	}
	out.Resolved, err = json.Marshal(policy)
	return out, err
}

// mergePolicy merges a change into a team's policy by RFC 7396, where null removes a value. It refuses a result that is
// not a valid policy. An empty result is nil.
func mergePolicy(overlay, change json.RawMessage) ([]byte, error) {
	if string(change) == "null" {
		return nil, nil
	}
	merged := map[string]any{}
	for _, part := range []json.RawMessage{overlay, change} {
		if len(part) == 0 {
			continue
		}
		var values map[string]any
		d := json.NewDecoder(bytes.NewReader(part))
		d.UseNumber()
		if err := d.Decode(&values); err != nil {
			return nil, badRequest("The policy is not an object")
		}
		mergeJSON(merged, values)
	}
	if len(merged) == 0 {
		return nil, nil
	}
	out, err := json.Marshal(merged)
	if err != nil {
		return nil, err
	}
	if _, err := order.ResolvePolicy(out); err != nil {
		return nil, badRequest("The policy is not valid: " + innermostError(err).Error())
	}
	return out, nil
}

// innermostError returns the innermost of a chain of errors. A policy has no patient data, so an answer may contain it.
func innermostError(err error) error {
	for next := errors.Unwrap(err); next != nil; next = errors.Unwrap(err) {
		err = next
	}
	return err
}

// mergeJSON merges a change into an object by RFC 7396.
func mergeJSON(into, change map[string]any) {
	for name, value := range change {
		if value == nil {
			delete(into, name)
			continue
		}
		inner, isObject := value.(map[string]any)
		if !isObject {
			into[name] = value
			continue
		}
		old, wasObject := into[name].(map[string]any)
		if !wasObject {
			old = map[string]any{}
			into[name] = old
		}
		mergeJSON(old, inner)
	}
}
