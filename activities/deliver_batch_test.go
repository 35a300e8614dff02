package activities

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func woken(bell <-chan struct{}) bool {
	select {
	case <-bell:
		return true
	default:
		return false
	}
}

func TestWakeupReachesTheEndpointsBatch(t *testing.T) {
	t.Parallel()
	var b batchWakers
	b.wake("nobody's") // there is none yet
	first, down := b.register("one")
	other, _ := b.register("other")
	require.False(t, woken(first))

	b.wake("one")
	b.wake("one") // it rings already, and this does not wait
	require.True(t, woken(first))
	require.False(t, woken(first))
	require.False(t, woken(other))

	// A successor's bell stays when the predecessor goes.
	second, downSecond := b.register("one")
	down()
	b.wake("one")
	require.True(t, woken(second))
	downSecond()
	b.wake("one")
	require.False(t, woken(second))
}
