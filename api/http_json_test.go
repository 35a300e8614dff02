package api_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Of a key that an object has twice, one value could be validated and the other one used.
func TestBodiesWithAKeyTwiceAreRefused(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	body, err := json.Marshal(f.orderBody(nil))
	require.NoError(t, err)
	good := string(body)
	require.Contains(t, good, `"zip":"85004"`)
	for name, bad := range map[string]string{
		"the same":       strings.Replace(good, `"zip":"85004"`, `"zip":"garbage","zip":"85004"`, 1),
		"another case":   strings.Replace(good, `"zip":"85004"`, `"zip":"85004","ZIP":"garbage"`, 1),
		"unicode's case": strings.Replace(good, `"first_name":"Ann"`, `"first_name":"Ann","fir\u017ft_name":"\u0000"`, 1),
		"in a list":      strings.Replace(good, `"consentType":`, `"consentType":"x","consenttype":`, 1),
		"whole objects": strings.Replace(good, `"patient_details":`,
			`"patient_details":{"race":"martian"},"patient_details":`, 1),
		"not known": strings.Replace(good, `"zip":"85004"`, `"zip":"85004","a":1,"A":{"b":[2]}`, 1),
	} {
		require.NotEqual(t, good, bad, name)
		t.Log(name) // shown when what follows fails
		requireProblem(t, f.sendWithKey(http.MethodPost, "/v3/order", f.key, bad), []any{"body"}, "json_invalid")
	}
	require.Zero(t, f.countOrders())

	fine := strings.Replace(good, `"zip":"85004"`, `"zip":"85004","other":[{"zip":1},{"zip":2},[],{},null,1]`, 1)
	require.Equal(t, http.StatusOK, f.sendWithKey(http.MethodPost, "/v3/order", f.key, fine).status,
		"keys of different objects")
}

// PostgreSQL stores no NUL characters. Without a check the answer would be 500, after which SDKs repeat the request.
func TestTextsWithNULAreRefused(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	requireProblem(t, f.sendWithKey(http.MethodPost, "/v2/user", f.key, `{"client_user_id": "a\u0000b"}`), []any{"body"},
		"value_error")
	requireProblem(t, f.sendWithKey(http.MethodPost, "/v3/order", f.key,
		f.orderBody(map[string]any{"patient_address.city": "a\x00"})), []any{"body"}, "value_error")
	require.Equal(t, http.StatusOK, f.sendWithKey(http.MethodPost, "/v2/user", f.key,
		`{"client_user_id": "a\u0001b\\u0000"}`).status)
}

// A number that no float64 holds is a problem of the body, with a message that says what is wrong.
func TestNumbersThatAreTooLargeAreRefused(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	r := f.sendWithKey(http.MethodPost, "/v2/user", f.key, `{"client_user_id": "a", "other": 1e400}`)
	requireProblem(t, r, []any{"body"}, "float_parsing")
	require.Contains(t, string(r.body), "too large")
}
