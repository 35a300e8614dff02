package api_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/api"
)

// The sample request of the client API contract (section 22) has no key that we do not know, and none of its values is lost.
func TestTheSampleOrderIsReadWhole(t *testing.T) {
	t.Parallel()
	sample, err := os.ReadFile("testdata/create_order.json")
	require.NoError(t, err)
	strict := json.NewDecoder(bytes.NewReader(sample))
	strict.DisallowUnknownFields()
	var in api.CreateOrderRequest
	require.NoError(t, strict.Decode(&in))
	again, err := json.Marshal(in)
	require.NoError(t, err)
	var want, got any
	require.NoError(t, json.Unmarshal(sample, &want))
	require.NoError(t, json.Unmarshal(again, &got))
	requireWithin(t, want, got, "")
}

// requireWithin says that all of a document is in another, which may have more.
func requireWithin(t *testing.T, want, got any, place string) {
	t.Helper()
	switch w := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		require.True(t, ok, place)
		for key, value := range w {
			requireWithin(t, value, g[key], place+"."+key)
		}
	case []any:
		g, ok := got.([]any)
		require.True(t, ok && len(w) == len(g), place)
		for i := range w {
			requireWithin(t, w[i], g[i], place+"[]")
		}
	default:
		require.Equal(t, want, got, place)
	}
}

// What we answer to an invalid request has the form of the sample: an item has its place, a text and a type. What was sent, and what
// it was checked by, are optional and not repeated.
func TestAnInvalidRequestIsAnsweredAsTheSample(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/invalid.json")
	require.NoError(t, err)
	type problem struct {
		Loc  []any  `json:"loc"`
		Msg  string `json:"msg"`
		Type string `json:"type"`
	}
	var sample, got struct {
		Detail []problem `json:"detail"`
	}
	require.NoError(t, json.Unmarshal(text, &sample))
	f := newFixture(t)
	r := f.do(http.MethodPost, "/v3/order", f.key, f.orderBody(map[string]any{"patient_address.zip": "8500"}))
	require.Equal(t, http.StatusUnprocessableEntity, r.status)
	require.NoError(t, json.Unmarshal(r.body, &got))
	require.Len(t, got.Detail, 1)
	require.Equal(t, sample.Detail[0].Loc, got.Detail[0].Loc)
	require.Equal(t, sample.Detail[0].Type, got.Detail[0].Type)
	require.NotEmpty(t, got.Detail[0].Msg)
}
