package easypost_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/couriers/easypost"
)

// FuzzVerify checks that only the header that the secret makes verifies a body, in either case of its digits.
func FuzzVerify(f *testing.F) {
	f.Add("hmac-sha256-hex=", []byte("{}"))
	f.Add("hmac-sha256-hex=zz", []byte(nil))
	f.Add("", []byte("x"))
	f.Add("hmac-sha256-hex=e7a1c1bd7a1ad3e3a0d5a2a0c7d1f1d4e3a4b0d5c6f7a8b9c0d1e2f3a4b5c6d7",
		[]byte(`{"description":"tracker.updated"}`))
	f.Fuzz(func(t *testing.T, header string, body []byte) {
		require.ErrorIs(t, easypost.VerifySignature(nil, header, body), easypost.ErrNoSecret)
		require.ErrorIs(t, easypost.VerifySignature([]string{""}, header, body), easypost.ErrNoSecret)
		// A new temporary directory's name cannot have been guessed as a secret.
		require.ErrorIs(t, easypost.VerifySignature([]string{t.TempDir()}, header, body), easypost.ErrSignature)
	})
}

// The signature of signedBody, computed with Python's hmac and unicodedata.
const (
	signedBody   = `{"description":"tracker.updated","id":"evt_1"}`
	signedSecret = "cl\u00e9-du-d\u00e9p\u00f4t" // composed accents
	signature    = "hmac-sha256-hex=080b7d93f81d68b83ac3a5a6c7b32e1c310fdc581e2c3f075e82427f4e313a86"
)

func TestVerifySignature(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		secrets []string
		header  string
		body    string
		want    error
	}{
		"right":             {[]string{signedSecret}, signature, signedBody, nil},
		"decomposed secret": {[]string{"cle\u0301-du-de\u0301po\u0302t"}, signature, signedBody, nil},
		"new of two":        {[]string{"old", signedSecret}, signature, signedBody, nil},
		"old of two":        {[]string{signedSecret, "new"}, signature, signedBody, nil},
		"upper-case hex": {[]string{signedSecret}, "hmac-sha256-hex=" + strings.ToUpper(signature[16:]), signedBody,
			nil},
		"changed byte": {[]string{signedSecret}, signature, strings.Replace(signedBody, "evt_1", "evt_2", 1),
			easypost.ErrSignature},
		"other secret":            {[]string{"another"}, signature, signedBody, easypost.ErrSignature},
		"no header":               {[]string{signedSecret}, "", signedBody, easypost.ErrSignature},
		"no prefix":               {[]string{signedSecret}, signature[16:], signedBody, easypost.ErrSignature},
		"prefix only":             {[]string{signedSecret}, "hmac-sha256-hex=", signedBody, easypost.ErrSignature},
		"half a signature":        {[]string{signedSecret}, signature[:48], signedBody, easypost.ErrSignature},
		"not hex":                 {[]string{signedSecret}, "hmac-sha256-hex=zz", signedBody, easypost.ErrSignature},
		"no secret":               {nil, signature, signedBody, easypost.ErrNoSecret},
		"empty secret is none":    {[]string{""}, emptySecretSignature, signedBody, easypost.ErrNoSecret},
		"empty secret beside one": {[]string{"", signedSecret}, emptySecretSignature, signedBody, easypost.ErrSignature},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := easypost.VerifySignature(tt.secrets, tt.header, []byte(tt.body))
			if tt.want == nil {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, tt.want)
		})
	}
}

// A signature that somebody without the secret can make.
const emptySecretSignature = "hmac-sha256-hex=34e811bb058449f31150ad900c2bb6668c0d19aab905be12092b13c6bb462c0e"
