package api_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// contractRule is one rule of a section such as client-api#8-orders, and a request that checks it.
type contractRule struct {
	rule    string // the sentence, in brief
	request func() reply

	status int // 0: 200
	// values in the answer by their paths, such as "order.events.0.status"; absent: the answer does not have the path
	shows map[string]any

	loc, kind string // the one problem of a 422, such as "body.consents.0.version"
	text      string // a part of the detail
}

// absent says that an answer does not have a path.
var absent = struct{ absent bool }{}

// check sends the request of each rule and checks the answer.
func check(t *testing.T, rules []contractRule) {
	t.Helper()
	names := map[string]bool{}
	for _, r := range rules {
		require.False(t, names[r.rule], "%s comes twice", r.rule)
		names[r.rule] = true
		got := r.request()
		if r.loc != "" {
			require.Equal(t, http.StatusUnprocessableEntity, got.status, "%s: %s", r.rule, got.body)
			require.Equal(t, []string{r.loc + " " + r.kind}, problemsOf(t, got), r.rule)
			continue
		}
		want := r.status
		if want == 0 {
			want = http.StatusOK
		}
		require.Equal(t, want, got.status, "%s: %s", r.rule, got.body)
		if r.text != "" {
			require.Contains(t, got.detail(t), r.text, r.rule)
		}
		for path, value := range r.shows {
			require.Equal(t, value, at(t, got, path), "%s: %s in %s", r.rule, path, got.body)
		}
	}
}

// problemsOf returns the problems of a 422 answer, as "path type".
func problemsOf(t testing.TB, r reply) []string {
	t.Helper()
	list, ok := r.detail(t).([]any)
	require.True(t, ok, string(r.body))
	var out []string
	for _, item := range list {
		p := item.(map[string]any)
		require.NotEmpty(t, p["msg"])
		var parts []string
		for _, part := range p["loc"].([]any) {
			if n, ok := part.(float64); ok {
				part = strconv.Itoa(int(n))
			}
			parts = append(parts, part.(string))
		}
		out = append(out, strings.Join(parts, ".")+" "+p["type"].(string))
	}
	return out
}

// at returns the value at a path of an answer.
func at(t *testing.T, r reply, path string) any {
	t.Helper()
	var v any = r.json(t)
	for part := range strings.SplitSeq(path, ".") {
		switch inner := v.(type) {
		case map[string]any:
			next, there := inner[part]
			if !there {
				return absent
			}
			v = next
		case []any:
			n, err := strconv.Atoi(part)
			require.NoError(t, err, path)
			require.Less(t, n, len(inner), path)
			v = inner[n]
		default:
			require.Fail(t, "no such path", path)
		}
	}
	return v
}

// Controls: another value, a missing path, a problem at another path.
func TestRuleCheckerReportsFailures(t *testing.T) {
	t.Parallel()
	r := reply{status: 422, body: []byte(`{"detail": [{"loc": ["body", "a", 2], "msg": "x", "type": "missing"}]}`),
		header: http.Header{"Content-Type": {"application/json"}}}
	require.Equal(t, []string{"body.a.2 missing"}, problemsOf(t, r))
	require.Equal(t, "missing", at(t, r, "detail.0.type"))
	require.Equal(t, absent, at(t, r, "error"))
}
