package activities

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func isWoken(wakeup <-chan struct{}) bool {
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
	require.False(t, isWoken(first))

	b.wake("one")
	b.wake("one") // it is woken already, so this does not block
	require.True(t, isWoken(first))
	require.False(t, isWoken(first))
	require.False(t, isWoken(other))

	// A successor's channel stays when its predecessor ends.
	second, downSecond := b.register("one")
	down()
	b.wake("one")
	require.True(t, isWoken(second))
	downSecond()
	b.wake("one")
	require.False(t, isWoken(second))
}
