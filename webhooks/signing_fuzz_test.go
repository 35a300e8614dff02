package webhooks

import (
	"encoding/base64"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"
)

// FuzzSign checks that Sign either refuses a secret, or returns headers that the library of the receivers accepts for
// the body, and not for the body with one more byte.
func FuzzSign(f *testing.F) {
	f.Add("whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=", "msg_1", []byte(`{"a":1}`))
	f.Add("whsec_", "", []byte(nil))
	f.Add("whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\n", "id", []byte("\x00"))
	f.Add("MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3", "a.b", []byte("."))
	f.Fuzz(func(t *testing.T, secret, id string, body []byte) {
		header, err := Sign(id, time.Now(), body, secret)
		if err != nil {
			require.NotContains(t, err.Error(), "MDEyMzQ1Njc4")
			return
		}
		key, err := ParseSecret(secret)
		require.NoError(t, err)
		require.Equal(t, secret, secretPrefix+base64.StdEncoding.EncodeToString(key), "a secret has one form")
		receiver, err := standardwebhooks.NewWebhookRaw(key)
		require.NoError(t, err)
		require.NoError(t, receiver.Verify(body, header))
		require.Error(t, receiver.Verify(append(body[:len(body):len(body)], ' '), header))
	})
}
