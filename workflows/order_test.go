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
	w.fact(1*day, order.KitShipped)
	w.fact(8*day, order.KitReceived)
	w.results(9*day, `{}`)
	w.fact(10*day, order.ReportReady)
	w.run()
	require.Equal(t, []lifecycle.Low{
		lifecycle.Ordered, lifecycle.RequisitionCreated, lifecycle.TransitCustomer, lifecycle.DeliveredToLab, lifecycle.Completed,
	}, w.history())
	o := w.order()
	require.NotEmpty(t, o.Accession)
	require.NotNil(t, o.Shipment)
	require.NotNil(t, o.Results)
	require.Equal(t, 1, o.Results.Version)
	require.Empty(t, o.State.Attention)
	require.Len(t, w.lab.Account().CallsFor(w.number), 1+1, "one requisition, one fetch")
}
