package activities

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func woken(wakeup <-chan struct{}) bool {
	select {
	case <-wakeup:
		return true
	default:
		return false
	}
}

func TestWakeupReachesTheEndpointsBatch(t *testing.T) {
	t.Parallel()
	var b batchWakers
	b.wake("nobody's") // no batch is registered
	first, down := b.register("one")
	other, _ := b.register("other")
	require.False(t, woken(first))

	b.wake("one")
	b.wake("one") // it is woken already, so this does not block
	require.True(t, woken(first))
	require.False(t, woken(first))
	require.False(t, woken(other))

	// A successor's channel stays when its predecessor ends.
	second, downSecond := b.register("one")
	down()
	b.wake("one")
	require.True(t, woken(second))
	downSecond()
	b.wake("one")
	require.False(t, woken(second))
}
