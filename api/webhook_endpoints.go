package api

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/aliquot-labs/aliquot/store"
	"github.com/aliquot-labs/aliquot/webhooks"
)

// Webhook is an endpoint in the management API (client-api#team-webhooks-management-api).
type Webhook struct {
	ID          string    `json:"id"`
	URL         string    `json:"url"`
	Description string    `json:"description"`
	RateLimit   *int      `json:"rate_limit" doc:"Messages per second; null: no limit."`
	Disabled    bool      `json:"disabled"`
	FilterTypes []string  `json:"filter_types" doc:"Event types that are sent; null: all except operational ones."`
	CreatedAt   time.Time `json:"created_at"`
	UpdatedAt   time.Time `json:"updated_at"`
}

// WebhooksPage is a page of webhooks, oldest first.
type WebhooksPage struct {
	Data       []Webhook `json:"data" nullable:"false"`
	NextCursor *string   `json:"next_cursor" doc:"Null on the last page."`
}

// WebhookSettings are the fields of a webhook that can be set when it is created and later. Fields that are absent or
// null do not change.
type WebhookSettings struct {
	Description *string  `json:"description,omitempty" maxLength:"500"`
	RateLimit   *int     `json:"rate_limit,omitempty" minimum:"0" maximum:"10000" doc:"Messages per second; 0: no limit."`
	Disabled    *bool    `json:"disabled,omitempty"`
	FilterTypes []string `json:"filter_types,omitempty" doc:"Event types to send; []: all except operational ones."`
}

// ManagedTeam is the path of a team in the management API. Aliquot has no organisations, so any org_id is accepted.
type ManagedTeam struct {
	OrgID       string `path:"org_id" format:"uuid"`
	TeamID      string `path:"team_id" format:"uuid"`
	Environment string `path:"environment" enum:"production,sandbox"`
}

// ManagedWebhook is the path of one webhook.
type ManagedWebhook struct {
	ManagedTeam
	WebhookID string `path:"webhook_id" maxLength:"64"`
}

type listWebhooksInput struct {
	ManagedTeam
	Limit  int    `query:"limit" minimum:"1" maximum:"250" default:"50"`
	Cursor string `query:"next_cursor" format:"uuid"`
}

type createWebhookInput struct {
	ManagedTeam
	Body struct {
		URL    string  `json:"url" minLength:"1" maxLength:"2048"`
		Secret *string `json:"secret,omitempty" doc:"whsec_ and base64 of 24 to 64 bytes. Defaults to a generated one."`
		WebhookSettings
	}
}

// Resolve checks what a schema cannot say.
func (in *createWebhookInput) Resolve(huma.Context) []error {
	return append(checkFilterTypes(in.Body.FilterTypes), checkSecret(in.Body.Secret, "body.secret")...)
}

type updateWebhookInput struct {
	ManagedWebhook
	Body struct {
		URL *string `json:"url,omitempty" minLength:"1" maxLength:"2048"`
		WebhookSettings
	}
}

// Resolve checks what a schema cannot say.
func (in *updateWebhookInput) Resolve(huma.Context) []error {
	return checkFilterTypes(in.Body.FilterTypes)
}

func checkFilterTypes(types []string) []error {
	for _, t := range types {
		if !slices.Contains(webhooks.EventTypes(), t) {
			return []error{newProblem("enum", "Input should be one of "+strings.Join(webhooks.EventTypes(), ", "),
				"body.filter_types")}
		}
	}
	return nil
}

func checkSecret(secret *string, path string) []error {
	if secret == nil {
		return nil
	}
	if _, err := webhooks.ParseSecret(*secret); err != nil {
		return []error{newProblem("value_error", "Value is not whsec_ and the base64 of 24 to 64 bytes", path)}
	}
	return nil
}

func checkHeaders(headers map[string]string) []error {
	if err := webhooks.CheckHeaders(headers); err != nil {
		return []error{newProblem("value_error", "Value has a header that is not allowed", "body.headers")}
	}
	return nil
}

const managedPath = "/v1/org/{org_id}/team/{team_id}/{environment}/webhook"

func (s *server) webhookRoutes() {
	op := func(id, method, suffix, summary string, status int) huma.Operation {
		return huma.Operation{
			OperationID: id, Method: method, Path: managedPath + suffix, Tags: []string{tagWebhooks}, Summary: summary,
			DefaultStatus: status, Errors: []int{http.StatusNotFound},
		}
	}
	refusable := func(o huma.Operation) huma.Operation {
		o.Errors = append(o.Errors, http.StatusBadRequest)
		return o
	}
	registerManagementOperation(s, scopeAllRead, op("list-webhooks", http.MethodGet, "", "List a team's webhooks",
		http.StatusOK), s.listWebhooks)
	registerManagementOperation(s, scopeAllChange,
		refusable(op("create-webhook", http.MethodPost, "", "Add a webhook", http.StatusOK)), s.createWebhook)
	const one = "/{webhook_id}"
	registerManagementOperation(s, scopeAllRead, op("get-webhook", http.MethodGet, one, "Read a webhook", http.StatusOK),
		s.getWebhook)
	registerManagementOperation(s, scopeAllChange,
		refusable(op("update-webhook", http.MethodPatch, one, "Change, disable or enable a webhook", http.StatusOK)),
		s.updateWebhook)
	registerManagementOperation(s, scopeAllChange, op("delete-webhook", http.MethodDelete, one, "Remove a webhook",
		http.StatusNoContent), s.deleteWebhook)
	registerManagementOperation(s, scopeAllChange, op("get-webhook-headers", http.MethodGet, one+"/headers",
		"Read a webhook's headers", http.StatusOK), s.getWebhookHeaders)
	registerManagementOperation(s, scopeAllChange, op("set-webhook-headers", http.MethodPut, one+"/headers",
		"Replace a webhook's headers", http.StatusNoContent), s.setWebhookHeaders)
	registerManagementOperation(s, scopeAllChange, op("get-webhook-secret", http.MethodGet, one+"/secret",
		"Read a webhook's secret", http.StatusOK), s.getWebhookSecret)
	registerManagementOperation(s, scopeAllChange, op("rotate-webhook-secret", http.MethodPost, one+"/secret/rotate",
		"Give a webhook a new secret; for a day, messages are also signed with the old one",
		http.StatusNoContent), s.rotateWebhookSecret)
}

// teamOfPath returns the team of a path. It answers 404 when the team has another environment.
func (s *server) teamOfPath(ctx context.Context, in ManagedTeam) (store.Team, error) {
	t, err := s.Store.Team(ctx, canonicalUUID(in.TeamID))
	if err == nil && t.Environment != in.Environment {
		err = store.ErrNotFound
	}
	return t, mapNotFound(err, "Team")
}

// endpointOfPath returns the endpoint of a path. It answers 404 for an endpoint of another team.
func (s *server) endpointOfPath(ctx context.Context, in ManagedWebhook) (store.Endpoint, error) {
	t, err := s.teamOfPath(ctx, in.ManagedTeam)
	if err != nil {
		return store.Endpoint{}, err
	}
	e, err := s.Store.Endpoint(ctx, canonicalUUID(in.WebhookID))
	if err == nil && e.TeamID != t.ID {
		err = store.ErrNotFound
	}
	return e, mapNotFound(err, "Webhook")
}

func (s *server) listWebhooks(ctx context.Context, in *listWebhooksInput) (*body[WebhooksPage], error) {
	t, err := s.teamOfPath(ctx, in.ManagedTeam)
	if err != nil {
		return nil, err
	}
	all, err := s.Store.EndpointsAfter(ctx, t.ID, canonicalUUID(in.Cursor), in.Limit+1)
	if err != nil {
		return nil, err
	}
	var out WebhooksPage
	if len(all) > in.Limit {
		all = all[:in.Limit]
		out.NextCursor = &all[in.Limit-1].ID
	}
	out.Data = convertAll(all, fromEndpoint)
	return newAnswer(out), nil
}

func (s *server) createWebhook(ctx context.Context, in *createWebhookInput) (*body[Webhook], error) {
	t, err := s.teamOfPath(ctx, in.ManagedTeam)
	if err != nil {
		return nil, err
	}
	e := store.Endpoint{TeamID: t.ID, URL: in.Body.URL}
	in.Body.applyTo(&e)
	if err := s.createEndpoint(ctx, &e, in.Body.Secret); err != nil {
		return nil, err
	}
	return newAnswer(fromEndpoint(e)), nil
}

// createEndpoint checks an endpoint's URL, gives it an id and a secret, stores it, and adds that to the audit.
func (s *server) createEndpoint(ctx context.Context, e *store.Endpoint, secret *string) error {
	var err error
	if e.URL, err = s.Guard.NormalizeURL(e.URL); err != nil {
		return mapURLError(err)
	}
	e.ID, e.CreatedAt = newID(), s.now()
	e.UpdatedAt = e.CreatedAt
	if secret != nil {
		e.Secret = *secret
	} else if e.Secret, err = webhooks.NewSecret(); err != nil {
		return err
	}
	if err := s.Store.CreateEndpoint(ctx, *e); err != nil {
		return err
	}
	s.appendChangeAudit(ctx, "endpoint.create", e.TeamID, "", "endpoint="+e.ID)
	return nil
}

func (s *server) getWebhook(ctx context.Context, in *ManagedWebhook) (*body[Webhook], error) {
	e, err := s.endpointOfPath(ctx, *in)
	if err != nil {
		return nil, err
	}
	return newAnswer(fromEndpoint(e)), nil
}

func (s *server) updateWebhook(ctx context.Context, in *updateWebhookInput) (*body[Webhook], error) {
	if in.Body.URL != nil {
		url, err := s.Guard.NormalizeURL(*in.Body.URL)
		if err != nil {
			return nil, mapURLError(err)
		}
		in.Body.URL = &url
	}
	e, err := s.changeWebhook(ctx, in.ManagedWebhook, "endpoint.update", func(e *store.Endpoint) {
		if in.Body.URL != nil {
			e.URL = *in.Body.URL
		}
		in.Body.applyTo(e)
	})
	if err != nil {
		return nil, err
	}
	return newAnswer(fromEndpoint(e)), nil
}

// changeWebhook changes the endpoint of a path and adds that to the audit.
func (s *server) changeWebhook(ctx context.Context, in ManagedWebhook, action string,
	change func(*store.Endpoint)) (store.Endpoint, error) {
	e, err := s.endpointOfPath(ctx, in)
	if err != nil {
		return e, err
	}
	if e, err = s.Store.ChangeEndpoint(ctx, e.ID, change); err != nil {
		return e, mapNotFound(err, "Webhook")
	}
	s.appendChangeAudit(ctx, action, e.TeamID, "", "endpoint="+e.ID)
	return e, nil
}

func (s *server) deleteWebhook(ctx context.Context, in *ManagedWebhook) (*struct{}, error) {
	e, err := s.endpointOfPath(ctx, *in)
	if err != nil {
		return nil, err
	}
	if err := s.Store.DeleteEndpoint(ctx, e.ID); err != nil {
		return nil, mapNotFound(err, "Webhook")
	}
	s.appendChangeAudit(ctx, "endpoint.delete", e.TeamID, "", "endpoint="+e.ID)
	return nil, nil
}

// disabledReasonTeam is the reason of an endpoint that its team has disabled.
const disabledReasonTeam = "team"

// applyTo sets the fields of an endpoint that are given.
func (w WebhookSettings) applyTo(e *store.Endpoint) {
	if w.Description != nil {
		e.Description = *w.Description
	}
	if w.RateLimit != nil {
		e.RateLimit = *w.RateLimit
	}
	if w.FilterTypes != nil {
		e.FilterTypes = w.FilterTypes
		if len(w.FilterTypes) == 0 {
			e.FilterTypes = nil
		}
	}
	if w.Disabled != nil && *w.Disabled != e.Disabled {
		e.Disabled, e.DisabledReason = *w.Disabled, disabledReasonTeam
		if !e.Disabled {
			e.DisabledReason = ""
		}
	}
}

func fromEndpoint(e store.Endpoint) Webhook {
	w := Webhook{
		ID: e.ID, URL: e.URL, Description: e.Description, Disabled: e.Disabled, FilterTypes: e.FilterTypes,
		CreatedAt: e.CreatedAt, UpdatedAt: e.UpdatedAt,
	}
	if e.RateLimit > 0 {
		w.RateLimit = &e.RateLimit
	}
	return w
}
