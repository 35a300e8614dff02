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

// What an order set is made of: lab tests, and markers à la carte. What is more than one lab test is made one
// (client-api#8-orders).

// resolvedSet is what is ordered together.
type resolvedSet struct {
	lab   order.Lab
	tests []order.LabTest
	added []order.Marker
}

// resolveLabTest is what the request is for: the one lab test, or one that the server makes of several and of markers.
func (s *server) resolveLabTest(ctx context.Context, teamID string, ch selectionRequest) (order.LabTest, error) {
	if ch.addOn() != nil && ch.method == nil {
		return order.LabTest{}, badRequest("collection_method is required with add_on")
	}
	what, err := s.resolveSet(ctx, teamID, ch)
	if err != nil {
		return order.LabTest{}, err
	}
	method, err := what.collectionMethod(ch)
	if err != nil {
		return order.LabTest{}, err
	}
	if len(what.tests) == 1 && len(what.added) == 0 {
		test := what.tests[0]
		test.Method = method
		return test, nil
	}
	return what.combine(teamID, method)
}

// resolveSet finds what is ordered together, of one lab.
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

// addMarkers adds markers à la carte, of the lab of the tests or of the account that is named.
func (s *server) addMarkers(ctx context.Context, to *resolvedSet, add AddOnOrder, ch selectionRequest) error {
	if (len(add.MarkerIDs) > 0) == (len(add.ProviderIDs) > 0) {
		return badRequest("add_on takes either marker_ids or provider_ids")
	}
	slug := to.lab.Slug
	if slug == "" && ch.accountID() != "" {
		account, err := s.Store.LabAccount(ctx, ch.accountID())
		if err == nil {
			slug = account.LabSlug // that it is not the team's is found when it is chosen
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

// labByID is the laboratory with an id, which something that is there refers to.
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

// collectionMethod is how the sample is collected: as the request says, else as all of the tests do.
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

// combine is one lab test made of the set. The same set of a team makes the same test.
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

// storeCombinedTest keeps a lab test that was made for an order, so that it can be looked up.
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

// testIDs are the ids of the lab tests that a request names, each once, in the request's order.
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

// addOn are the markers à la carte that a request names; nil: none.
func (ch selectionRequest) addOn() *AddOnOrder {
	if ch.orderSet == nil {
		return nil
	}
	return ch.orderSet.AddOn
}
