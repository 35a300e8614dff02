package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/aliquot-labs/aliquot/store"
	"github.com/aliquot-labs/aliquot/webhooks"
)

// OpsEndpoint is a URL of a team that takes webhook messages. The secret is returned only when the endpoint is created.
type OpsEndpoint struct {
	ID             string     `json:"id" format:"uuid"`
	TeamID         string     `json:"team_id" format:"uuid"`
	URL            string     `json:"url"`
	Description    string     `json:"description"`
	Secret         string     `json:"secret,omitempty"`
	FilterTypes    []string   `json:"filter_types" doc:"Event types that are sent; null: all except operational ones."`
	RateLimit      int        `json:"rate_limit" doc:"Messages per second; 0: no limit."`
	Disabled       bool       `json:"disabled"`
	DisabledReason string     `json:"disabled_reason"`
	FailingSince   *time.Time `json:"failing_since"`
	CreatedAt      time.Time  `json:"created_at"`
	UpdatedAt      time.Time  `json:"updated_at"`
}

type createEndpointInput struct {
	TeamPath
	Body struct {
		URL         string            `json:"url" minLength:"1" maxLength:"2048"`
		Description *string           `json:"description,omitempty" maxLength:"500"`
		Secret      *string           `json:"secret,omitempty" maxLength:"255"`
		FilterTypes []string          `json:"filter_types,omitempty" maxItems:"100" maxLength:"255"`
		Headers     map[string]string `json:"headers,omitempty" maxProperties:"100" doc:"Sent with every message."`
		RateLimit   *int              `json:"rate_limit,omitempty" minimum:"0" maximum:"10000"`
	}
}

// Resolve checks what a schema cannot say.
func (in *createEndpointInput) Resolve(huma.Context) []error {
	errs := append(checkFilterTypes(in.Body.FilterTypes), checkSecret(in.Body.Secret, "body.secret")...)
	return append(errs, checkHeaders(in.Body.Headers)...)
}

type endpointsInput struct {
	TeamID string `query:"team_id" format:"uuid"`
}

func (s *server) opsEndpointRoutes() {
	registerOperation(s, scopeAllRead, huma.Operation{
		OperationID: "ops-list-endpoints", Method: http.MethodGet, Path: "/ops/endpoints", Tags: []string{tagOperations},
		Summary: "List webhook endpoints",
	}, s.opsListEndpoints)
	registerOperation(s, scopeAllChange, huma.Operation{
		OperationID: "ops-create-endpoint", Method: http.MethodPost, Path: "/ops/teams/{team_id}/endpoints",
		Tags:    []string{tagOperations},
		Summary: "Create a webhook endpoint; its secret is only returned here",
		Errors:  []int{http.StatusBadRequest, http.StatusNotFound},
	}, s.opsCreateEndpoint)
}

func (s *server) opsListEndpoints(ctx context.Context, in *endpointsInput) (*body[[]OpsEndpoint], error) {
	all, err := s.Store.Endpoints(ctx, canonicalUUID(in.TeamID))
	if err != nil {
		return nil, err
	}
	out := make([]OpsEndpoint, len(all))
	for i, e := range all {
		out[i] = opsEndpoint(e)
	}
	return newAnswer(out), nil
}

func (s *server) opsCreateEndpoint(ctx context.Context, in *createEndpointInput) (*body[OpsEndpoint], error) {
	t, err := s.Store.Team(ctx, canonicalUUID(in.TeamID))
	if err != nil {
		return nil, mapNotFound(err, "Team")
	}
	e := store.Endpoint{TeamID: t.ID, URL: in.Body.URL, FilterTypes: in.Body.FilterTypes, Headers: in.Body.Headers}
	if in.Body.Description != nil {
		e.Description = *in.Body.Description
	}
	if in.Body.RateLimit != nil {
		e.RateLimit = *in.Body.RateLimit
	}
	if err := s.createEndpoint(ctx, &e, in.Body.Secret); err != nil {
		return nil, err
	}
	out := opsEndpoint(e)
	out.Secret = e.Secret
	return newAnswer(out), nil
}

// mapURLError turns the errors of an endpoint's URL into answers that say what is wrong with it.
func mapURLError(err error) error {
	var badURL *webhooks.URLError
	var badAddress *webhooks.RefusedAddressError
	switch {
	case errors.As(err, &badURL):
		return badRequest(badURL.Error())
	case errors.As(err, &badAddress):
		return badRequest("endpoint URL: its address is not a public one")
	}
	return err
}

func opsEndpoint(e store.Endpoint) OpsEndpoint {
	return OpsEndpoint{
		ID: e.ID, TeamID: e.TeamID, URL: e.URL, Description: e.Description, FilterTypes: e.FilterTypes,
		RateLimit: e.RateLimit, Disabled: e.Disabled, DisabledReason: e.DisabledReason,
		FailingSince: nilIfZero(e.FailingSince), CreatedAt: e.CreatedAt, UpdatedAt: e.UpdatedAt,
	}
}
