package order

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestNumbersThatCannotBeReadRaiseAMark checks the mark of facts and of the lab's answer, and that an acknowledged one
// is not raised by the same number.
func TestNumbersThatCannotBeReadRaiseAMark(t *testing.T) {
	t.Parallel()
	placed := placedState(t, nil)
	require.False(t, placed.HasMark(AttentionNumberUnreadable))
	readable, _ := applyFacts(placed, newFact(FactKitShipped, 1))
	require.False(t, readable.HasMark(AttentionNumberUnreadable))

	f := newFact(FactKitShipped, 1)
	f.OutboundNumber, f.Unreadable = "", []string{"outbound"}
	unreadable, _ := applyFacts(placed, f)
	require.True(t, unreadable.HasMark(AttentionNumberUnreadable))

	sealed := SealedCode("0123456789abcdef0123456789abcdef0123")
	require.Equal(t, "~0123456789abcdef0123456789abcdef", sealed)
	require.True(t, IsSealedCode(sealed))
	require.False(t, IsSealedCode("M000412207"))
	accepted := orderedState(t, nil).ApplyPlacementAccepted(sealed, t0).Next
	require.Equal(t, sealed, accepted.Accession)
	require.True(t, accepted.HasMark(AttentionNumberUnreadable))

	acknowledged := applyHappenings(accepted, acknowledges(AttentionNumberUnreadable)).Next
	require.False(t, acknowledged.HasMark(AttentionNumberUnreadable))
	received := newFact(FactKitReceived, 2)
	received.Accession = sealed
	again, _ := applyFacts(acknowledged, received)
	require.False(t, again.HasMark(AttentionNumberUnreadable), "it is the same number")
	require.False(t, again.HasMark(AttentionAccessionMismatch))
}
