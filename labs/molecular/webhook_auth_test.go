package molecular_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/labs"
	"github.com/aliquot-labs/aliquot/labs/molecular"
)

func TestAuthenticate(t *testing.T) {
	t.Parallel()
	pairs := []labs.Credentials{
		{AccountID: "acc-1", User: "practice-9", Token: "new"},
		{AccountID: "acc-1", User: "practice-9", Token: "old"}, // accepted until MTL uses the new credentials
		{AccountID: "acc-2", User: "practice-10", Token: "other"},
		{AccountID: "acc-3"}, // not configured
		{AccountID: "acc-4", User: "practice-4"},
		{AccountID: "acc-5", Token: "lonely"},
	}
	basic := func(user, password string) func(*http.Request) {
		return func(r *http.Request) { r.SetBasicAuth(user, password) }
	}
	header := func(value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set("Authorization", value) }
	}
	tests := map[string]struct {
		pairs []labs.Credentials
		with  func(*http.Request)
		id    string
		err   error
	}{
		"the pair":        {pairs, basic("practice-9", "new"), "acc-1", nil},
		"the pair before": {pairs, basic("practice-9", "old"), "acc-1", nil},
		"two accounts with one pair": {
			append([]labs.Credentials{{AccountID: "acc-6", User: "practice-9", Token: "new"}}, pairs...),
			basic("practice-9", "new"), "acc-6,acc-1", nil,
		},
		"another account":     {pairs, basic("practice-10", "other"), "acc-2", nil},
		"wrong password":      {pairs, basic("practice-9", "newer"), "", labs.ErrWrongCredentials},
		"wrong user":          {pairs, basic("practice-8", "new"), "", labs.ErrWrongCredentials},
		"parts of two pairs":  {pairs, basic("practice-10", "new"), "", labs.ErrWrongCredentials},
		"swapped":             {pairs, basic("new", "practice-9"), "", labs.ErrWrongCredentials},
		"nothing":             {pairs, func(*http.Request) {}, "", labs.ErrWrongCredentials},
		"empty":               {pairs, basic("", ""), "", labs.ErrWrongCredentials},
		"half of a half pair": {pairs, basic("practice-4", ""), "", labs.ErrWrongCredentials},
		"the other half":      {pairs, basic("", "lonely"), "", labs.ErrWrongCredentials},
		"another scheme":      {pairs, header("Bearer new"), "", labs.ErrWrongCredentials},
		"no base64":           {pairs, header("Basic %%%"), "", labs.ErrWrongCredentials},
		"the headers of our calls": {pairs,
			func(r *http.Request) { r.Header.Set("user", "practice-9"); r.Header.Set("token", "new") }, "",
			labs.ErrWrongCredentials},
		"no accounts":               {nil, basic("practice-9", "new"), "", labs.ErrNoCredentials},
		"no accounts, no header":    {nil, func(*http.Request) {}, "", labs.ErrNoCredentials},
		"only unconfigured, empty":  {pairs[3:], basic("", ""), "", labs.ErrNoCredentials},
		"only unconfigured, a half": {pairs[3:], basic("practice-4", ""), "", labs.ErrNoCredentials},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest(http.MethodPost, "/", http.NoBody)
			tt.with(r)
			ids, err := molecular.Authenticate(r, nil, tt.pairs, now)
			require.ErrorIs(t, err, tt.err)
			require.Equal(t, tt.id, strings.Join(ids, ","))
		})
	}
}
