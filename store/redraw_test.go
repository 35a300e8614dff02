package store

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/webhooks"
)

// faulty is a report that misses markers, some of them through the lab's fault.
func faulty() order.Report {
	r := report("4.5")
	r.Missing = []order.Missing{
		{Name: "HDL", Slug: "hdl-lab", FailureType: "internal_lab_failure", ProviderID: new("011817")},
		{Name: "Triglycerides", Slug: "triglycerides", FailureType: "quantity_not_sufficient_failure", ProviderID: new("001172")},
		{Name: "Lp(a)", Slug: "lipoprotein-a", FailureType: "order_entry_failure"},
	}
	return r
}

// panel is a walk-in order of four markers.
func panel(o *order.Order) {
	visit(lifecycle.WalkIn)(o)
	o.LabTest.Markers = []order.Marker{
		{ID: 1, Name: "LDL", Slug: "ldl"},
		{ID: 2, Name: "HDL Cholesterol", Slug: "hdl", ProviderID: new("011817")},
		{ID: 3, Name: "Triglycerides", Slug: "triglycerides", ProviderID: new("001172")},
		{ID: 4, Name: "Lipoprotein (a)", Slug: "lipoprotein-a"},
	}
}

// redrawn records final results that lack markers through the lab's fault.
func redrawn(t *testing.T, s *Store, o *order.Order) Recorded {
	t.Helper()
	v, _, err := s.StoreReport(t.Context(), o.ID, 1, faulty(), digest("faulty"), nil, nil)
	require.NoError(t, err)
	out, err := recordUntil(t, s, order.Recording{OrderID: o.ID, Cause: order.CauseCall("fetch"), ResultID: v.ID}, func(st order.State) order.Decision {
		d := steps(st, s.now(), lifecycle.RequisitionCreated, lifecycle.RedrawAvailable)
		d.Redraw = true
		return d
	})
	require.NoError(t, err)
	return out
}

func TestARedrawIsAFreshOrderForWhatIsMissing(t *testing.T) {
	t.Parallel()
	forEach(t, func(t *testing.T, s *Store) {
		forward := stop(s)
		team := addTeam(t, s).ID
		endpoint := addEndpoint(t, s, team)
		o := addOrderOf(t, s, team, panel)
		appoint(t, s, o.ID, "", order.AppointmentStep{Appointment: booked(s, o), Created: true})
		forward(time.Hour)
		out := redrawn(t, s, o)
		require.NotEmpty(t, out.ChildID)
		require.Equal(t, []string{endpoint}, out.Endpoints)

		parent, child := getOrder(t, s, o.ID), getOrder(t, s, out.ChildID)
		require.Equal(t, lifecycle.RedrawAvailable, parent.Status)
		require.True(t, parent.Results.HasMissing)
		require.Equal(t, parent.Transaction, child.Transaction)
		require.Equal(t, order.TransactionActive, child.Transaction.Status)

		want := *parent
		want.ID, want.Number, want.DetailsID = child.ID, child.Number, child.DetailsID
		want.ParentID, want.Origin, want.Status = o.ID, order.OriginRedraw, lifecycle.Ordered
		want.LabTest.Markers = []order.Marker{o.LabTest.Markers[1], o.LabTest.Markers[3]}
		want.Sequence, want.Revision, want.CreatedAt, want.UpdatedAt, want.Results = 1, 1, s.now(), s.now(), nil
		want.Events = []order.Event{{
			Sequence: 1, Status: "received.walk_in_test.ordered", Cause: "parent:" + o.ID, OccurredAt: s.now(), RecordedAt: s.now(),
		}}
		want.State = child.State
		require.Equal(t, &want, child)
		require.NotEqual(t, o.Number, child.Number)
		require.True(t, child.State.Redraw)
		require.Nil(t, child.State.Appointment)
		require.Equal(t, order.PlacementStarted, child.State.Placement.State, "it is placed at once")

		// The first of the two events came before the new order.
		bodies := bodiesOf(t, s, endpoint, o.ID)
		transaction := func(sequence int64) []any {
			orders, ok := jsonPath(t, bodies[sequence], "data", "order_transaction", "orders").([]any)
			require.True(t, ok)
			return orders
		}
		require.Len(t, transaction(2), 1)
		require.Len(t, transaction(3), 2)
		requireTells(t, bodies[3], webhooks.OrderUpdated, parent)
		created := told(t, s, endpoint, child.ID, webhooks.OrderCreated)
		require.Len(t, created, 1)
		requireTells(t, created[0], webhooks.OrderCreated, child)

		// Whoever asks again gets the same one.
		again, err := recordUntil(t, s, order.Recording{OrderID: o.ID, Cause: order.CauseCall("again")}, func(st order.State) order.Decision {
			return order.Decision{Outcome: order.Applied, From: st.Status, Next: st, Redraw: true}
		})
		require.NoError(t, err)
		require.Equal(t, child.ID, again.ChildID)
		require.Len(t, getOrder(t, s, o.ID).Transaction.Orders, 2)
	})
}

func TestARedrawWithoutResultsIsRefused(t *testing.T) {
	t.Parallel()
	forEach(t, func(t *testing.T, s *Store) {
		o := addOrder(t, s, panel)
		st, before := state(t, s, o.ID), rowCounts(t, s)
		d := steps(st, s.now(), lifecycle.RedrawAvailable)
		d.Redraw = true
		_, err := s.Record(t.Context(), order.Recording{OrderID: o.ID, Revision: st.Revision, Cause: "call:x", Decision: d})
		require.ErrorIs(t, err, errNoResult)
		require.NotErrorIs(t, err, ErrNotFound, "the order is not unknown")
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
		{ID: 5, Slug: "panel", ProviderID: new("p5"), Expected: []order.ExpectedResult{{Slug: "e"}, {Slug: "f", LOINC: &order.LOINC{Code: "l6"}}}},
	}
	for name, test := range map[string]struct {
		missing []order.Missing
		want    []order.Marker
	}{
		"by the lab's id first":   {[]order.Missing{{Slug: "a", LOINC: new("l1"), ProviderID: new("p2")}}, markers[1:2]},
		"then by LOINC":           {[]order.Missing{{Slug: "a", LOINC: new("l2"), ProviderID: new("p9")}}, markers[1:2]},
		"then by slug":            {[]order.Missing{{Slug: "a", LOINC: new("l9")}}, markers[:1]},
		"empty codes are no code": {[]order.Missing{{Slug: "c", LOINC: new(""), ProviderID: new("")}}, markers[2:3]},
		"once":                    {[]order.Missing{{Slug: "a"}, {ProviderID: new("p1")}, {Slug: "b"}}, markers[:2]},
		"parts of a panel, which the lab has a code of": {[]order.Missing{{Slug: "e", ProviderID: new("r1")}, {Slug: "x", LOINC: new("l6")}}, markers[4:]},
		"part of a panel that is not known": {
			[]order.Missing{{Name: "D", Slug: "d", LOINC: new("l9")}},
			[]order.Marker{{Name: "D", Slug: "d", LOINC: new("l9")}},
		},
		"nothing": {nil, nil},
	} {
		require.Equal(t, test.want, missingMarkers(markers, test.missing), name)
	}
}
