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

// set is what is ordered together.
type set struct {
	lab   order.Lab
	tests []order.LabTest
	added []order.Marker
}

// orderedTest is what the request is for: the one lab test, or one that the server makes of several and of markers.
func (s *server) orderedTest(ctx context.Context, teamID string, ch choice) (order.LabTest, error) {
	if ch.addOn() != nil && ch.method == nil {
		return order.LabTest{}, refuse("collection_method is required with add_on")
	}
	what, err := s.setOf(ctx, teamID, ch)
	if err != nil {
		return order.LabTest{}, err
	}
	method, err := what.method(ch)
	if err != nil {
		return order.LabTest{}, err
	}
	if len(what.tests) == 1 && len(what.added) == 0 {
		test := what.tests[0]
		test.Method = method
		return test, nil
	}
	return what.combined(teamID, method)
}

// setOf finds what is ordered together, of one lab.
func (s *server) setOf(ctx context.Context, teamID string, ch choice) (set, error) {
	var out set
	for _, id := range ch.testIDs() {
		test, err := s.Store.LabTest(ctx, teamID, id)
		switch {
		case errors.Is(err, store.ErrNotFound):
			return set{}, refuse("Lab test does not exist")
		case err != nil:
			return set{}, err
		case test.Status != statusActive:
			return set{}, refuse("Lab test is not active")
		case len(out.tests) > 0 && slugOfLab(test) != slugOfLab(out.tests[0]):
			return set{}, refuse("The lab tests belong to several labs")
		}
		out.tests = append(out.tests, test)
		if test.Lab != nil {
			out.lab = *test.Lab
		}
	}
	add := ch.addOn()
	if add == nil {
		if len(out.tests) == 0 {
			return set{}, refuse("A lab test is required")
		}
		return out, nil
	}
	return out, s.addOn(ctx, &out, *add, ch)
}

func slugOfLab(t order.LabTest) string {
	if t.Lab == nil {
		return ""
	}
	return t.Lab.Slug
}

// addOn adds markers à la carte, of the lab of the tests or of the account that is named.
func (s *server) addOn(ctx context.Context, to *set, add AddOnOrder, ch choice) error {
	if (len(add.MarkerIDs) > 0) == (len(add.ProviderIDs) > 0) {
		return refuse("add_on takes either marker_ids or provider_ids")
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
			return refuse("A marker cannot be ordered à la carte: " + m.Name)
		}
	}
	to.added = markers
	if to.lab.Slug != "" {
		return nil
	}
	to.lab, err = s.labWith(ctx, *markers[0].LabID)
	return err
}

// labWith is the laboratory with an id, which something that is there refers to.
func (s *server) labWith(ctx context.Context, id int) (order.Lab, error) {
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

// method is how the sample is collected: as the request says, else as all of the tests do.
func (w set) method(ch choice) (lifecycle.Modality, error) {
	if ch.method == nil {
		first := w.tests[0].Method
		if slices.ContainsFunc(w.tests, func(t order.LabTest) bool { return t.Method != first }) {
			return "", refuse("The lab tests have different collection methods: collection_method is required")
		}
		return first, nil
	}
	method := lifecycle.Modality(*ch.method)
	for _, t := range w.tests {
		if t.Method != method && (ch.registrable || !slices.Contains(w.lab.CollectionMethods, string(method))) {
			return "", refuse("Lab test is not available with the collection method " + string(method))
		}
	}
	return method, nil
}

// combined is one lab test made of the set. The same set of a team makes the same test.
func (w set) combined(teamID string, method lifecycle.Modality) (order.LabTest, error) {
	coded := len(w.added) > 0 || w.tests[0].Coded()
	for _, t := range w.tests {
		if !bytes.Equal(t.Policy, w.tests[0].Policy) || t.Coded() != coded {
			return order.LabTest{}, refuse("These lab tests cannot be ordered together")
		}
	}
	out := order.Combine(w.lab, w.tests, w.added)
	out.Method, out.Status = method, statusActive
	text, err := encode(out)
	if err != nil {
		return order.LabTest{}, err
	}
	id := uuid.NewSHA1(uuid.NameSpaceOID, append([]byte("aliquot lab test "+teamID+" "), text...))
	out.ID, out.Slug = id.String(), "auto-"+id.String()[:8]
	return out, nil
}

// keepMade keeps a lab test that was made for an order, so that it can be looked up.
func (s *server) keepMade(ctx context.Context, teamID string, t order.LabTest) error {
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
func (ch choice) testIDs() []string {
	var ids []string
	add := func(id string) {
		if id = canonical(id); !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	if ch.set != nil {
		for _, id := range ch.set.LabTestIDs {
			add(id)
		}
	}
	if ch.labTestID != nil {
		add(*ch.labTestID)
	}
	return ids
}

// addOn are the markers à la carte that a request names; nil: none.
func (ch choice) addOn() *AddOnOrder {
	if ch.set == nil {
		return nil
	}
	return ch.set.AddOn
}
