package easypost_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/couriers/easypost"
)

// FuzzVerify: no header passes for the signature of a body but the one that the secret makes, in either case of its digits.
func FuzzVerify(f *testing.F) {
	f.Add("hmac-sha256-hex=", []byte("{}"))
	f.Add("hmac-sha256-hex=zz", []byte(nil))
	f.Add("", []byte("x"))
	f.Add("hmac-sha256-hex=e7a1c1bd7a1ad3e3a0d5a2a0c7d1f1d4e3a4b0d5c6f7a8b9c0d1e2f3a4b5c6d7", []byte(`{"description":"tracker.updated"}`))
	f.Fuzz(func(t *testing.T, header string, body []byte) {
		require.ErrorIs(t, easypost.VerifySignature(nil, header, body), easypost.ErrNoSecret)
		require.ErrorIs(t, easypost.VerifySignature([]string{""}, header, body), easypost.ErrNoSecret)
		// Nobody who does not have it can have guessed a secret that was made now.
		require.ErrorIs(t, easypost.VerifySignature([]string{t.TempDir()}, header, body), easypost.ErrSignature)
	})
}
