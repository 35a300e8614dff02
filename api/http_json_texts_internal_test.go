package api

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestHalfCharacters(t *testing.T) {
	t.Parallel()
	for text, half := range map[string]bool{
		`"plain"`:                     false,
		`"\ud83d tail"`:               true,
		`"tail \ud83d"`:               true,
		`"\uD83D"`:                    true,
		`"\ude00"`:                    true,
		`"\ude00\ud83d"`:              true,
		`"\ud83d\ud83d\ude00"`:        true,
		`"\ud83d\n\ude00"`:            true,
		`"\ud83d\u0041"`:              true,
		`"\ud83d\\ude00"`:             true,
		`"\ud83d","\ude00"`:           true,
		`{"\udfff":1}`:                true,
		`"\ud83d\ude00"`:              false,
		`"\uD83D\uDE00 \ud83d\ude01"`: false,
		`"\\ud83d tail"`:              false,
		`"\\\\ud83d"`:                 false,
		`"\\\ud83d"`:                  true,
		`"😀 \u00e9 \ufffd \\ \" \/"`:  false,
		`"\ue000 \ud7ff"`:             false,
	} {
		require.Equal(t, half, hasHalfCharacter([]byte(text)), text)
	}
}

func TestWholeNumbersAreWrittenAsIntegers(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`75000.0`:                        `75000`,
		`7.5e4`:                          `75000`,
		`7.5E+4`:                         `75000`,
		`100e-2`:                         `1`,
		`-2.000`:                         `-2`,
		`-0.0`:                           `0`,
		`0.5`:                            `0.5`,
		`75000.5`:                        `75000.5`,
		`1e400`:                          `1e400`,
		`9007199254740993.0`:             `9007199254740993.0`,
		`9007199254740991.0`:             `9007199254740991`,
		`1e19`:                           `1e19`,
		`12`:                             `12`,
		`[1.0,2.5,{"a":3.0}, 4e0 ]`:      `[1,2.5,{"a":3}, 4 ]`,
		`{"a 1.0":"2.0 \" 3.0","b":4.0}`: `{"a 1.0":"2.0 \" 3.0","b":4}`,
		`true`:                           `true`,
	} {
		require.Equal(t, want, string(writeWholeNumbersAsIntegers([]byte(text))), text)
	}
}

// FuzzWholeNumbers looks for JSON whose meaning the rewriting changes.
func FuzzWholeNumbers(f *testing.F) {
	f.Add([]byte(`{"a":[1.0,-2e3,"3.0"]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var before, after any
		if json.Unmarshal(text, &before) != nil {
			return
		}
		require.NoError(t, json.Unmarshal(writeWholeNumbersAsIntegers(text), &after))
		one, err := json.Marshal(before)
		require.NoError(t, err)
		other, err := json.Marshal(after)
		require.NoError(t, err)
		if string(one) != string(other) {
			require.Contains(t, string(one), "-0", "the values differ: %s %s", one, other)
		}
	})
}
