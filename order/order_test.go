package order

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/lifecycle"
)

func TestStatusOfATransaction(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		orders []lifecycle.LowStatus
		want   TransactionStatus
	}{
		{"one open", []lifecycle.LowStatus{lifecycle.Ordered}, TransactionActive},
		{"one completed", []lifecycle.LowStatus{lifecycle.Completed}, TransactionCompleted},
		{"one cancelled", []lifecycle.LowStatus{lifecycle.Cancelled}, TransactionCancelled},
		{"stopped and cancelled", []lifecycle.LowStatus{lifecycle.DoNotProcess, lifecycle.Cancelled}, TransactionCancelled},
		{"failed", []lifecycle.LowStatus{lifecycle.SampleError}, TransactionCompleted},
		{"failed, replacement open", []lifecycle.LowStatus{lifecycle.SampleError, lifecycle.TransitCustomer},
			TransactionActive},
		{"failed, replacement cancelled", []lifecycle.LowStatus{lifecycle.Lost, lifecycle.Cancelled}, TransactionCompleted},
		{"cancelled first, one open", []lifecycle.LowStatus{lifecycle.Cancelled, lifecycle.RequisitionCreated},
			TransactionActive},
		{"redraw available, redraw completed", []lifecycle.LowStatus{lifecycle.RedrawAvailable, lifecycle.Corrected},
			TransactionCompleted},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, TransactionStatusOf(c.orders))
		})
	}
}

func TestNewNumber(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 1000 {
		n := NewNumber()
		require.Regexp(t, `^[0-9A-HJKMNP-TV-Z]{16}$`, n)
		require.False(t, seen[n])
		seen[n] = true
	}
}
