package webhooks_test

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/webhooks"
)

func newSecret(t *testing.T) string {
	t.Helper()
	secret, err := webhooks.NewSecret()
	require.NoError(t, err)
	return secret
}

// verify verifies a request as a receiver does, with the library of the Standard Webhooks specification.
func verify(t *testing.T, secret string, body []byte, h http.Header) error {
	t.Helper()
	receiver, err := standardwebhooks.NewWebhook(secret)
	require.NoError(t, err)
	return receiver.Verify(body, h)
}

func TestSecret(t *testing.T) {
	t.Parallel()
	one, other := newSecret(t), newSecret(t)
	require.NotEqual(t, one, other)
	key, err := webhooks.ParseSecret(one)
	require.NoError(t, err)
	require.Len(t, key, 32)
	require.Equal(t, one, "whsec_"+base64.StdEncoding.EncodeToString(key))
}

func TestParseSecret(t *testing.T) {
	t.Parallel()
	of := func(n int) string {
		return "whsec_" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat("k", n)))
	}
	tests := map[string]struct {
		secret string
		ok     bool
	}{
		"24 bytes":       {of(24), true},
		"64 bytes":       {of(64), true},
		"23 bytes":       {of(23), false},
		"65 bytes":       {of(65), false},
		"empty":          {"", false},
		"prefix only":    {"whsec_", false},
		"no prefix":      {strings.TrimPrefix(of(32), "whsec_"), false},
		"not base64":     {"whsec_" + strings.Repeat("*", 44), false},
		"URL alphabet":   {"whsec_" + strings.Repeat("-_", 22), false},
		"no padding":     {strings.TrimRight(of(32), "="), false},
		"line break":     {of(24)[:20] + "\n" + of(24)[20:], false},
		"trailing blank": {of(32) + " ", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := webhooks.ParseSecret(tt.secret)
			if tt.ok {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, webhooks.ErrInvalidSecret)
		})
	}
}

// The expected signature was computed with Python's hmac module.
func TestSignVector(t *testing.T) {
	t.Parallel()
	const secret = "whsec_YWxpcXVvdC1hbGlxdW90LWFsaXF1b3QtMDE="
	const signature = "v1,dttYMzLoZd4IghaZsfuULSRTWtQ3wanOQv+HqsczonY="
	h, err := webhooks.Sign("msg_1", time.Unix(1741064767, 999), []byte(`{"a":1}`), secret)
	require.NoError(t, err)
	require.Equal(t, http.Header{
		"Svix-Id": {"msg_1"}, "Svix-Timestamp": {"1741064767"}, "Svix-Signature": {signature},
		"Webhook-Id": {"msg_1"}, "Webhook-Timestamp": {"1741064767"}, "Webhook-Signature": {signature},
	}, h)
}

func TestSignRotation(t *testing.T) {
	t.Parallel()
	fresh, old, foreign := newSecret(t), newSecret(t), newSecret(t)
	body := []byte(`{"a":1}`)
	h, err := webhooks.Sign("msg_1", time.Now(), body, fresh, old)
	require.NoError(t, err)
	require.Len(t, strings.Fields(h.Get("webhook-signature")), 2)
	require.NoError(t, verify(t, fresh, body, h))
	require.NoError(t, verify(t, old, body, h))
	require.ErrorIs(t, verify(t, foreign, body, h), standardwebhooks.ErrNoMatchingSignature)
}

func TestSignRefuses(t *testing.T) {
	t.Parallel()
	secret := newSecret(t)
	_, err := webhooks.Sign("", time.Now(), nil, secret)
	require.Error(t, err)
	_, err = webhooks.Sign("msg_1", time.Now(), nil)
	require.Error(t, err)
	_, err = webhooks.Sign("msg_1", time.Now(), nil, secret, "hunter2")
	require.ErrorIs(t, err, webhooks.ErrInvalidSecret)
	require.NotContains(t, err.Error(), "hunter2")
}
