package activities

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/lifecycle"
)

// TestAnAnswerOfAGuessedCharacterSetIsMarked checks the outcome in the story of a call, and that other answers have no
// mark.
func TestAnAnswerOfAGuessedCharacterSetIsMarked(t *testing.T) {
	t.Parallel()
	f := newSettleFixture(t, lifecycle.Testkit)
	for answer, want := range map[string]string{
		"{\"note\":\"Zo\xeb\"}": "done:read_as_windows-1252", `{"note":"Zoë"}`: "done",
	} {
		call := &partnerCall{orderID: f.order.ID, kind: "place", round: want}
		require.NoError(t, f.callPartner(t.Context(), call, func() ([]byte, error) { return []byte(answer), nil }))
		outcome, err := f.Store.LastPartnerCallOutcome(t.Context(), f.order.ID, "place", want)
		require.NoError(t, err)
		require.Equal(t, want, outcome)
	}
}
