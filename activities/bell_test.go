package activities

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func rings(bell <-chan struct{}) bool {
	select {
	case <-bell:
		return true
	default:
		return false
	}
}

func TestABellRingsForItsEndpoint(t *testing.T) {
	t.Parallel()
	var b bells
	b.ring("nobody's") // there is none yet
	first, down := b.hang("one")
	other, _ := b.hang("other")
	require.False(t, rings(first))

	b.ring("one")
	b.ring("one") // it rings already, and this does not wait
	require.True(t, rings(first))
	require.False(t, rings(first))
	require.False(t, rings(other))

	// A successor's bell stays when the predecessor goes.
	second, downSecond := b.hang("one")
	down()
	b.ring("one")
	require.True(t, rings(second))
	downSecond()
	b.ring("one")
	require.False(t, rings(second))
}
