package workflows_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
)

func TestLifeOfATestkit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.factAt(1*day, order.FactKitShipped)
	w.factAt(8*day, order.FactKitReceived)
	w.resultsAt(9*day, `{}`)
	w.factAt(10*day, order.FactReportReady)
	w.run()
	require.Equal(t, []lifecycle.LowStatus{
		lifecycle.Ordered, lifecycle.RequisitionCreated, lifecycle.TransitCustomer, lifecycle.DeliveredToLab,
		lifecycle.Completed,
	}, w.statusHistory())
	o := w.order()
	require.NotEmpty(t, o.Accession)
	require.NotNil(t, o.Shipment)
	require.NotNil(t, o.Results)
	require.Equal(t, 1, o.Results.Version)
	require.Empty(t, o.State.Attention)
	require.Len(t, w.lab.Traffic().CallsFor(w.number), 1+1, "one requisition, one fetch")
}
