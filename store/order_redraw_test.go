package store

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/webhooks"
)

// reportWithMissingMarkers returns a lab report that lacks markers, some of them because of an error of the lab.
func reportWithMissingMarkers() order.LabReport {
	r := newReport("4.5")
	r.Missing = []order.MissingMarker{
		{Name: "HDL", Slug: "hdl-lab", FailureType: "internal_lab_failure", ProviderID: new("011817")},
		{Name: "Triglycerides", Slug: "triglycerides", FailureType: "quantity_not_sufficient_failure",
			ProviderID: new("001172")},
		{Name: "Lp(a)", Slug: "lipoprotein-a", FailureType: "order_entry_failure"},
	}
	return r
}

// setPanelOrder makes the order a walk-in order of four markers.
func setPanelOrder(o *order.Order) {
	setModality(lifecycle.WalkIn)(o)
	o.LabTest.Markers = []order.Marker{
		{ID: 1, Name: "LDL", Slug: "ldl"},
		{ID: 2, Name: "HDL Cholesterol", Slug: "hdl", ProviderID: new("011817")},
		{ID: 3, Name: "Triglycerides", Slug: "triglycerides", ProviderID: new("001172")},
		{ID: 4, Name: "Lipoprotein (a)", Slug: "lipoprotein-a"},
	}
}

// recordRedraw records final results that lack markers because of an error of the lab.
func recordRedraw(t *testing.T, s *Store, o *order.Order) RecordResult {
	t.Helper()
	v, _, err := s.StoreLabReport(t.Context(), o.ID, 1, reportWithMissingMarkers(), sha256Hex("faulty"), nil, nil)
	require.NoError(t, err)
	out, err := recordUntil(t, s, order.Recording{OrderID: o.ID, Cause: order.CauseCall("fetch"), ResultID: v.ID},
		func(st order.State) order.Decision {
			d := decisionWithSteps(st, s.now(), lifecycle.RequisitionCreated, lifecycle.RedrawAvailable)
			d.CreateRedraw = true
			return d
		})
	require.NoError(t, err)
	return out
}

func TestARedrawIsANewOrderOfTheMissingMarkers(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		forward := stopClock(s)
		team := addTeam(t, s).ID
		endpoint := addEndpoint(t, s, team)
		o := addOrderOf(t, s, team, setPanelOrder)
		recordAppointment(t, s, o.ID, "", order.AppointmentStep{Appointment: newBooking(s, o), First: true})
		forward(time.Hour)
		out := recordRedraw(t, s, o)
		require.NotEmpty(t, out.ReplacementID)
		require.Equal(t, []string{endpoint}, out.EndpointsToNudge)

		parent, child := getOrder(t, s, o.ID), getOrder(t, s, out.ReplacementID)
		require.Equal(t, lifecycle.RedrawAvailable, parent.Status)
		require.True(t, parent.Results.HasMissing)
		require.Equal(t, parent.Transaction, child.Transaction)
		require.Equal(t, order.TransactionActive, child.Transaction.Status)

		want := *parent
		want.ID, want.Number, want.ModalityPartID = child.ID, child.Number, child.ModalityPartID
		want.ParentID, want.Origin, want.Status = o.ID, order.OriginRedraw, lifecycle.Ordered
		want.LabTest.Markers = []order.Marker{o.LabTest.Markers[1], o.LabTest.Markers[3]}
		want.Sequence, want.Revision, want.CreatedAt, want.UpdatedAt, want.Results = 1, 1, s.now(), s.now(), nil
		want.Events = []order.Event{{
			Sequence: 1, Status: "received.walk_in_test.ordered", Cause: "parent:" + o.ID, OccurredAt: s.now(),
			RecordedAt: s.now(),
		}}
		want.State = child.State
		require.Equal(t, &want, child)
		require.NotEqual(t, o.Number, child.Number)
		require.True(t, child.State.IsRedraw)
		require.Nil(t, child.State.Appointment)
		require.Equal(t, order.PlacementStarted, child.State.Placement.State, "it is placed at once")

		// At the first of the two events the new order did not exist yet.
		bodies := dueBodies(t, s, endpoint, o.ID)
		transaction := func(sequence int64) []any {
			orders, ok := jsonPath(t, bodies[sequence], "data", "order_transaction", "orders").([]any)
			require.True(t, ok)
			return orders
		}
		require.Len(t, transaction(2), 1)
		require.Len(t, transaction(3), 2)
		requireMessageOf(t, bodies[3], webhooks.OrderUpdated, parent)
		created := messagesDue(t, s, endpoint, child.ID, webhooks.OrderCreated)
		require.Len(t, created, 1)
		requireMessageOf(t, created[0], webhooks.OrderCreated, child)

		// Another request for the redraw returns the same order.
		again, err := recordUntil(t, s, order.Recording{OrderID: o.ID, Cause: order.CauseCall("again")},
			func(st order.State) order.Decision {
				return order.Decision{Outcome: order.OutcomeApplied, From: st.Status, Next: st, CreateRedraw: true}
			})
		require.NoError(t, err)
		require.Equal(t, child.ID, again.ReplacementID)
		require.Len(t, getOrder(t, s, o.ID).Transaction.Orders, 2)
	})
}

func TestARedrawWithoutResultsIsRefused(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		o := addOrder(t, s, setPanelOrder)
		st, before := state(t, s, o.ID), rowCounts(t, s)
		d := decisionWithSteps(st, s.now(), lifecycle.RedrawAvailable)
		d.CreateRedraw = true
		_, err := s.Record(t.Context(), order.Recording{OrderID: o.ID, Revision: st.Revision, Cause: "call:x", Decision: d})
		require.ErrorIs(t, err, errNoResult)
		require.NotErrorIs(t, err, ErrNotFound, "the order exists")
		require.Equal(t, before, rowCounts(t, s))
	})
}

func TestMissingMarkersAreFoundInTheTest(t *testing.T) {
	t.Parallel()
	markers := []order.Marker{
		{ID: 1, Slug: "a", ProviderID: new("p1"), LOINC: new("l1")},
		{ID: 2, Slug: "b", ProviderID: new("p2"), LOINC: new("l2")},
		{ID: 3, Slug: "c", ProviderID: new(""), LOINC: new("")},
		{ID: 4, Slug: ""},
		{ID: 5, Slug: "panel", ProviderID: new("p5"), ExpectedResults: []order.ExpectedResult{{Slug: "e"},
			{Slug: "f", LOINC: &order.LOINC{Code: "l6"}}}},
	}
	for name, test := range map[string]struct {
		missing []order.MissingMarker
		want    []order.Marker
	}{
		"by the lab's id first": {[]order.MissingMarker{{Slug: "a", LOINC: new("l1"), ProviderID: new("p2")}},
			markers[1:2]},
		"then by LOINC": {[]order.MissingMarker{{Slug: "a", LOINC: new("l2"), ProviderID: new("p9")}},
			markers[1:2]},
		"then by slug":            {[]order.MissingMarker{{Slug: "a", LOINC: new("l9")}}, markers[:1]},
		"empty codes are no code": {[]order.MissingMarker{{Slug: "c", LOINC: new(""), ProviderID: new("")}}, markers[2:3]},
		"once":                    {[]order.MissingMarker{{Slug: "a"}, {ProviderID: new("p1")}, {Slug: "b"}}, markers[:2]},
		"parts of a panel, which the lab has a code of": {[]order.MissingMarker{{Slug: "e", ProviderID: new("r1")},
			{Slug: "x", LOINC: new("l6")}}, markers[4:]},
		"part of a panel that is not known": {
			[]order.MissingMarker{{Name: "D", Slug: "d", LOINC: new("l9")}},
			[]order.Marker{{Name: "D", Slug: "d", LOINC: new("l9")}},
		},
		"nothing": {nil, nil},
	} {
		require.Equal(t, test.want, missingMarkers(markers, test.missing), name)
	}
}
