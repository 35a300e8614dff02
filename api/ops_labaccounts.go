package api

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
	"github.com/aliquot-labs/aliquot/webhooks"
)

// OpsLabAccount is a lab account. Its credentials are never returned.
type OpsLabAccount struct {
	ID          string          `json:"id" format:"uuid"`
	TeamID      string          `json:"team_id" doc:"Empty: shared by all teams."`
	LabSlug     string          `json:"lab_slug"`
	Partner     string          `json:"partner" doc:"The protocol, such as molecular or neutral."`
	Environment string          `json:"environment" enum:"production,sandbox"`
	BaseURL     string          `json:"base_url"`
	SpacingMS   int64           `json:"spacing_ms" doc:"Minimum time between the starts of two calls, in milliseconds."`
	Settings    json.RawMessage `json:"settings" doc:"Settings of the partner's protocol."`
	Policy      json.RawMessage `json:"policy"`
	Profile     json.RawMessage `json:"profile" doc:"What clients see of the account and which orders it allows."`
	Status      string          `json:"status" enum:"active,pending,suspended,ready_to_launch"`
	WebhookPath string          `json:"webhook_path" doc:"The path to which the partner sends its webhooks."`
	Rotating    bool            `json:"rotating" doc:"Whether webhooks with the previous credentials are accepted too."`
	CreatedAt   time.Time       `json:"created_at"`
}

type putLabAccountInput struct {
	AccountID string `path:"lab_account_id" format:"uuid"`
	Body      struct {
		LabAccountReadOnly
		TeamID      *string         `json:"team_id,omitempty" maxLength:"100" doc:"A UUID. Defaults to all teams, as empty."`
		LabSlug     string          `json:"lab_slug" minLength:"1" maxLength:"100"`
		Partner     string          `json:"partner" minLength:"1" maxLength:"100" doc:"The protocol, such as neutral."`
		Environment string          `json:"environment" enum:"production,sandbox"`
		BaseURL     string          `json:"base_url" minLength:"1" maxLength:"2048"`
		User        string          `json:"user,omitempty" maxLength:"500" doc:"Our user. Defaults to the current one."`
		Token       string          `json:"token,omitempty" maxLength:"2000" doc:"Our secret. Defaults to the current one."`
		EndRotation bool            `json:"end_rotation,omitempty"`
		SpacingMS   int64           `json:"spacing_ms,omitempty" minimum:"0" maximum:"3600000"`
		Settings    json.RawMessage `json:"settings,omitempty" doc:"Settings of the partner's protocol."`
		Policy      json.RawMessage `json:"policy,omitempty" doc:"The account's changes to the default policy."`
		Profile     json.RawMessage `json:"profile,omitempty"`
		Status      string          `json:"status,omitempty" enum:"active,pending,suspended,ready_to_launch" default:"active"`
	}
}

func (s *server) opsLabAccountRoutes() {
	op := huma.Operation{
		OperationID: "ops-list-lab-accounts", Method: http.MethodGet, Path: "/ops/lab-accounts",
		Tags:    []string{tagOperations},
		Summary: "List accounts with labs and providers",
	}
	registerOperation(s, scopeAllRead, op, s.opsListLabAccounts)
	op.OperationID, op.Method, op.Path = "ops-put-lab-account", http.MethodPut, "/ops/lab-accounts/{lab_account_id}"
	op.Summary = "Create or change an account with a lab or provider"
	op.Errors = []int{http.StatusBadRequest, http.StatusNotFound}
	registerOperation(s, scopeAdminister, op, s.opsPutLabAccount)
}

func (s *server) opsListLabAccounts(ctx context.Context, _ *struct{}) (*body[[]OpsLabAccount], error) {
	accounts, err := s.Store.LabAccounts(ctx, "")
	if err != nil {
		return nil, err
	}
	out := make([]OpsLabAccount, len(accounts))
	for i, a := range accounts {
		out[i] = opsLabAccount(a)
	}
	return newAnswer(out), nil
}

func (s *server) opsPutLabAccount(ctx context.Context, in *putLabAccountInput) (*body[OpsLabAccount], error) {
	if canonicalUUID(in.AccountID) == uuid.Nil.String() { // the store takes it for no id of a row
		return nil, validationError(newProblem("uuid_parsing", "Input should be the UUID of an account",
			"path.lab_account_id"))
	}
	a, err := s.Store.LabAccount(ctx, canonicalUUID(in.AccountID))
	isNew := errors.Is(err, store.ErrNotFound)
	if err != nil && !isNew {
		return nil, err
	}
	if isNew {
		a = store.LabAccount{ID: canonicalUUID(in.AccountID), CreatedAt: s.now()}
	}
	was := a
	was.Partner = in.Body.Partner // it cannot change, and a new account has none
	if err := in.Body.check(opsLabAccount(was)); err != nil {
		return nil, err
	}
	if err := s.changeLabAccount(ctx, &a, in, isNew); err != nil {
		return nil, err
	}
	if err := s.Store.PutLabAccount(ctx, a); err != nil {
		return nil, err
	}
	s.appendChangeAudit(ctx, "lab_account.put", a.TeamID, "", "account="+a.ID+" status="+a.Status)
	return newAnswer(opsLabAccount(a)), nil
}

// Resolve checks what a schema cannot say: an account of all teams is answered with an empty team.
func (in *putLabAccountInput) Resolve(huma.Context) []error {
	if team := in.Body.TeamID; team != nil && *team != "" {
		if _, ok := order.ParseID(*team); !ok {
			return []error{newProblem("uuid_parsing", "Input should be the UUID of a team", "body.team_id")}
		}
	}
	return nil
}

// changeLabAccount sets the fields of an account, and refuses values that the partner's adapter or the policy does not
// accept.
func (s *server) changeLabAccount(ctx context.Context, a *store.LabAccount, in *putLabAccountInput, isNew bool) error {
	b, team := in.Body, ""
	if b.TeamID != nil && *b.TeamID != "" {
		t, err := s.Store.Team(ctx, canonicalUUID(*b.TeamID))
		if err != nil {
			return mapNotFound(err, "Team")
		}
		if t.Environment != b.Environment {
			return badRequest("The account has another environment than its team")
		}
		team = t.ID
	}
	if !isNew && (a.TeamID != team || a.Partner != b.Partner || a.Environment != b.Environment) {
		return badRequest("An account's team, partner and environment cannot be changed: orders have been placed by them")
	}
	baseURL, err := s.checkBaseURL(a.BaseURL, b.BaseURL)
	if err != nil {
		return err
	}
	a.TeamID, a.Partner, a.Environment, a.LabSlug, a.BaseURL, a.Status = team, b.Partner, b.Environment, b.LabSlug,
		baseURL, b.Status
	silentBefore := isNew || isSilent(a.Policy)
	a.Spacing, a.Settings = time.Duration(b.SpacingMS)*time.Millisecond, b.Settings
	a.Policy = accountPolicy(b.Policy, b.Environment, silentBefore)
	profile, err := store.ParseAccountProfile(b.Profile)
	if err != nil {
		return badRequest("The profile is not valid: " + err.Error())
	}
	a.Profile = profile
	rotateCredentials(a, b.User, b.Token)
	if b.EndRotation {
		a.PreviousUser, a.PreviousToken = "", ""
	}
	policy, err := order.ResolvePolicy(a.Policy)
	if err != nil {
		return badRequest("The policy is not valid: " + innermostError(err).Error())
	}
	if policy.Silent && a.Environment != store.Sandbox {
		return badRequest("The policy is not valid: only accounts of the sandbox can be silent")
	}
	return s.checkLabAccount(*a)
}

// checkBaseURL returns a base URL as it is stored. It has to be one that an endpoint may have, except that
// Deps.PartnerGuard decides which addresses are allowed. The current one is not checked, so that an account whose URL
// was allowed when it was made can be changed.
func (s *server) checkBaseURL(current, wanted string) (string, error) {
	if wanted == current {
		return wanted, nil
	}
	normalized, err := s.PartnerGuard.NormalizeURL(wanted)
	var badURL *webhooks.URLError
	var badAddress *webhooks.RefusedAddressError
	switch {
	case errors.As(err, &badURL):
		return "", badRequest("base_url " + badURL.Reason)
	case errors.As(err, &badAddress):
		return "", badRequest("base_url has an address that is not public; ALIQUOT_PARTNER_NETWORKS allows others")
	}
	return normalized, err
}

// rotateCredentials sets new credentials of an account; an empty one does not change. The partner may use the previous
// ones until operations end the rotation.
func rotateCredentials(a *store.LabAccount, user, token string) {
	if user == "" {
		user = a.User
	}
	if token == "" {
		token = a.Token
	}
	sameUser := subtle.ConstantTimeCompare([]byte(user), []byte(a.User)) == 1
	if sameToken := subtle.ConstantTimeCompare([]byte(token), []byte(a.Token)) == 1; sameUser && sameToken {
		return
	}
	a.PreviousUser, a.PreviousToken = a.User, a.Token
	a.User, a.Token = user, token
}

func opsLabAccount(a store.LabAccount) OpsLabAccount {
	out := OpsLabAccount{
		ID: a.ID, TeamID: a.TeamID, LabSlug: a.LabSlug, Partner: a.Partner, Environment: a.Environment,
		BaseURL: a.BaseURL, SpacingMS: a.Spacing.Milliseconds(), Settings: a.Settings, Policy: a.Policy, Status: a.Status,
		WebhookPath: "/webhooks/labs/" + a.Partner, Rotating: a.PreviousToken != "", CreatedAt: a.CreatedAt,
	}
	if profile, err := json.Marshal(a.Profile); err == nil {
		out.Profile = profile
	}
	if len(out.Settings) == 0 {
		out.Settings = json.RawMessage("{}")
	}
	if len(out.Policy) == 0 {
		out.Policy = json.RawMessage("{}")
	}
	return out
}
