package api

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// inputOfChecks is an input with a value of each kind that is checked.
type inputOfChecks struct {
	KeyPath
	Since time.Time `query:"since"`
	Body  struct {
		PatientDetailsWithValidation
		Ends     *time.Time        `json:"ends"`
		Day      *string           `json:"day" format:"date"`
		Consents []ConsentRequest  `json:"consents"`
		Policy   json.RawMessage   `json:"policy"`
		Headers  map[string]string `json:"headers"`
		Nested   map[string]struct {
			At time.Time `json:"at"`
		} `json:"nested"`
	}
}

func TestInputsAreChecked(t *testing.T) {
	t.Parallel()
	late, early := time.Date(9999, 12, 31, 23, 59, 59, 0, time.FixedZone("", -5*3600)),
		time.Date(1, 1, 1, 0, 0, 0, 0, time.FixedZone("", 3600))
	text := "9999-12-31T23:59:59-05:00"
	for name, test := range map[string]struct {
		set  func(*inputOfChecks)
		want []any
	}{
		"nothing":  {func(*inputOfChecks) {}, nil},
		"last":     {func(in *inputOfChecks) { in.Body.Ends = new(time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)) }, nil},
		"late":     {func(in *inputOfChecks) { in.Body.Ends = &late }, []any{"body", "ends"}},
		"early":    {func(in *inputOfChecks) { in.Body.Ends = &early }, []any{"body", "ends"}},
		"in query": {func(in *inputOfChecks) { in.Since = late }, []any{"query", "since"}},
		"in a text": {func(in *inputOfChecks) { in.Body.Consents = []ConsentRequest{{}, {TimeOfConsent: &text}} },
			[]any{"body", "consents", 1, "timeOfConsent"}},
		"first day": {func(in *inputOfChecks) { in.Body.Day = new("0001-01-01") }, nil},
		"last day":  {func(in *inputOfChecks) { in.Body.Day = new("9999-12-31") }, nil},
		"early day": {func(in *inputOfChecks) { in.Body.Day = new("0000-12-31") }, []any{"body", "day"}},
		"in a map": {func(in *inputOfChecks) {
			in.Body.Nested = map[string]struct {
				At time.Time `json:"at"`
			}{"a.b": {late}}
		}, []any{"body", "nested", "a.b", "at"}},
		"other text": {func(in *inputOfChecks) { in.Body.DOB = text }, nil},
		"document":   {func(in *inputOfChecks) { in.Body.Policy = make([]byte, maxDocument) }, nil},
		"long document": {func(in *inputOfChecks) { in.Body.Policy = make([]byte, maxDocument+1) },
			[]any{"body", "policy"}},
		"headers": {func(in *inputOfChecks) {
			in.Body.Headers = map[string]string{strings.Repeat("é", maxMapKey): strings.Repeat("é", maxMapValue)}
		}, nil},
		"long header": {func(in *inputOfChecks) {
			in.Body.Headers = map[string]string{"X-A": strings.Repeat("a", maxMapValue+1)}
		}, []any{"body", "headers", "X-A"}},
		"long name": {func(in *inputOfChecks) {
			in.Body.Headers = map[string]string{strings.Repeat("a", maxMapKey+1): ""}
		}, []any{"body", "headers"}},
	} {
		var in inputOfChecks
		test.set(&in)
		found := checkInput(&in)
		if test.want == nil {
			require.Empty(t, found, name)
			continue
		}
		require.Len(t, found, 1, name)
		require.Equal(t, test.want, found[0].Loc, name)
	}
}
