package order

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/lifecycle"
)

func TestCancelAtLab(t *testing.T) {
	t.Parallel()
	refused := newOrder(t, nil).ApplyPlacementRefused(hour(1)).Next
	proven, _ := run(refused, fact(ReportReady, 2)) // the lab knows the order after all
	for _, c := range []struct {
		name      string
		state     State
		confirmed bool
		want      bool
	}{
		{"scheduled", scheduled(t), false, false},
		{"placing", newOrder(t, nil), false, true},
		{"refused by the lab", refused, false, false},
		{"refused, then proven by a fact", proven, false, true},
		{"placed", placed(t, nil), false, true},
		{"placed, the lab confirmed", placed(t, nil), true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := c.state.ApplyDemand(Demand{Kind: DemandCancel, By: lifecycle.Client, Confirmed: c.confirmed}, hour(3))
			require.Equal(t, lifecycle.Cancelled, d.Next.Status)
			require.Equal(t, c.want, d.Next.Needs(CancelAtLab))
		})
	}
}

func TestCancellationThatTheLabHasToConfirm(t *testing.T) {
	t.Parallel()
	dm := Demand{ID: "d1", Kind: DemandCancel, By: lifecycle.Client}
	asked := placed(t, nil).ApplyCancelAsked(dm, hour(1)).Next
	require.Equal(t, lifecycle.RequisitionCreated, asked.Status)
	require.Equal(t, &dm, asked.Cancelling)
	silent := asked.ApplyCancelUnanswered(hour(2)).Next
	require.True(t, silent.Needs(CancelUnanswered))
	confirmed := dm
	confirmed.Confirmed = true

	t.Run("refused", func(t *testing.T) {
		t.Parallel()
		d := silent.ApplyCancelRefused(hour(3))
		require.Equal(t, ReasonLabRefused, d.Reason)
		require.Nil(t, d.Next.Cancelling)
		require.Empty(t, d.Next.Attention)
	})
	t.Run("confirmed", func(t *testing.T) {
		t.Parallel()
		d := silent.ApplyDemand(confirmed, hour(3))
		require.Equal(t, lifecycle.Cancelled, d.Next.Status)
		require.Nil(t, d.Next.Cancelling)
		require.Empty(t, d.Next.Attention)
	})
	t.Run("overtaken by the shipment", func(t *testing.T) {
		t.Parallel()
		shipped, _ := run(asked, fact(KitShipped, 24))
		late := shipped.ApplyCancelUnanswered(hour(25)).Next
		require.NotNil(t, late.Cancelling)
		require.Empty(t, late.Attention, "nobody waits for the answer any more")
		d := late.ApplyDemand(confirmed, hour(26))
		require.Equal(t, ReasonTransition, d.Reason)
		require.Equal(t, lifecycle.TransitCustomer, d.Next.Status)
		require.Nil(t, d.Next.Cancelling, "the lab is not asked again")
		require.Empty(t, d.Next.Attention)
	})
	t.Run("not asked", func(t *testing.T) {
		t.Parallel()
		require.Empty(t, placed(t, nil).ApplyCancelUnanswered(hour(2)).Next.Attention)
	})
}

// A kit that ships although its order was stopped is a cost, whether its notice is older than the demand or not.
func TestAPartnersReportAboutAStoppedOrderIsAContradiction(t *testing.T) {
	t.Parallel()
	for _, kind := range []DemandKind{DemandCancel, DemandDoNotProcess} {
		s := placed(t, nil).ApplyDemand(Demand{Kind: kind, By: lifecycle.Operations}, hour(30)).Next
		f := fact(KitShipped, 24)
		f.ReceivedAt = hour(31)
		s, d := run(s, f)
		require.Equal(t, Refused, d.Outcome)
		require.True(t, d.Ship, "what it carries is kept")
		require.True(t, s.Needs(ContradictoryFact))
	}
}
