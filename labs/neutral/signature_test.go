package neutral_test

import (
	"net/http"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/labs"
	"github.com/aliquot-labs/aliquot/labs/neutral"
	"github.com/aliquot-labs/aliquot/labs/neutral/neutraltest"
)

func TestAuthenticateByAccount(t *testing.T) {
	t.Parallel()
	first, second := neutraltest.FullAccount, neutraltest.MinimalAccount
	accounts := []labs.Credentials{
		{AccountID: "acc-1", User: first.User, Token: first.Token},
		{AccountID: "acc-2", User: second.User, Token: first.Token}, // an account with the same secret as another one
		{AccountID: "acc-3", User: "third", Token: second.Token},
		{AccountID: "acc-4", User: first.User, Token: "no secret"},
	}
	body := []byte(`{}`)
	for name, tt := range map[string]struct {
		change func(http.Header)
		want   []string
	}{
		"the account's own":  {func(http.Header) {}, []string{"acc-1"}},
		"the other account":  {func(h http.Header) { h.Set("x-account", second.User) }, []string{"acc-2"}},
		"no account":         {func(h http.Header) { h.Del("x-account") }, []string{"acc-1", "acc-2"}},
		"another's account":  {func(h http.Header) { h.Set("x-account", "third") }, nil},
		"an unknown account": {func(h http.Header) { h.Set("x-account", "nobody") }, nil},
		"several signatures": {func(h http.Header) {
			h.Set("webhook-signature",
				"v1,eA== v2,eA== "+h.Get("webhook-signature"))
		}, []string{"acc-1"}},
		"an unknown version": {func(h http.Header) { h.Set("webhook-signature", "v2"+h.Get("webhook-signature")[2:]) },
			nil},
		"no signature":         {func(h http.Header) { h.Del("webhook-signature") }, nil},
		"another id":           {func(h http.Header) { h.Set("webhook-id", "evt-2") }, nil},
		"no id":                {func(h http.Header) { h.Del("webhook-id") }, nil},
		"another time":         {func(h http.Header) { h.Set("webhook-timestamp", "1") }, nil},
		"a time in other form": {func(h http.Header) { h.Set("webhook-timestamp", "+"+h.Get("webhook-timestamp")) }, nil},
		"no time":              {func(h http.Header) { h.Del("webhook-timestamp") }, nil},
	} {
		r := &http.Request{Header: http.Header{}}
		neutraltest.SignWebhook(r, first.User, first.Token, "evt-1", receivedAt, body)
		tt.change(r.Header)
		got, err := neutral.Authenticate(r, body, accounts, receivedAt)
		require.Equal(t, tt.want, got, name)
		if tt.want == nil {
			require.ErrorIs(t, err, labs.ErrWrongCredentials, name)
		} else {
			require.NoError(t, err, name)
		}
	}
}

// A webhook that was signed by a library of the specification is accepted.
func TestAuthenticateAcceptsStandardWebhooks(t *testing.T) {
	t.Parallel()
	signer, err := standardwebhooks.NewWebhook(neutraltest.FullAccount.Token)
	require.NoError(t, err)
	body, at := []byte(`{"type":"report_ready"}`), time.Unix(1772449200, 0)
	signature, err := signer.Sign("msg_1", at, body)
	require.NoError(t, err)
	r := &http.Request{Header: http.Header{}}
	r.Header.Set("Webhook-Id", "msg_1")
	r.Header.Set("Webhook-Timestamp", "1772449200")
	r.Header.Set("Webhook-Signature", signature)
	got, err := neutral.Authenticate(r, body,
		[]labs.Credentials{{AccountID: "acc-1", Token: neutraltest.FullAccount.Token}}, at)
	require.NoError(t, err)
	require.Equal(t, []string{"acc-1"}, got)
}
