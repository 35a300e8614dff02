package api_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/api"
	"github.com/aliquot-labs/aliquot/internal/junction"
	"github.com/aliquot-labs/aliquot/webhooks"
)

// contractFixtures is the folder with the samples of client-api#22-fixtures.
const contractFixtures = "../internal/junction/testdata/contract"

// contractFixture is one sample.
type contractFixture struct {
	heading   string                                   // in client-api#22-fixtures
	roundTrip func(t *testing.T, sample []byte) []byte // the sample, read and written
	differs   map[string]string                        // places that differ after that, and why
}

var fixtures = map[string]contractFixture{
	"order.json": {
		"GET /v3/order/{order_id}", throughType[junction.ClientFacingOrder],
		map[string]string{".sequence": "ours: how many events the order has had"},
	},
	"appointment_updated.json": {"labtest.appointment.updated", throughWebhook, nil},
	"result.json":              {"GET /v3/order/{order_id}/result", throughType[junction.LabResultsRaw], nil},
	"create_order.json":        {"POST /v3/order", throughType[api.CreateOrderRequest], nil},
	"invalid.json": {"422", validationAnswer, map[string]string{
		".detail[0].msg":   "texts are not specified (client-api#2-errors)",
		".detail[0].input": "optional; what was sent is not repeated, since it may be a patient's",
		".detail[0].ctx":   "optional",
	}},
}

// throughType decodes a sample into a type of ours, which must have every key of it, and encodes the value again.
func throughType[T any](t *testing.T, sample []byte) []byte {
	t.Helper()
	var v T
	strict := json.NewDecoder(bytes.NewReader(sample))
	strict.DisallowUnknownFields()
	require.NoError(t, strict.Decode(&v))
	again, err := json.Marshal(v)
	require.NoError(t, err)
	return again
}

func throughWebhook(t *testing.T, sample []byte) []byte {
	t.Helper()
	var e webhooks.Envelope
	require.NoError(t, json.Unmarshal(sample, &e))
	e.Data = throughType[junction.ClientFacingAppointment](t, e.Data)
	again, err := webhooks.Render(e)
	require.NoError(t, err)
	return again
}

// validationAnswer returns our answer to the request whose answer the sample is.
func validationAnswer(t *testing.T, sample []byte) []byte {
	t.Helper()
	var answer struct {
		Detail []struct{ Input string }
	}
	require.NoError(t, json.Unmarshal(sample, &answer))
	f := newFixture(t)
	r := f.sendWithKey(http.MethodPost, "/v3/order", f.key,
		f.orderBody(map[string]any{"patient_address.zip": answer.Detail[0].Input}))
	require.Equal(t, http.StatusUnprocessableEntity, r.status)
	return r.body
}

// differences returns the paths at which two documents differ. Times in different zones are compared as instants.
func differences(path string, want, got any) []string {
	switch w := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok {
			return []string{path}
		}
		keys := maps.Clone(w)
		maps.Copy(keys, g)
		var out []string
		for _, key := range slices.Sorted(maps.Keys(keys)) {
			_, inWant := w[key]
			_, inGot := g[key]
			if inWant != inGot {
				out = append(out, path+"."+key)
				continue
			}
			out = append(out, differences(path+"."+key, w[key], g[key])...)
		}
		return out
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(w) {
			return []string{path}
		}
		var out []string
		for i := range w {
			out = append(out, differences(fmt.Sprintf("%s[%d]", path, i), w[i], g[i])...)
		}
		return out
	}
	if want != got && !sameTime(want, got) {
		return []string{path}
	}
	return nil
}

func sameTime(a, b any) bool {
	textA, okA := a.(string)
	textB, okB := b.(string)
	timeA, errA := time.Parse(time.RFC3339, textA)
	timeB, errB := time.Parse(time.RFC3339, textB)
	return okA && okB && errA == nil && errB == nil && timeA.Equal(timeB)
}

func mustParse(t *testing.T, text []byte) any {
	t.Helper()
	var v any
	require.NoError(t, json.Unmarshal(text, &v))
	return v
}

func TestTheFixturesOfTheContractRoundTrip(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(contractFixtures, "*"))
	require.NoError(t, err)
	require.Len(t, files, 5, "client-api#22-fixtures has five")
	require.Len(t, fixtures, len(files))
	for _, file := range files {
		f, known := fixtures[filepath.Base(file)]
		require.True(t, known, file)
		sample, err := os.ReadFile(file)
		require.NoError(t, err)
		got := differences("", mustParse(t, sample), mustParse(t, f.roundTrip(t, sample)))
		require.ElementsMatch(t, slices.Collect(maps.Keys(f.differs)), got, f.heading)
	}

	// Controls: a value that is changed, lost or added is reported, and an unknown key is refused.
	sample, err := os.ReadFile(filepath.Join(contractFixtures, "order.json"))
	require.NoError(t, err)
	for name, spoil := range map[string]func(order map[string]any){
		".passthrough":      func(o map[string]any) { o["passthrough"] = "ref-43" },
		".sample_id":        func(o map[string]any) { delete(o, "sample_id") },
		".created_at":       func(o map[string]any) { o["created_at"] = "2026-01-05T10:00:01Z" },
		".events":           func(o map[string]any) { o["events"] = []any{} },
		".lab_test.markers": func(o map[string]any) { o["lab_test"].(map[string]any)["markers"] = []any{} },
		".new":              func(o map[string]any) { o["new"] = nil },
	} {
		spoiled, ok := mustParse(t, sample).(map[string]any)
		require.True(t, ok)
		spoil(spoiled)
		require.Equal(t, []string{name}, differences("", mustParse(t, sample), any(spoiled)))
	}
	unknown := json.NewDecoder(bytes.NewReader([]byte(`{"new": 1}`)))
	unknown.DisallowUnknownFields()
	require.Error(t, unknown.Decode(new(junction.ClientFacingOrder)))
}
