package api_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// clientUserIDs are ids of clients that a path has to escape, or may escape.
var clientUserIDs = []string{
	"q c/d", "q+c/d", "q+c", "q c", "ada+lab@example.com", "100%", "100%25", "a%2Fb", "a/b", "a//b", "é/+ü", "a;b", "a:b",
	"a?b", "a#b", "%2B", "+", "..", ".", "a&b=c", "日本/+", "a\\b", "a~b(c)*'!$,", "trailing/",
}

// A path's parameter is the text that was escaped, whatever else the path has.
func TestPathParametersAreDecodedOnce(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ids := map[string]string{}
	for _, text := range clientUserIDs {
		r := f.sendWithKey(http.MethodPost, "/v2/user", f.key, map[string]any{"client_user_id": text})
		require.Equal(t, http.StatusOK, r.status, string(r.body))
		ids[text] = r.json(t)["user_id"].(string)
	}
	for _, text := range clientUserIDs {
		spellings := []string{url.PathEscape(text), strings.ReplaceAll(url.QueryEscape(text), "+", "%20"), escapeAll(text)}
		if text == "." || text == ".." { // the HTTP client would take them for steps in the path
			spellings = spellings[2:]
		}
		for _, spelt := range spellings {
			r := f.sendWithKey(http.MethodGet, "/v2/user/resolve/"+spelt, f.key, nil)
			require.Equal(t, http.StatusOK, r.status, "%q as %s: %s", text, spelt, r.body)
			require.Equal(t, ids[text], r.json(t)["user_id"], "%q as %s", text, spelt)
		}
	}
	// The examples.
	for spelt, text := range map[string]string{
		"q+c%2Fd": "q+c/d", "q%20c%2Fd": "q c/d", "ada+lab%40example.com": "ada+lab@example.com",
		"ada%2Blab@example.com": "ada+lab@example.com",
	} {
		r := f.sendWithKey(http.MethodGet, "/v2/user/resolve/"+spelt, f.key, nil)
		require.Equal(t, http.StatusOK, r.status, spelt)
		require.Equal(t, ids[text], r.json(t)["user_id"], spelt)
	}
}

// escapeAll escapes every byte of a text.
func escapeAll(text string) string {
	const digits = "0123456789abcdef"
	var b strings.Builder
	for i := range len(text) {
		b.WriteString("%" + string(digits[text[i]>>4]) + string(digits[text[i]&15]))
	}
	return b.String()
}
