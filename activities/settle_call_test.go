package activities

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// TestAMarkShowsWhatTheLastAttemptWasAnswered checks that the mark of a round without an answer has the HTTP status of
// the round's last attempt, and not that of another round.
func TestAMarkShowsWhatTheLastAttemptWasAnswered(t *testing.T) {
	t.Parallel()
	f := newSettleFixture(t, lifecycle.Testkit)
	round := func(id string, outcomes ...string) int {
		t.Helper()
		for _, outcome := range outcomes {
			call := store.PartnerCall{ID: sqldb.NewID(), OrderID: f.order.ID, Kind: "place", Round: id}
			_, err := f.Store.RecordPartnerCallStart(t.Context(), call)
			require.NoError(t, err)
			require.NoError(t, f.Store.RecordPartnerCallEnd(t.Context(), call.ID, outcome, nil))
		}
		f.settle(&order.Cause{Call: &order.CallOutcome{Kind: order.CallPlace, ID: id, Answer: order.AnswerNone}})
		s, err := f.Store.State(t.Context(), f.order.ID)
		require.NoError(t, err)
		require.Len(t, s.Attention, 1)
		require.Equal(t, order.AttentionPlacementUnanswered, s.Attention[0].Reason)
		return s.Attention[0].HTTPStatus
	}
	require.Equal(t, 404, round("1", "busy:503", "unanswered:404"))
	require.Equal(t, 302, round("2", "unanswered:302"), "a later round has a newer status")
	require.Equal(t, 503, round("3", "unanswered", "busy:503"))
	require.Equal(t, 401, round("4", "unauthorized:401"))
	require.Zero(t, round("5", "unanswered:404", "unanswered"), "the last attempt got no answer")
	require.Zero(t, round("6", "busy:0"))
	require.Zero(t, round("7"))
}
