package order

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/lifecycle"
)

func TestCancelAtLab(t *testing.T) {
	t.Parallel()
	refused := orderedState(t, nil).ApplyPlacementRefused(hour(1)).Next
	proven, _ := applyFacts(refused, newFact(FactReportReady, 2)) // the lab knows the order after all
	for _, c := range []struct {
		name      string
		state     State
		confirmed bool
		want      bool
	}{
		{"scheduled", scheduledState(t), false, false},
		{"placing", orderedState(t, nil), false, true},
		{"refused by the lab", refused, false, false},
		{"refused, then proven by a fact", proven, false, true},
		{"placed", placedState(t, nil), false, true},
		{"placed, the lab confirmed", placedState(t, nil), true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := c.state.ApplyDemand(Demand{Kind: DemandCancel, By: lifecycle.Client, Confirmed: c.confirmed}, hour(3))
			require.Equal(t, lifecycle.Cancelled, d.Next.Status)
			require.Equal(t, c.want, d.Next.HasMark(AttentionCancelAtLab))
		})
	}
}

func TestCancellationThatTheLabHasToConfirm(t *testing.T) {
	t.Parallel()
	dm := Demand{ID: "d1", Kind: DemandCancel, By: lifecycle.Client}
	asked := placedState(t, nil).ApplyCancelAsked(dm, hour(1)).Next
	require.Equal(t, lifecycle.RequisitionCreated, asked.Status)
	require.Equal(t, &dm, asked.PendingCancellation)
	silent := asked.ApplyCancelUnanswered(hour(2)).Next
	require.True(t, silent.HasMark(AttentionCancelUnanswered))
	confirmed := dm
	confirmed.Confirmed = true

	t.Run("refused", func(t *testing.T) {
		t.Parallel()
		d := silent.ApplyCancelRefused(hour(3))
		require.Equal(t, ReasonLabRefused, d.Reason)
		require.Nil(t, d.Next.PendingCancellation)
		require.Empty(t, d.Next.Attention)
	})
	t.Run("confirmed", func(t *testing.T) {
		t.Parallel()
		d := silent.ApplyDemand(confirmed, hour(3))
		require.Equal(t, lifecycle.Cancelled, d.Next.Status)
		require.Nil(t, d.Next.PendingCancellation)
		require.Empty(t, d.Next.Attention)
	})
	t.Run("overtaken by the shipment", func(t *testing.T) {
		t.Parallel()
		shipped, _ := applyFacts(asked, newFact(FactKitShipped, 24))
		late := shipped.ApplyCancelUnanswered(hour(25)).Next
		require.NotNil(t, late.PendingCancellation)
		require.Empty(t, late.Attention, "no caller waits for the answer")
		d := late.ApplyDemand(confirmed, hour(26))
		require.Equal(t, ReasonTransitionNotAllowed, d.Reason)
		require.Equal(t, lifecycle.TransitCustomer, d.Next.Status)
		require.Nil(t, d.Next.PendingCancellation, "the lab is not asked again")
		require.Empty(t, d.Next.Attention)
	})
	t.Run("not asked", func(t *testing.T) {
		t.Parallel()
		require.Empty(t, placedState(t, nil).ApplyCancelUnanswered(hour(2)).Next.Attention)
	})
}

// TestAPartnersReportAboutAStoppedOrderIsAContradiction: a kit that ships although its order was stopped costs money,
// whether the fact is older than the demand or not.
func TestAPartnersReportAboutAStoppedOrderIsAContradiction(t *testing.T) {
	t.Parallel()
	for _, kind := range []DemandKind{DemandCancel, DemandDoNotProcess} {
		s := placedState(t, nil).ApplyDemand(Demand{Kind: kind, By: lifecycle.Operations}, hour(30)).Next
		f := newFact(FactKitShipped, 24)
		f.ReceivedAt = hour(31)
		s, d := applyFacts(s, f)
		require.Equal(t, OutcomeRefused, d.Outcome)
		require.True(t, d.StoreShipment, "what it carries is kept")
		require.True(t, s.HasMark(AttentionContradictoryFact))
	}
}
