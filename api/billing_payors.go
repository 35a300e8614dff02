package api

import (
	"context"
	"crypto/rand"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"github.com/aliquot-labs/aliquot/internal/billing"
)

// Sources of payors.
const (
	sourcePlatform = "platform" // the reference of payors, which all teams see
	sourceTeam     = "team"     // added by the team; no other team sees it
)

// maxPayors is the largest number of payors that a search returns.
const maxPayors = 100

// ClientFacingPayor is an insurer or a public programme.
type ClientFacingPayor struct {
	PayorCode  string   `json:"payor_code"`
	Name       string   `json:"name"`
	Aliases    []string `json:"aliases" nullable:"false"`
	OrgAddress Address  `json:"org_address"`
	Source     string   `json:"source" enum:"platform,team"`
}

// ClientFacingPayorSearchResponseDeprecated is a payor in the answer of the deprecated search.
type ClientFacingPayorSearchResponseDeprecated struct {
	Code       string   `json:"code"`
	Name       string   `json:"name"`
	Aliases    []string `json:"aliases" nullable:"false"`
	OrgAddress Address  `json:"org_address"`
	Source     string   `json:"source" enum:"platform,team"`
}

// CreatePayorBody is a payor that the team adds.
type CreatePayorBody struct {
	Name    string  `json:"name" minLength:"1" maxLength:"200"`
	Address Address `json:"address"`

	Provider *string `json:"provider,omitempty" enum:"change_healthcare,availity,stedi,waystar,claim_md,apero,pverify"`

	ProviderPayorID *string `json:"provider_payor_id,omitempty" minLength:"1" maxLength:"100" doc:"Its id there."`
}

type createPayorInput struct {
	Body CreatePayorBody
}

// Resolve checks what a schema cannot say.
func (in *createPayorInput) Resolve(huma.Context) []error {
	switch b := in.Body; {
	case b.Provider != nil && b.ProviderPayorID == nil:
		return []error{missingProblem("body.provider_payor_id")}
	case b.Provider == nil && b.ProviderPayorID != nil:
		return []error{missingProblem("body.provider")}
	}
	return nil
}

type searchPayorInput struct {
	InsuranceName   string `query:"insurance_name" maxLength:"200" doc:"A part of a name of the payor, in any case."`
	Provider        string `query:"provider" enum:"change_healthcare,availity,stedi,waystar,claim_md,apero,pverify"`
	ProviderPayorID string `query:"provider_payor_id" maxLength:"100"`
}

type searchPayorDeprecatedInput struct {
	Body struct {
		InsuranceName *string `json:"insurance_name,omitempty" maxLength:"200"`

		Provider *string `json:"provider,omitempty" enum:"change_healthcare,availity,stedi,waystar,claim_md,apero,pverify"`

		ProviderID *string `json:"provider_id,omitempty" maxLength:"100"`
	}
}

func (s *server) payorRoutes() {
	op := huma.Operation{
		OperationID: "search-payors", Method: http.MethodGet, Path: "/v3/insurance/search/payor",
		Tags:        []string{tagInsurance},
		Summary:     "Search payors",
		Description: "Payors have to match all parameters. Returns at most 100, the team's own ones first.",
	}
	registerOperation(s, scopeOwnRead, op, s.searchPayors)
	op.OperationID, op.Method, op.Deprecated = "search-payors-deprecated", http.MethodPost, true
	registerOperation(s, scopeOwnRead, op, s.searchPayorsDeprecated)
	registerOperation(s, scopeOwnChange, huma.Operation{
		OperationID: "create-payor", Method: http.MethodPost, Path: "/v3/payor", Tags: []string{tagInsurance},
		Summary: "Add a payor that only this team sees",
	}, s.createPayor)
}

func (s *server) createPayor(ctx context.Context, in *createPayorInput) (*body[ClientFacingPayor], error) {
	team, a := callerOf(ctx).team.ID, in.Body.Address.normalise()
	p := billing.Payor{
		Code: "T" + rand.Text()[:11], Name: in.Body.Name,
		Address: billing.Address{
			FirstLine: a.FirstLine, SecondLine: a.SecondLine, City: a.City, State: a.State, Zip: a.Zip, Country: a.Country,
		},
	}
	if in.Body.Provider != nil {
		p.ProviderIDs = map[string]string{*in.Body.Provider: *in.Body.ProviderPayorID}
	}
	if err := s.Store.AddPayor(ctx, team, p); err != nil {
		return nil, err
	}
	s.appendChangeAudit(ctx, "payor.create", team, "", "payor="+p.Code)
	return newAnswer(clientFacingPayor(p, sourceTeam)), nil
}

func (s *server) searchPayors(ctx context.Context, in *searchPayorInput) (*body[[]ClientFacingPayor], error) {
	found, err := s.searchAllPayors(ctx, billing.PayorQuery{Name: in.InsuranceName, Provider: in.Provider,
		ProviderID: in.ProviderPayorID})
	if err != nil {
		return nil, err
	}
	return newAnswer(found), nil
}

func (s *server) searchPayorsDeprecated(
	ctx context.Context, in *searchPayorDeprecatedInput,
) (*body[[]ClientFacingPayorSearchResponseDeprecated], error) {
	b := in.Body
	found, err := s.searchAllPayors(ctx, billing.PayorQuery{Name: emptyIfNil(b.InsuranceName),
		Provider: emptyIfNil(b.Provider), ProviderID: emptyIfNil(b.ProviderID)})
	if err != nil {
		return nil, err
	}
	return newAnswer(convertAll(found, func(p ClientFacingPayor) ClientFacingPayorSearchResponseDeprecated {
		return ClientFacingPayorSearchResponseDeprecated{
			Code: p.PayorCode, Name: p.Name, Aliases: p.Aliases, OrgAddress: p.OrgAddress, Source: p.Source,
		}
	})), nil
}

// searchAllPayors searches the team's own payors and the reference of payors. The team's own ones come first.
func (s *server) searchAllPayors(ctx context.Context, q billing.PayorQuery) ([]ClientFacingPayor, error) {
	own, err := s.Store.Payors(ctx, callerOf(ctx).team.ID)
	if err != nil {
		return nil, err
	}
	own = slices.DeleteFunc(own, func(p billing.Payor) bool { return !q.Matches(p) })
	billing.SortPayors(own)
	found := []ClientFacingPayor{}
	for _, p := range own {
		found = append(found, clientFacingPayor(p, sourceTeam))
	}
	for _, p := range s.Billing.SearchPayors(q) {
		found = append(found, clientFacingPayor(p, sourcePlatform))
	}
	return found[:min(len(found), maxPayors)], nil
}

// findPayor returns the payor with a code, of the reference or of the team.
func (s *server) findPayor(ctx context.Context, teamID, code string) (billing.Payor, error) {
	if p, ok := s.Billing.PayorByCode(code); ok {
		return p, nil
	}
	own, err := s.Store.Payors(ctx, teamID)
	if err != nil {
		return billing.Payor{}, err
	}
	i := slices.IndexFunc(own, func(p billing.Payor) bool { return p.Code == code })
	if i < 0 {
		return billing.Payor{}, badRequest("Payor does not exist")
	}
	return own[i], nil
}

func clientFacingPayor(p billing.Payor, source string) ClientFacingPayor {
	aliases := p.Aliases
	if aliases == nil {
		aliases = []string{}
	}
	return ClientFacingPayor{PayorCode: p.Code, Name: p.Name, Aliases: aliases, OrgAddress: payorAddress(p),
		Source: source}
}

func payorAddress(p billing.Payor) Address {
	a := p.Address
	return Address{FirstLine: a.FirstLine, SecondLine: a.SecondLine, City: a.City, State: a.State, Zip: a.Zip,
		Country: a.Country}
}
