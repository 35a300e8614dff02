package api

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/aliquot-labs/aliquot/internal/junction"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

// LabTestFilter selects lab tests. It is exported because huma ignores unexported fields.
type LabTestFilter struct {
	GenerationMethod string   `query:"generation_method" enum:"auto,manual,all" default:"manual"`
	LabSlug          string   `query:"lab_slug" maxLength:"100"`
	CollectionMethod string   `query:"collection_method" enum:"testkit,walk_in_test,at_home_phlebotomy,on_site_collection"`
	Status           string   `query:"status" enum:"active,pending_approval,inactive"`
	MarkerIDs        []int64  `query:"marker_ids,explode" maxItems:"1000" doc:"Lab tests with all of these markers."`
	ProviderIDs      []string `query:"provider_ids,explode" maxItems:"1000" maxLength:"255" doc:"The labs' own codes."`
	Name             string   `query:"name" maxLength:"255" doc:"A part of the name, in any case."`
	OrderKey         string   `query:"order_key" enum:"price,created_at,updated_at" default:"created_at"`
	OrderDirection   string   `query:"order_direction" enum:"asc,desc" default:"asc"`
}

type labTestsInput struct {
	LabTestFilter
}

type labTestPageInput struct {
	LabTestFilter
	AccountQuery
	Limit          int    `query:"lab_test_limit" minimum:"1" default:"50" doc:"At most 100 are returned."`
	NextCursor     string `query:"next_cursor" format:"uuid"`
	IncludePricing bool   `query:"include_pricing"`
}

// AccountQuery names a lab account. It must be known to the team, and does not change the answer.
type AccountQuery struct {
	LabAccountID string `query:"lab_account_id" format:"uuid" doc:"The answer is the same for all accounts."`
}

// LabTestPath names a lab test.
type LabTestPath struct {
	LabTestID string `path:"lab_test_id" format:"uuid"`
}

type labTestInput struct {
	LabTestPath
	AccountQuery
}

// LabTestResourcesResponse is a page of lab tests.
type LabTestResourcesResponse struct {
	Data       []junction.ClientFacingLabTest      `json:"data" nullable:"false"`
	NextCursor *string                             `json:"next_cursor" doc:"Null on the last page."`
	Pricing    *junction.GetLabTestPricingResponse `json:"pricing" doc:"Null without include_pricing."`
}

const maxLabTests = 100

func (s *server) labTestRoutes() {
	registerOperation(s, scopeOwnRead, huma.Operation{
		OperationID: "page-lab-tests", Method: http.MethodGet, Path: "/v3/lab_test", Tags: []string{tagLabTests},
		Summary: "List the lab tests that can be ordered, in pages", Errors: []int{http.StatusNotFound},
	}, s.pageLabTests)
	registerOperation(s, scopeOwnRead, huma.Operation{
		OperationID: "list-lab-tests", Method: http.MethodGet, Path: "/v3/lab_tests", Tags: []string{tagLabTests},
		Summary: "List the lab tests that can be ordered", Deprecated: true,
	}, s.listLabTests)
	registerOperation(s, scopeOwnRead, huma.Operation{
		OperationID: "get-lab-test", Method: http.MethodGet, Path: "/v3/lab_tests/{lab_test_id}",
		Tags: []string{tagLabTests}, Summary: "Read a lab test", Errors: []int{http.StatusNotFound},
	}, s.getLabTest)
	registerOperation(s, scopeOwnRead, huma.Operation{
		OperationID: "list-labs", Method: http.MethodGet, Path: "/v3/lab_tests/labs", Tags: []string{tagLabTests},
		Summary: "List the laboratories",
	}, s.listLabs)
	s.labTestChangeRoutes()
	s.markerRoutes()
}

func (s *server) pageLabTests(ctx context.Context, in *labTestPageInput) (*body[LabTestResourcesResponse], error) {
	if err := s.checkAccountKnown(ctx, in.LabAccountID); err != nil {
		return nil, err
	}
	all, err := s.sortedLabTests(ctx, in.LabTestFilter)
	if err != nil {
		return nil, err
	}
	after := canonicalUUID(in.NextCursor)
	all = all[1+slices.IndexFunc(all, func(t order.LabTest) bool { return t.ID == after }):]
	page, out := in.filter(all), LabTestResourcesResponse{}
	if limit := min(in.Limit, maxLabTests); len(page) > limit {
		page = page[:limit]
		out.NextCursor = &page[limit-1].ID
	}
	out.Data = convertAll(page, junction.FromLabTest)
	if in.IncludePricing {
		out.Pricing = junction.LabTestPricing(page)
	}
	return newAnswer(out), nil
}

func (s *server) listLabTests(ctx context.Context, in *labTestsInput) (*body[[]junction.ClientFacingLabTest], error) {
	all, err := s.sortedLabTests(ctx, in.LabTestFilter)
	if err != nil {
		return nil, err
	}
	return newAnswer(convertAll(in.filter(all), junction.FromLabTest)), nil
}

// sortedLabTests returns all lab tests that the team may see, sorted as the filter says.
func (s *server) sortedLabTests(ctx context.Context, f LabTestFilter) ([]order.LabTest, error) {
	by := store.LabTestsByCreation
	if f.OrderKey == string(store.LabTestsByChange) {
		by = store.LabTestsByChange
	}
	all, err := s.Store.LabTests(ctx, callerOf(ctx).team.ID, by)
	if err != nil {
		return nil, err
	}
	if f.OrderKey == "price" {
		slices.SortStableFunc(all, func(a, b order.LabTest) int { return cmp.Compare(a.Price, b.Price) })
	}
	if f.OrderDirection == "desc" {
		slices.Reverse(all)
	}
	return all, nil
}

func (f LabTestFilter) filter(all []order.LabTest) []order.LabTest {
	return slices.DeleteFunc(all, func(t order.LabTest) bool { return !f.matches(t) })
}

func (f LabTestFilter) matches(t order.LabTest) bool {
	slug := ""
	if t.Lab != nil {
		slug = t.Lab.Slug
	}
	return (f.GenerationMethod == "all" || t.AutoGenerated == (f.GenerationMethod == "auto")) &&
		(f.LabSlug == "" || f.LabSlug == slug) &&
		(f.CollectionMethod == "" || f.CollectionMethod == string(t.Method)) &&
		(f.Status == "" || f.Status == t.Status) &&
		strings.Contains(strings.ToLower(t.Name), strings.ToLower(f.Name)) &&
		f.matchesMarkers(t.Markers)
}

func (f LabTestFilter) matchesMarkers(markers []order.Marker) bool {
	for _, id := range f.MarkerIDs {
		if !slices.ContainsFunc(markers, func(m order.Marker) bool { return m.ID == id }) {
			return false
		}
	}
	for _, id := range f.ProviderIDs {
		if !slices.ContainsFunc(markers, func(m order.Marker) bool { return m.ProviderID != nil && *m.ProviderID == id }) {
			return false
		}
	}
	return true
}

func (s *server) getLabTest(ctx context.Context, in *labTestInput) (*body[junction.ClientFacingLabTest], error) {
	if err := s.checkAccountKnown(ctx, in.LabAccountID); err != nil {
		return nil, err
	}
	t, err := s.Store.LabTest(ctx, callerOf(ctx).team.ID, canonicalUUID(in.LabTestID))
	if err != nil {
		return nil, mapNotFound(err, "Lab test")
	}
	return newAnswer(junction.FromLabTest(t)), nil
}

// checkAccountKnown answers 404 for a lab account that the team cannot use. An empty id is allowed.
func (s *server) checkAccountKnown(ctx context.Context, id string) error {
	if id == "" {
		return nil
	}
	accounts, err := s.Store.LabAccounts(ctx, callerOf(ctx).team.ID)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(accounts, func(a store.LabAccount) bool { return a.ID == canonicalUUID(id) }) {
		return notFoundError("Lab account")
	}
	return nil
}

func (s *server) listLabs(ctx context.Context, _ *struct{}) (*body[[]junction.ClientFacingLab], error) {
	all, err := s.Store.Labs(ctx)
	if err != nil {
		return nil, err
	}
	return newAnswer(convertAll(all, junction.FromLab)), nil
}
