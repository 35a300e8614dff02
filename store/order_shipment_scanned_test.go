package store

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/order"
)

// A parcel's number is one number, whether the lab or the courier sends it as scanned or as printed, and whichever
// comes first.
func TestAScannedNumberIsThatOfThePrintedLabel(t *testing.T) {
	t.Parallel()
	const fedex, usps = "925989385163", "9420900204173500182641"
	forEachEngine(t, func(t *testing.T, s *Store) {
		for _, c := range []struct{ lab, courier, printed string }{
			{"1071804952390002087800925989385163", fedex, fedex},
			{fedex, "1071804952390002087800925989385163", fedex},
			{"420 98402 " + usps, usps, usps},
			{usps, "42098402" + usps, usps},
		} {
			for _, courierFirst := range []bool{false, true} {
				o := addOrder(t, s)
				applyRequisitionTaken(t, s, o.ID, "A1")
				report := courierReport(c.courier, "moving")
				report.DedupKey += o.ID
				if courierFirst {
					_, err := s.db.Writer.ExecContext(t.Context(), `DELETE FROM tracking_numbers`)
					require.NoError(t, err)
					in, err := s.StoreInboxItem(t.Context(), report)
					require.NoError(t, err)
					require.Empty(t, in.OrderID)
				}
				applyFact(t, s, o, order.Fact{Kind: order.FactKitShipped, OutboundNumber: c.lab})
				leg := getOrder(t, s, o.ID).Shipment.Outbound
				require.Equal(t, c.printed, leg.Number)
				require.Contains(t, leg.URL, c.printed)
				in, err := s.StoreInboxItem(t.Context(), report)
				require.NoError(t, err)
				require.Equal(t, o.ID, in.OrderID, "%+v, courier first: %t", c, courierFirst)
			}
		}
	})
}
