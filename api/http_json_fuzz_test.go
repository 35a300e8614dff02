package api

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzUnmarshal checks that a body that the API accepts is valid JSON, has one meaning for every reader, and can be
// stored.
func FuzzUnmarshal(f *testing.F) {
	for _, seed := range []string{
		`{"a":1,"b":[true,null,"x"]}`, `{"a":1,"A":2}`, `{"ſ":1,"s":2}`, `{"a":"\u0000"}`, `[[[[]]]]`, `{"a":{"b":1,"b":2}}`,
		`1 2`, `{`, "",
		`"\ud800"`, `1e999`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var v any
		if unmarshalStrict(data, &v) != nil {
			return
		}
		require.True(t, json.Valid(data))
		again, err := json.Marshal(v)
		require.NoError(t, err)
		require.False(t, hasNUL(v))
		var w any
		require.NoError(t, unmarshalStrict(again, &w), "what was read can be read again")
		require.Equal(t, v, w)
	})
}

// hasNUL reports whether a text or key has a NUL character.
func hasNUL(v any) bool {
	switch v := v.(type) {
	case string:
		return strings.ContainsRune(v, 0)
	case []any:
		for _, e := range v {
			if hasNUL(e) {
				return true
			}
		}
	case map[string]any:
		for _, e := range v {
			if hasNUL(e) {
				return true
			}
		}
	}
	return false
}
