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

// GetMarkersResponse is a page of markers.
type GetMarkersResponse struct {
	Markers []junction.ClientFacingMarkerComplete `json:"markers" nullable:"false"`
	Total   int                                   `json:"total"`
	Page    int                                   `json:"page"`
	Size    int                                   `json:"size"`
	Pages   int                                   `json:"pages"`
	Pricing *junction.MarkerPricingResponse       `json:"pricing" doc:"Null without include_pricing."`
}

type markersInput struct {
	PageQuery
	AccountQuery
	LabID           []int  `query:"lab_id,explode" maxItems:"100"`
	LabSlug         string `query:"lab_slug" maxLength:"100" doc:"If given, lab_id is ignored."`
	Name            string `query:"name" maxLength:"255" doc:"A part of the name, in any case, or the lab's code."`
	ALaCarteEnabled bool   `query:"a_la_carte_enabled" doc:"True: only markers that can be ordered à la carte."`
	IncludePricing  bool   `query:"include_pricing"`
}

type labTestMarkersInput struct {
	LabTestPath
	AccountQuery
	PageQuery
}

type orderSetMarkersInput struct {
	PageQuery
	Body OrderSetRequest
}

// labMarkerInput has the lab's id at the position of the path where other routes have the id of a lab test. The router
// needs the same parameter name for both.
type labMarkerInput struct {
	AccountQuery
	LabID      int    `path:"lab_test_id" doc:"The lab's id."`
	ProviderID string `path:"provider_id" maxLength:"255" doc:"The lab's code of the marker."`
}

func (s *server) markerRoutes() {
	op := huma.Operation{
		OperationID: "list-markers", Method: http.MethodGet, Path: "/v3/lab_tests/markers", Tags: []string{tagLabTests},
		Summary: "List the markers of the lab tests that can be ordered", Errors: []int{http.StatusNotFound},
	}
	registerOperation(s, scopeOwnRead, op, s.listMarkers)
	op.OperationID, op.Path, op.Summary = "list-lab-test-markers", "/v3/lab_tests/{lab_test_id}/markers",
		"List the markers of a lab test"
	registerOperation(s, scopeOwnRead, op, s.labTestMarkers)
	op.OperationID, op.Path, op.Summary = "get-lab-marker", "/v3/lab_tests/{lab_test_id}/markers/{provider_id}",
		"Read a marker by its lab's code"
	registerOperation(s, scopeOwnRead, op, s.labMarker)
	s.renameParameter("/v3/lab_tests/{lab_test_id}/markers/{provider_id}", "lab_test_id", "lab_id")
	op.OperationID, op.Path, op.Summary = "list-order-set-markers", "/v3/lab_tests/list_order_set_markers",
		"List the markers of an order set"
	op.Method, op.Errors = http.MethodPost, []int{http.StatusBadRequest, http.StatusNotFound}
	registerOperation(s, scopeOwnRead, op, s.orderSetMarkers)
}

func (s *server) listMarkers(ctx context.Context, in *markersInput) (*body[GetMarkersResponse], error) {
	if err := s.checkAccountKnown(ctx, in.LabAccountID); err != nil {
		return nil, err
	}
	all, err := s.orderableMarkers(ctx, func(lab order.Lab) bool {
		if in.LabSlug != "" {
			return lab.Slug == in.LabSlug
		}
		return len(in.LabID) == 0 || slices.Contains(in.LabID, lab.ID)
	})
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all,
		func(m order.Marker) bool { return in.ALaCarteEnabled && !m.ALaCarte || !markerMatches(m, in.Name) })
	out := markerPage(all, in.PageQuery)
	if in.IncludePricing {
		out.Pricing = junction.MarkerPricing(in.slice(all))
	}
	return newAnswer(out), nil
}

// markerMatches reports whether the text is a part of the marker's name, or the lab's code of it.
func markerMatches(m order.Marker, text string) bool {
	return strings.Contains(strings.ToLower(m.Name), strings.ToLower(text)) || m.ProviderID != nil && *m.ProviderID == text
}

// orderableMarkers lists the markers of some labs that can be ordered, sorted by id: those of the catalogue, and those
// that only active lab tests have.
func (s *server) orderableMarkers(ctx context.Context, of func(order.Lab) bool) ([]order.Marker, error) {
	all, err := s.catalogueMarkers(ctx, of)
	if err != nil {
		return nil, err
	}
	tests, err := s.Store.LabTests(ctx, callerOf(ctx).team.ID, store.LabTestsByCreation)
	if err != nil {
		return nil, err
	}
	for _, t := range tests {
		if t.Lab != nil && t.Status == statusActive && of(*t.Lab) {
			all = append(all, markersWithLab(t)...)
		}
	}
	return slices.DeleteFunc(distinctByID(all), func(m order.Marker) bool { return !m.Orderable() }), nil
}

// catalogueMarkers lists the catalogue's markers of some labs, sorted by id, also those that cannot be ordered.
func (s *server) catalogueMarkers(ctx context.Context, of func(order.Lab) bool) ([]order.Marker, error) {
	all, err := s.Store.Markers(ctx)
	if err != nil {
		return nil, err
	}
	known, err := s.Store.Labs(ctx)
	if err != nil {
		return nil, err
	}
	wanted := map[int]bool{}
	for _, l := range known {
		wanted[l.ID] = of(l)
	}
	return slices.DeleteFunc(all, func(m order.Marker) bool { return !wanted[*m.LabID] }), nil
}

// markersWithLab returns the markers of a lab test, each with its lab's id.
func markersWithLab(t order.LabTest) []order.Marker {
	markers := slices.Clone(t.Markers)
	for i := range markers {
		if markers[i].LabID == nil && t.Lab != nil {
			markers[i].LabID = &t.Lab.ID
		}
	}
	return markers
}

// distinctByID sorts markers by id and keeps the first of those with the same id.
func distinctByID(markers []order.Marker) []order.Marker {
	slices.SortStableFunc(markers, func(a, b order.Marker) int { return cmp.Compare(a.ID, b.ID) })
	return slices.CompactFunc(markers, func(a, b order.Marker) bool { return a.ID == b.ID })
}

func markerPage(all []order.Marker, q PageQuery) GetMarkersResponse {
	return GetMarkersResponse{
		Markers: convertAll(q.slice(all), junction.FromMarkerComplete),
		Total:   len(all), Page: q.Page, Size: q.Size, Pages: (len(all) + q.Size - 1) / q.Size,
	}
}

// slice returns the markers of the page.
func (q PageQuery) slice(all []order.Marker) []order.Marker {
	from := min((q.Page-1)*q.Size, len(all))
	return all[from:min(from+q.Size, len(all))]
}

func (s *server) labTestMarkers(ctx context.Context, in *labTestMarkersInput) (*body[GetMarkersResponse], error) {
	if err := s.checkAccountKnown(ctx, in.LabAccountID); err != nil {
		return nil, err
	}
	t, err := s.Store.LabTest(ctx, callerOf(ctx).team.ID, canonicalUUID(in.LabTestID))
	if err != nil {
		return nil, mapNotFound(err, "Lab test")
	}
	return newAnswer(markerPage(distinctByID(markersWithLab(t)), in.PageQuery)), nil
}

func (s *server) orderSetMarkers(ctx context.Context, in *orderSetMarkersInput) (*body[GetMarkersResponse], error) {
	set, err := s.resolveSet(ctx, callerOf(ctx).team.ID, selectionRequest{orderSet: &in.Body})
	if err != nil {
		return nil, err
	}
	var all []order.Marker
	for _, t := range set.tests {
		all = append(all, markersWithLab(t)...)
	}
	return newAnswer(markerPage(distinctByID(append(all, set.added...)), in.PageQuery)), nil
}

func (s *server) labMarker(ctx context.Context, in *labMarkerInput) (*body[junction.ClientFacingMarker], error) {
	if err := s.checkAccountKnown(ctx, in.LabAccountID); err != nil {
		return nil, err
	}
	all, err := s.orderableMarkers(ctx, func(lab order.Lab) bool { return lab.ID == in.LabID })
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(all, func(m order.Marker) bool { return m.ProviderID != nil && *m.ProviderID == in.ProviderID })
	if i < 0 {
		return nil, notFoundError("Marker")
	}
	return newAnswer(junction.FromMarker(all[i])), nil
}
