package keyring

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const fuzzKey = "k1:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="

// FuzzOpenKeyring checks that a text is either a working keyring or an error that quotes no secret.
func FuzzOpenKeyring(f *testing.F) {
	kms, err := NewLocalKMS(fuzzKey)
	require.NoError(f, err)
	wrapped, err := WrapEncryptionKey(f.Context(), kms, fuzzKey)
	require.NoError(f, err)
	for _, seed := range []string{fuzzKey, wrapped, fuzzKey + ", k2:" + strings.Repeat("A", 43) + "=", "k1:wrapped:", ":,",
		"k1:\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		k, err := Load(t.Context(), text, kms)
		if err != nil {
			require.NotContains(t, err.Error(), "MDEyMzQ1Njc4OWFiY2RlZj")
			return
		}
		opened, err := k.Open("p", k.Seal("p", []byte("plain")))
		require.NoError(t, err)
		require.Equal(t, "plain", string(opened))
		require.Contains(t, k.SearchHashes("name", "ada"), k.SearchHash("name", "ada"))
	})
}

// FuzzOpen checks that only sealed values open.
func FuzzOpen(f *testing.F) {
	k, err := Parse(fuzzKey)
	require.NoError(f, err)
	sealed := k.Seal("p", []byte("plain"))
	f.Add(sealed)
	f.Add(sealed[:10])
	f.Add([]byte{0})
	f.Add([]byte{255, 'k', '1'})
	f.Fuzz(func(t *testing.T, value []byte) {
		opened, err := k.Open("p", value)
		if len(value) == 0 {
			require.NoError(t, err)
			require.Nil(t, opened)
			return
		}
		if err == nil { // every process seals its own seed
			require.Equal(t, "plain", string(opened))
			return
		}
		require.Nil(t, opened)
		_, err = k.Open("elsewhere", value)
		require.Error(t, err)
	})
}

// FuzzVerify checks that Verify accepts only texts that Sign made of the returned data. Booking keys are such texts.
func FuzzVerify(f *testing.F) {
	k, err := Parse(fuzzKey)
	require.NoError(f, err)
	for _, seed := range []string{k.Sign("booking", []byte(`{"slot":1}`)), k.Sign("other", nil), ".", "e30.AAAA", ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		data, err := k.Verify("booking", text)
		if err != nil {
			require.ErrorIs(t, err, ErrBadSignature)
			require.Nil(t, data)
			return
		}
		require.Equal(t, text, k.Sign("booking", data))
	})
}
