package api

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"github.com/aliquot-labs/aliquot/internal/junction"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

// This file creates and changes lab tests that teams define from markers.

const (
	statusPendingApproval = "pending_approval"
	statusInactive        = "inactive"
	defaultSample         = "serum"
)

// CreateLabTestRequest is a lab test of markers of one lab.
type CreateLabTestRequest struct {
	MarkerIDs    []int64  `json:"marker_ids,omitempty" maxItems:"1000" doc:"Give either marker_ids or provider_ids."`
	ProviderIDs  []string `json:"provider_ids,omitempty" maxItems:"1000" maxLength:"255" doc:"The lab's own codes."`
	Name         string   `json:"name" minLength:"1" maxLength:"200"`
	Method       string   `json:"method" enum:"testkit,walk_in_test,at_home_phlebotomy,on_site_collection"`
	Description  string   `json:"description" maxLength:"2000"`
	Fasting      *bool    `json:"fasting,omitempty"`
	LabAccountID *string  `json:"lab_account_id,omitempty" format:"uuid" doc:"Selects the lab of this account."`
	LabSlug      *string  `json:"lab_slug,omitempty" maxLength:"50" doc:"The lab to which provider_ids belong."`
}

// UpdateLabTestRequest changes a lab test. Fields that are absent do not change.
type UpdateLabTestRequest struct {
	Name   *string `json:"name,omitempty" minLength:"1" maxLength:"200"`
	Active *bool   `json:"active,omitempty" doc:"Whether the lab test can be ordered."`
}

type createLabTestInput struct {
	Body CreateLabTestRequest
}

type updateLabTestInput struct {
	LabTestPath
	Body UpdateLabTestRequest
}

func (s *server) labTestChangeRoutes() {
	registerOperation(s, scopeOwnChange, huma.Operation{
		OperationID: "create-lab-test", Method: http.MethodPost, Path: "/v3/lab_tests", Tags: []string{tagLabTests},
		Summary: "Create a lab test of markers, which can be ordered after its approval",
		Errors:  []int{http.StatusBadRequest, http.StatusNotFound},
	}, s.createLabTest)
	registerOperation(s, scopeOwnChange, huma.Operation{
		OperationID: "update-lab-test", Method: http.MethodPatch, Path: "/v3/lab_tests/{lab_test_id}",
		Tags:    []string{tagLabTests},
		Summary: "Rename, deactivate or activate a lab test",
		Errors:  []int{http.StatusBadRequest, http.StatusNotFound},
	}, s.updateLabTest)
}

func (s *server) createLabTest(ctx context.Context,
	in *createLabTestInput) (*body[junction.ClientFacingLabTest], error) {
	b, team := in.Body, callerOf(ctx).team
	slug, err := s.labSlugOfRequest(ctx, b)
	if err != nil {
		return nil, err
	}
	if (len(b.MarkerIDs) > 0) == (len(b.ProviderIDs) > 0) {
		return nil, badRequest("Either marker_ids or provider_ids is required")
	}
	markers, err := s.pickMarkers(ctx, slug, b.MarkerIDs, b.ProviderIDs)
	if err != nil {
		return nil, err
	}
	t, err := s.newLabTestOfMarkers(ctx, markers, lifecycle.Modality(b.Method))
	if err != nil {
		return nil, err
	}
	t.ID, t.Name, t.Description, t.Status = uuid.NewString(), b.Name, b.Description, statusPendingApproval
	t.Slug = t.ID[:8] + "-" + slugify(b.Name)
	t.Fasting = b.Fasting != nil && *b.Fasting
	if err := s.Store.PutLabTest(ctx, team.ID, t); err != nil {
		return nil, err
	}
	s.appendChangeAudit(ctx, "lab_test.create", team.ID, "", "lab_test="+t.ID)
	return newAnswer(junction.FromLabTest(t)), nil
}

// labSlugOfRequest returns the slug of the lab that a request names directly or by an account, or "".
func (s *server) labSlugOfRequest(ctx context.Context, b CreateLabTestRequest) (string, error) {
	slug := ""
	if b.LabSlug != nil {
		slug = *b.LabSlug
	}
	if b.LabAccountID == nil {
		return slug, nil
	}
	if err := s.checkAccountKnown(ctx, *b.LabAccountID); err != nil {
		return "", err
	}
	account, err := s.Store.LabAccount(ctx, canonicalUUID(*b.LabAccountID))
	if err != nil {
		return "", err
	}
	if slug != "" && slug != account.LabSlug {
		return "", badRequest("The lab account belongs to another lab")
	}
	return account.LabSlug, nil
}

// newLabTestOfMarkers returns a lab test of markers, without id, name and status.
func (s *server) newLabTestOfMarkers(ctx context.Context, markers []order.Marker,
	method lifecycle.Modality) (order.LabTest, error) {
	all, err := s.Store.Labs(ctx)
	if err != nil {
		return order.LabTest{}, err
	}
	i := slices.IndexFunc(all, func(l order.Lab) bool { return l.ID == *markers[0].LabID })
	switch {
	case i < 0:
		return order.LabTest{}, errors.New("the lab of a marker is missing")
	case !slices.Contains(all[i].CollectionMethods, string(method)):
		return order.LabTest{}, badRequest("The lab does not collect samples by " + string(method))
	}
	t := order.LabTest{Method: method, Lab: &all[i], Markers: markers, SampleType: markers[0].SampleType}
	if len(all[i].SampleTypes) > 0 {
		t.SampleType = cmp.Or(t.SampleType, all[i].SampleTypes[0])
	}
	t.SampleType = cmp.Or(t.SampleType, defaultSample)
	t.CommonTATDays, t.WorstCaseTATDays = order.TurnaroundOf(markers)
	return t, nil
}

// pickMarkers returns markers of one lab, by their ids or by the lab's codes. Without a slug it looks in all labs.
func (s *server) pickMarkers(ctx context.Context, slug string, ids []int64, codes []string) ([]order.Marker, error) {
	all, err := s.orderableMarkers(ctx, func(l order.Lab) bool { return slug == "" || l.Slug == slug })
	if err != nil {
		return nil, err
	}
	var found []order.Marker
	for _, id := range ids {
		i := slices.IndexFunc(all, func(m order.Marker) bool { return m.ID == id })
		if i < 0 {
			return nil, badRequest("A marker does not exist, or cannot be ordered")
		}
		found = append(found, all[i])
	}
	if len(codes) > 0 {
		if found, err = markersByLabCode(all, codes); err != nil {
			return nil, err
		}
	}
	found = distinctByID(found)
	for _, m := range found {
		if m.LabID == nil || *m.LabID != *found[0].LabID {
			return nil, badRequest("The markers belong to several labs")
		}
	}
	return found, nil
}

// markersByLabCode returns the markers with a lab's codes. It refuses codes that several labs have, because it cannot
// know which lab is meant.
func markersByLabCode(all []order.Marker, codes []string) ([]order.Marker, error) {
	byLab := map[int][]order.Marker{}
	for _, code := range codes {
		for _, m := range all {
			if m.ProviderID != nil && *m.ProviderID == code && m.LabID != nil {
				byLab[*m.LabID] = append(byLab[*m.LabID], m)
			}
		}
	}
	var found []order.Marker
	for _, markers := range byLab {
		if len(markers) < len(codes) {
			continue
		}
		if found != nil {
			return nil, badRequest("Several labs have markers with these provider_ids: say which lab is meant")
		}
		found = markers
	}
	if found == nil {
		return nil, badRequest("No lab has all markers with these provider_ids")
	}
	return found, nil
}

// slugify turns a name into a part of a URL: lower-case words of letters and digits, joined by hyphens.
func slugify(name string) string {
	words := strings.FieldsFunc(strings.ToLower(name),
		func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') })
	return strings.Join(words, "-")
}

func (s *server) updateLabTest(ctx context.Context,
	in *updateLabTestInput) (*body[junction.ClientFacingLabTest], error) {
	team := callerOf(ctx).team.ID
	t, err := s.Store.ChangeLabTest(ctx, team, canonicalUUID(in.LabTestID), func(t *order.LabTest) error {
		if in.Body.Name != nil {
			t.Name = *in.Body.Name
		}
		if in.Body.Active != nil {
			return setActive(t, *in.Body.Active)
		}
		return nil
	})
	if errors.Is(err, store.ErrConflict) {
		return nil, badRequest("The lab test is offered to all teams, and cannot be changed by one")
	}
	if err != nil {
		return nil, mapNotFound(err, "Lab test")
	}
	s.appendChangeAudit(ctx, "lab_test.update", team, "", "lab_test="+t.ID+" status="+t.Status)
	return newAnswer(junction.FromLabTest(t)), nil
}

// setActive restores or archives a lab test. One that was archived before its approval awaits the approval again when
// it is restored.
func setActive(t *order.LabTest, active bool) error {
	switch {
	case t.AutoGenerated:
		return badRequest("The lab test was generated for an order set and cannot be changed")
	case active && t.Status == statusPendingApproval:
		return badRequest("The lab test awaits its approval")
	case active && t.Unapproved:
		t.Status, t.Unapproved = statusPendingApproval, false
	case active:
		t.Status = statusActive
	case t.Status != statusInactive:
		t.Unapproved = t.Status == statusPendingApproval
		t.Status = statusInactive
	}
	return nil
}

func (s *server) opsApproveLabTest(ctx context.Context, in *LabTestPath) (*body[junction.ClientFacingLabTest], error) {
	t, err := s.Store.ChangeLabTest(ctx, "", canonicalUUID(in.LabTestID), func(t *order.LabTest) error {
		if t.Status != statusPendingApproval {
			return badRequest("The lab test does not await an approval")
		}
		t.Status = statusActive
		return nil
	})
	if err != nil {
		return nil, mapNotFound(err, "Lab test")
	}
	s.appendChangeAudit(ctx, "lab_test.approve", "", "", "lab_test="+t.ID)
	return newAnswer(junction.FromLabTest(t)), nil
}
