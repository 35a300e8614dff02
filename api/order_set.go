package api

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

// This file resolves order sets: lab tests and markers à la carte. A set of more than one lab test is combined into
// one (client-api#8-orders).

// resolvedSet are the lab tests and markers, of one lab, that are ordered together.
type resolvedSet struct {
	lab   order.Lab
	tests []order.LabTest
	added []order.Marker
}

// resolveLabTest returns the lab test of a request: the one that it names, or one that combines several lab tests and
// markers. A combined one is not stored yet.
func (s *server) resolveLabTest(ctx context.Context, teamID string, ch selectionRequest) (order.LabTest, error) {
	if ch.addOn() != nil && ch.method == nil {
		return order.LabTest{}, badRequest("collection_method is required with add_on")
	}
	set, err := s.resolveSet(ctx, teamID, ch)
	if err != nil {
		return order.LabTest{}, err
	}
	method, err := set.collectionMethod(ch)
	if err != nil {
		return order.LabTest{}, err
	}
	if len(set.tests) == 1 && len(set.added) == 0 {
		test := set.tests[0]
		test.Method = method
		return test, nil
	}
	return set.combine(teamID, method)
}

// resolveSet reads the lab tests and markers of a request. It refuses lab tests that are not active, and those of
// several labs.
func (s *server) resolveSet(ctx context.Context, teamID string, ch selectionRequest) (resolvedSet, error) {
	var out resolvedSet
	for _, id := range ch.testIDs() {
		test, err := s.Store.LabTest(ctx, teamID, id)
		switch {
		case errors.Is(err, store.ErrNotFound):
			return resolvedSet{}, badRequest("Lab test does not exist")
		case err != nil:
			return resolvedSet{}, err
		case test.Status != statusActive:
			return resolvedSet{}, badRequest("Lab test is not active")
		case len(out.tests) > 0 && slugOfLab(test) != slugOfLab(out.tests[0]):
			return resolvedSet{}, badRequest("The lab tests belong to several labs")
		}
		out.tests = append(out.tests, test)
		if test.Lab != nil {
			out.lab = *test.Lab
		}
	}
	add := ch.addOn()
	if add == nil {
		if len(out.tests) == 0 {
			return resolvedSet{}, badRequest("A lab test is required")
		}
		return out, nil
	}
	return out, s.addMarkers(ctx, &out, *add, ch)
}

func slugOfLab(t order.LabTest) string {
	if t.Lab == nil {
		return ""
	}
	return t.Lab.Slug
}

// addMarkers adds markers à la carte to a set. They are of the lab of the set's tests, or else of the named account.
func (s *server) addMarkers(ctx context.Context, to *resolvedSet, add AddOnOrder, ch selectionRequest) error {
	if (len(add.MarkerIDs) > 0) == (len(add.ProviderIDs) > 0) {
		return badRequest("add_on takes either marker_ids or provider_ids")
	}
	slug := to.lab.Slug
	if slug == "" && ch.accountID() != "" {
		account, err := s.Store.LabAccount(ctx, ch.accountID())
		if err == nil {
			slug = account.LabSlug // resolveLabAccount refuses an account that is not the team's
		} else if !errors.Is(err, store.ErrNotFound) {
			return err
		}
	}
	markers, err := s.pickMarkers(ctx, slug, add.MarkerIDs, add.ProviderIDs)
	if err != nil {
		return err
	}
	for _, m := range markers {
		if !m.ALaCarte {
			return badRequest("A marker cannot be ordered à la carte: " + m.Name)
		}
	}
	to.added = markers
	if to.lab.Slug != "" {
		return nil
	}
	to.lab, err = s.labByID(ctx, *markers[0].LabID)
	return err
}

// labByID returns the lab with an id. A missing one is an internal error: the id comes from the catalogue.
func (s *server) labByID(ctx context.Context, id int) (order.Lab, error) {
	all, err := s.Store.Labs(ctx)
	if err != nil {
		return order.Lab{}, err
	}
	i := slices.IndexFunc(all, func(l order.Lab) bool { return l.ID == id })
	if i < 0 {
		return order.Lab{}, fmt.Errorf("there is no lab %d", id)
	}
	return all[i], nil
}

// collectionMethod returns the collection method of the request, or else the one that all tests of the set have. It
// refuses a method that a test of the set does not allow.
func (w resolvedSet) collectionMethod(ch selectionRequest) (lifecycle.Modality, error) {
	if ch.method == nil {
		first := w.tests[0].Method
		if slices.ContainsFunc(w.tests, func(t order.LabTest) bool { return t.Method != first }) {
			return "", badRequest("The lab tests have different collection methods: collection_method is required")
		}
		return first, nil
	}
	method := lifecycle.Modality(*ch.method)
	for _, t := range w.tests {
		if t.Method != method && (ch.mustBeRegistrable || !slices.Contains(w.lab.CollectionMethods, string(method))) {
			return "", badRequest("Lab test is not available with the collection method " + string(method))
		}
	}
	return method, nil
}

// combine returns one lab test that combines the set. The same set of a team always gives the same lab test, with the
// same id.
func (w resolvedSet) combine(teamID string, method lifecycle.Modality) (order.LabTest, error) {
	coded := len(w.added) > 0 || w.tests[0].HasMarkerCodes()
	for _, t := range w.tests {
		if !bytes.Equal(t.Policy, w.tests[0].Policy) || t.HasMarkerCodes() != coded {
			return order.LabTest{}, badRequest("These lab tests cannot be ordered together")
		}
	}
	out := order.CombineLabTests(w.lab, w.tests, w.added)
	out.Method, out.Status = method, statusActive
	text, err := encodeJSON(out)
	if err != nil {
		return order.LabTest{}, err
	}
	id := uuid.NewSHA1(uuid.NameSpaceOID, append([]byte("aliquot lab test "+teamID+" "), text...))
	out.ID, out.Slug = id.String(), "auto-"+id.String()[:8]
	return out, nil
}

// storeCombinedTest stores a combined lab test, if it is not stored yet, so that clients can read it. For any other lab
// test it does nothing.
func (s *server) storeCombinedTest(ctx context.Context, teamID string, t order.LabTest) error {
	if !t.AutoGenerated {
		return nil
	}
	_, err := s.Store.LabTest(ctx, teamID, t.ID)
	if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	return s.Store.PutLabTest(ctx, teamID, t)
}

// testIDs returns the ids of the lab tests that a request names, without duplicates, in the request's order.
func (ch selectionRequest) testIDs() []string {
	var ids []string
	add := func(id string) {
		if id = canonicalUUID(id); !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	if ch.orderSet != nil {
		for _, id := range ch.orderSet.LabTestIDs {
			add(id)
		}
	}
	if ch.labTestID != nil {
		add(*ch.labTestID)
	}
	return ids
}

// addOn returns the markers à la carte of a request, or nil.
func (ch selectionRequest) addOn() *AddOnOrder {
	if ch.orderSet == nil {
		return nil
	}
	return ch.orderSet.AddOn
}
