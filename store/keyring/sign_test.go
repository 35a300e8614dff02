package keyring

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSignedTextsAreVerified(t *testing.T) {
	t.Parallel()
	old := newEncryptionKeyText(t, "old")
	k := newKeyring(t, old)
	for _, data := range []string{"", "x", `{"slot": "9:00"}`, "\x00\xff."} {
		signed := k.Sign("booking 1", []byte(data))
		got, err := k.Verify("booking 1", signed)
		require.NoError(t, err)
		require.Equal(t, data, string(got))
		got, err = newKeyring(t, newEncryptionKeyText(t, "new"), old).Verify("booking 1", signed)
		require.NoError(t, err, "a key that is added in front changes nothing")
		require.Equal(t, data, string(got))

		_, err = k.Verify("booking 2", signed)
		require.ErrorIs(t, err, ErrBadSignature, "of another purpose")
		_, err = newKeyring(t, newEncryptionKeyText(t, "old")).Verify("booking 1", signed)
		require.ErrorIs(t, err, ErrBadSignature, "of another key")
		for i := range signed {
			spoilt := []byte(signed)
			spoilt[i] ^= 1
			_, err = k.Verify("booking 1", string(spoilt))
			require.ErrorIs(t, err, ErrBadSignature, "byte %d", i)
			_, err = k.Verify("booking 1", signed[:i])
			require.ErrorIs(t, err, ErrBadSignature, "cut at %d", i)
		}
	}
}
