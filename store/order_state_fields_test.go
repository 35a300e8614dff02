package store

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// storedState reads an order's state as it is stored.
func storedState(t *testing.T, s *Store, orderID string) string {
	t.Helper()
	text, err := sqldb.QueryOne(t.Context(), s.db.Reader, sqldb.ScanText,
		`SELECT state FROM order_states WHERE order_id = $1`, orderID)
	require.NoError(t, err)
	return text
}

// withFields returns a stored state with more fields, as another build writes them.
func withFields(t *testing.T, stored string, fields map[string]any) string {
	t.Helper()
	var state map[string]any
	require.NoError(t, json.Unmarshal([]byte(stored), &state))
	setFields(state, fields)
	text, err := json.Marshal(state)
	require.NoError(t, err)
	return string(text)
}

func setFields(object, fields map[string]any) {
	for name, value := range fields {
		present, isObject := object[name].(map[string]any)
		if inner, ok := value.(map[string]any); ok && isObject {
			setFields(present, inner)
			continue
		}
		object[name] = value
	}
}

// During a rollout two builds write the same order. Fields of the newer one survive the recordings of the older one.
func TestFieldsOfAnotherBuildSurviveARecording(t *testing.T) {
	t.Parallel()
	const large = "9007199254740993" // a float64 cannot hold it
	forEachEngine(t, func(t *testing.T, s *Store) {
		o := addOrder(t, s)
		unknown := map[string]any{
			"newer": json.Number(large), "newer_object": map[string]any{"inner": []any{"x"}},
			"placement": map[string]any{"newer": "p"},
			"policy":    map[string]any{"deadlines": map[string]any{"newer": true}},
		}
		require.NotEqual(t, storedState(t, s, o.ID), withFields(t, storedState(t, s, o.ID), unknown))
		execUnchecked(t, s, `UPDATE order_states SET state = $1 WHERE order_id = $2`,
			withFields(t, storedState(t, s, o.ID), unknown), o.ID)

		settle(t, s, o.ID, placed("p"))
		applyFact(t, s, o, order.Fact{Kind: order.FactKitShipped})
		text := []byte(storedState(t, s, o.ID))
		require.Contains(t, string(text), `"newer":`+large, "exactly")
		require.Equal(t, []any{"x"}, jsonPath(t, text, "newer_object", "inner"))
		require.Equal(t, "p", jsonPath(t, text, "placement", "newer"))
		require.Equal(t, true, jsonPath(t, text, "policy", "deadlines", "newer"))
		require.Equal(t, "done", jsonPath(t, text, "placement", "state"), "what this build knows is as it was recorded")
		require.InDelta(t, 3, jsonPath(t, text, "revision"), 0)
		st := state(t, s, o.ID)
		require.Equal(t, []any{order.PlacementDone, int64(3)}, []any{st.Placement.State, st.Revision})

		// The control: without the function the fields are lost.
		c, err := stateColumnsOf(st, s.now())
		require.NoError(t, err)
		require.NotContains(t, c.state, "newer")
	})
}

func TestKeepUnknownFields(t *testing.T) {
	t.Parallel()
	s := openStore(t, "sqlite:"+migratedSQLite.Copy(t))
	plain := order.State{OrderID: "o", Modality: "testkit", Status: "ordered"}
	asked, askedAgain, marked := plain, plain, plain
	asked.PendingCancellation = &order.Demand{ID: "c", Kind: order.DemandCancel}
	askedAgain.PendingCancellation = &order.Demand{ID: "d", Kind: order.DemandCancel}
	marked.Attention = []order.Attention{{Reason: order.AttentionCancelAtLab}}
	encoded := func(st order.State) string {
		text, err := encodeJSON(st)
		require.NoError(t, err)
		return text
	}
	inCancellation := map[string]any{"cancelling": map[string]any{"newer": 1}}
	for name, test := range map[string]struct {
		stored, next string
		want         string
	}{
		"the same fields": {encoded(plain), encoded(asked), encoded(asked)},
		"a field at the top": {withFields(t, encoded(plain), map[string]any{"newer": 1}), encoded(asked),
			withFields(t, encoded(asked), map[string]any{"newer": 1})},
		"a field in an object": {withFields(t, encoded(asked), inCancellation), encoded(asked),
			withFields(t, encoded(asked), inCancellation)},
		"a known field that ended": {encoded(asked), encoded(plain), encoded(plain)},
		"a null": {withFields(t, encoded(plain), map[string]any{"newer": nil}), encoded(plain),
			withFields(t, encoded(plain), map[string]any{"newer": nil})},
		"a field in a list": {withFields(t, encoded(plain), map[string]any{"attention": []any{
			map[string]any{"reason": "cancel_at_lab", "since": "2026-03-02T10:00:00Z", "newer": 1}}}),
			encoded(marked), encoded(marked)},
		"an object that is gone": {withFields(t, encoded(asked), inCancellation), encoded(plain), encoded(plain)},
		"an object that is another one": {withFields(t, encoded(asked), inCancellation), encoded(askedAgain),
			encoded(askedAgain)},
	} {
		got, err := s.keepUnknownFields(test.stored, test.next)
		require.NoError(t, err, name)
		require.JSONEq(t, test.want, got, name)
		if test.want == test.next {
			require.Equal(t, test.next, got, "%s: not encoded again", name)
		}
	}
	_, err := s.keepUnknownFields("{", encoded(plain))
	require.Error(t, err)
}
