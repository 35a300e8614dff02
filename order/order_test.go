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
		orders []lifecycle.Low
		want   TransactionStatus
	}{
		{"one open", []lifecycle.Low{lifecycle.Ordered}, TransactionActive},
		{"one completed", []lifecycle.Low{lifecycle.Completed}, TransactionCompleted},
		{"one cancelled", []lifecycle.Low{lifecycle.Cancelled}, TransactionCancelled},
		{"stopped and cancelled", []lifecycle.Low{lifecycle.DoNotProcess, lifecycle.Cancelled}, TransactionCancelled},
		{"failed", []lifecycle.Low{lifecycle.SampleError}, TransactionCompleted},
		{"failed, replacement open", []lifecycle.Low{lifecycle.SampleError, lifecycle.TransitCustomer}, TransactionActive},
		{"failed, replacement cancelled", []lifecycle.Low{lifecycle.Lost, lifecycle.Cancelled}, TransactionCompleted},
		{"cancelled first, one open", []lifecycle.Low{lifecycle.Cancelled, lifecycle.RequisitionCreated}, TransactionActive},
		{"redraw available, redraw completed", []lifecycle.Low{lifecycle.RedrawAvailable, lifecycle.Corrected}, TransactionCompleted},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, StatusOf(c.orders))
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
