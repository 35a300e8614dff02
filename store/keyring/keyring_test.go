package keyring

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func newEncryptionKeyText(t *testing.T, id string) string {
	t.Helper()
	k, err := NewEncryptionKey(id)
	require.NoError(t, err)
	return k
}

func newKeyring(t *testing.T, keys ...string) *Keyring {
	t.Helper()
	k, err := Parse(strings.Join(keys, ", "))
	require.NoError(t, err)
	return k
}

func TestSealedValuesOpenInTheirContext(t *testing.T) {
	t.Parallel()
	k := newKeyring(t, newEncryptionKeyText(t, "a"))
	for _, plain := range []string{"", "x", strings.Repeat("long ", 10000), "\x00\xff"} {
		sealed := k.Seal("orders/1/patient", []byte(plain))
		require.False(t, len(plain) > 3 && strings.Contains(string(sealed), plain))
		opened, err := k.Open("orders/1/patient", sealed)
		require.NoError(t, err)
		require.Equal(t, plain, string(opened))
		for _, elsewhere := range []string{"orders/2/patient", "orders/1/address", ""} {
			_, err = k.Open(elsewhere, sealed)
			require.ErrorContains(t, err, `key "a"`)
		}
		require.NotEqual(t, sealed, k.Seal("orders/1/patient", []byte(plain)), "equal values look different")
	}
}

func TestATamperedValueDoesNotOpen(t *testing.T) {
	t.Parallel()
	k := newKeyring(t, newEncryptionKeyText(t, "a"))
	sealed := k.Seal("p", []byte("plain"))
	for i := range sealed {
		spoilt := append([]byte(nil), sealed...)
		spoilt[i] ^= 1
		_, err := k.Open("p", spoilt)
		require.Error(t, err, "byte %d", i)
		_, err = k.Open("p", sealed[:i])
		if i > 0 { // an empty value means no value
			require.Error(t, err, "cut at %d", i)
		}
	}
	opened, err := k.Open("p", nil)
	require.NoError(t, err)
	require.Nil(t, opened)
}

func TestKeysCanBeRotated(t *testing.T) {
	t.Parallel()
	first, second := newEncryptionKeyText(t, "first"), newEncryptionKeyText(t, "second")
	old := newKeyring(t, first)
	sealed, hash := old.Seal("p", []byte("plain")), old.SearchHash("name", "ada")

	both := newKeyring(t, second, first)
	opened, err := both.Open("p", sealed)
	require.NoError(t, err)
	require.Equal(t, "plain", string(opened))
	require.Equal(t, []string{both.SearchHash("name", "ada"), hash}, both.SearchHashes("name", "ada"),
		"a search looks for both")
	require.NotEqual(t, hash, both.SearchHash("name", "ada"))

	fresh := both.Seal("p", []byte("plain"))
	_, err = old.Open("p", fresh)
	require.ErrorContains(t, err, `no key "second"`, "new values are sealed with the key in front")
	_, err = newKeyring(t, second).Open("p", sealed)
	require.ErrorContains(t, err, `no key "first"`)
}

func TestHashesAreKeyedAndByField(t *testing.T) {
	t.Parallel()
	k, other := newKeyring(t, newEncryptionKeyText(t, "a")), newKeyring(t, newEncryptionKeyText(t, "a"))
	require.NotEqual(t, k.SearchHash("name", "ada"), k.SearchHash("full_name", "ada"))
	require.NotEqual(t, k.SearchHash("name", "ada"), k.SearchHash("name", "Ada"))
	require.NotEqual(t, k.SearchHash("name", "ada"), other.SearchHash("name", "ada"))
}

func TestBadKeyringsAreRefused(t *testing.T) {
	t.Parallel()
	good := newEncryptionKeyText(t, "a")
	_, secret, _ := strings.Cut(good, ":")
	for name, text := range map[string]string{
		"nothing":       "",
		"no id":         ":" + secret,
		"no key":        "a:",
		"no colon":      secret,
		"not base64":    "a:" + secret[1:] + "!",
		"short":         "a:" + secret[:40] + "=",
		"trailing":      good + ",",
		"the same id":   good + "," + newEncryptionKeyText(t, "a"),
		"a long id":     strings.Repeat("i", 256) + ":" + secret,
		"second is bad": good + ",b:xx",
	} {
		_, err := Parse(text)
		require.Error(t, err, name)
		require.NotContains(t, err.Error(), secret[5:20], name)
	}
}

// The error of decoding must not quote the sealed content.
func TestDecodingErrorsDoNotQuoteTheContent(t *testing.T) {
	t.Parallel()
	k := newKeyring(t, newEncryptionKeyText(t, "a"))
	sealed := k.Seal("p", []byte(`{"dob":"canary"}`))
	var v struct {
		DOB int `json:"dob"`
	}
	err := k.OpenJSON("p", sealed, &v)
	require.ErrorContains(t, err, "expected form")
	require.NotContains(t, err.Error(), "canary")
}
