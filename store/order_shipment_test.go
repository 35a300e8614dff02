package store

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/order"
)

func TestTheShipmentIsTheNewestFacts(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		forward := stopClock(s)
		o := addOrder(t, s)
		applyRequisitionTaken(t, s, o.ID, "A1")
		require.ErrorIs(t, s.SetTracker(t.Context(), o.ID, "outbound", outboundNumber, "trk"), ErrNotFound)
		shippedAt := s.now()
		applyFact(t, s, o, order.Fact{
			Kind: order.FactKitShipped, OutboundNumber: "9400-1000 0000 0000 0000 01", InboundNumber: inboundNumber,
			KitRegCode: "KIT", OraQuickLot: "LOT",
		})
		got := getOrder(t, s, o.ID).Shipment
		want := &order.Shipment{
			ID:       got.ID,
			Outbound: order.ShipmentLeg{Number: outboundNumber, Courier: "usps", URL: got.Outbound.URL},
			Inbound:  order.ShipmentLeg{Number: inboundNumber, Courier: "usps", URL: got.Inbound.URL}, KitRegCode: "KIT",
			OraQuickLot: "LOT",
			ShippedAt:   shippedAt, CreatedAt: shippedAt, UpdatedAt: shippedAt,
		}
		require.Equal(t, want, got)
		require.Contains(t, got.Outbound.URL, outboundNumber)

		require.NoError(t, s.SetTracker(t.Context(), o.ID, "outbound", outboundNumber, "trk_out"))
		require.NoError(t, s.SetTracker(t.Context(), o.ID, "inbound", inboundNumber, "trk_in"))
		require.ErrorContains(t, s.SetTracker(t.Context(), o.ID, "sideways", inboundNumber, "trk"), "no leg")

		// A later fact has another number for one leg. That leg gets a new tracker; the other leg is not changed.
		forward(time.Hour)
		applyFact(t, s, o, order.Fact{Kind: order.FactKitShipped, OutboundNumber: "9400100000000000000003"})
		got = getOrder(t, s, o.ID).Shipment
		require.Equal(t, "9400100000000000000003", got.Outbound.Number)
		require.Empty(t, got.Outbound.TrackerID)
		require.NoError(t, s.SetTracker(t.Context(), o.ID, "outbound", outboundNumber, "trk_of_the_old_number"))
		require.Empty(t, getOrder(t, s, o.ID).Shipment.Outbound.TrackerID, "the tracker follows the former parcel")
		require.Equal(t, "trk_in", got.Inbound.TrackerID)
		require.Equal(t, []string{inboundNumber, "KIT", "LOT"}, []string{got.Inbound.Number, got.KitRegCode, got.OraQuickLot})
		require.Equal(t, s.now(), got.ShippedAt)

		// An older fact changes nothing. The former number still finds the order.
		applyFact(t, s, o, order.Fact{Kind: order.FactKitShipped, OutboundNumber: outboundNumber, SentAt: shippedAt})
		require.Equal(t, got, getOrder(t, s, o.ID).Shipment)
		in, err := s.StoreInboxItem(t.Context(), courierReport(outboundNumber, "moving"))
		require.NoError(t, err)
		require.Equal(t, o.ID, in.OrderID)
	})
}
