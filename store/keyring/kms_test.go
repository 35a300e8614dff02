package keyring

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

type countingKMS struct{ unwrapped int }

var errOtherKey = errors.New("not my key")

func (k *countingKMS) Wrap(_ context.Context, id string, key []byte) ([]byte, error) {
	return append([]byte(id+"|"), key...), nil
}

func (k *countingKMS) Unwrap(_ context.Context, id string, wrapped []byte) ([]byte, error) {
	key, ok := strings.CutPrefix(string(wrapped), id+"|")
	if !ok {
		return nil, errOtherKey
	}
	k.unwrapped++
	return []byte(key), nil
}

func TestKeysMayBeWrapped(t *testing.T) {
	t.Parallel()
	local, err := NewLocalKMS(newEncryptionKeyText(t, "master"))
	require.NoError(t, err)
	counting := &countingKMS{}
	for name, kms := range map[string]KMS{"local": local, "remote": counting} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			open := newEncryptionKeyText(t, "a")
			wrapped, err := WrapEncryptionKey(t.Context(), kms, open)
			require.NoError(t, err)
			_, secret, _ := strings.Cut(open, ":")
			require.NotContains(t, wrapped, secret)
			k, err := Load(t.Context(), wrapped+", "+newEncryptionKeyText(t, "b"), kms)
			require.NoError(t, err)
			opened, err := newKeyring(t, open).Open("p", k.Seal("p", []byte("plain")))
			require.NoError(t, err)
			require.Equal(t, "plain", string(opened), "it is the same key")

			_, err = Parse(wrapped)
			require.ErrorContains(t, err, "no master key")
			_, err = Load(t.Context(), strings.Replace(wrapped, "a:", "c:", 1), kms)
			require.ErrorContains(t, err, "unwrapping encryption key c", "a wrapped key keeps its name")
			for _, bad := range []string{"a:wrapped:", "a:wrapped:!", "a:wrapped:QQ=="} {
				_, err = Load(t.Context(), bad, kms)
				require.Error(t, err, bad)
			}
		})
	}
	other, err := NewLocalKMS(newEncryptionKeyText(t, "master"))
	require.NoError(t, err)
	wrapped, err := WrapEncryptionKey(t.Context(), local, newEncryptionKeyText(t, "a"))
	require.NoError(t, err)
	_, err = Load(t.Context(), wrapped, other)
	require.Error(t, err)
}
