package molecular_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/labs/molecular"
)

func TestAuthenticate(t *testing.T) {
	t.Parallel()
	pairs := []molecular.Credentials{
		{AccountID: "acc-1", User: "practice-9", Token: "new"},
		{AccountID: "acc-1", User: "practice-9", Token: "old"}, // until MTL has changed over
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
		pairs []molecular.Credentials
		with  func(*http.Request)
		id    string
		err   error
	}{
		"the pair":                  {pairs, basic("practice-9", "new"), "acc-1", nil},
		"the pair before":           {pairs, basic("practice-9", "old"), "acc-1", nil},
		"another account":           {pairs, basic("practice-10", "other"), "acc-2", nil},
		"wrong password":            {pairs, basic("practice-9", "newer"), "", molecular.ErrBadCredentials},
		"wrong user":                {pairs, basic("practice-8", "new"), "", molecular.ErrBadCredentials},
		"parts of two pairs":        {pairs, basic("practice-10", "new"), "", molecular.ErrBadCredentials},
		"swapped":                   {pairs, basic("new", "practice-9"), "", molecular.ErrBadCredentials},
		"nothing":                   {pairs, func(*http.Request) {}, "", molecular.ErrBadCredentials},
		"empty":                     {pairs, basic("", ""), "", molecular.ErrBadCredentials},
		"half of a half pair":       {pairs, basic("practice-4", ""), "", molecular.ErrBadCredentials},
		"the other half":            {pairs, basic("", "lonely"), "", molecular.ErrBadCredentials},
		"another scheme":            {pairs, header("Bearer new"), "", molecular.ErrBadCredentials},
		"no base64":                 {pairs, header("Basic %%%"), "", molecular.ErrBadCredentials},
		"the headers of our calls":  {pairs, func(r *http.Request) { r.Header.Set("user", "practice-9"); r.Header.Set("token", "new") }, "", molecular.ErrBadCredentials},
		"nobody":                    {nil, basic("practice-9", "new"), "", molecular.ErrNoCredentials},
		"nobody, nothing":           {nil, func(*http.Request) {}, "", molecular.ErrNoCredentials},
		"only unconfigured, empty":  {pairs[3:], basic("", ""), "", molecular.ErrNoCredentials},
		"only unconfigured, a half": {pairs[3:], basic("practice-4", ""), "", molecular.ErrNoCredentials},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest(http.MethodPost, "/", http.NoBody)
			tt.with(r)
			id, err := molecular.Authenticate(r, tt.pairs)
			require.ErrorIs(t, err, tt.err)
			require.Equal(t, tt.id, id)
		})
	}
}
