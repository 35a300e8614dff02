package conformance

import (
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/labs"
	"github.com/aliquot-labs/aliquot/order"
)

// receivedAt is when the suite receives its webhooks.
var receivedAt = time.Date(2026, 3, 2, 10, 0, 0, 123456789, time.UTC)

func (f Fixture) decode(t testing.TB, w Webhook) labs.InboundMessage {
	t.Helper()
	return f.Protocol.Decode(f.Webhooks.NewRequest(f.FullAccount, w, receivedAt).Header, w.Body, receivedAt)
}

// authenticate lists the accounts whose credentials a request has.
func (f Fixture) authenticate(t testing.TB, r *http.Request, accounts []labs.Credentials) ([]string, error) {
	t.Helper()
	body, err := io.ReadAll(r.Body)
	require.NoError(t, err)
	return f.Protocol.Authenticate(r, body, accounts, receivedAt)
}

// twoAccounts returns the full account, another account, and the credentials of both.
func (f Fixture) twoAccounts() (own, other labs.Account, all []labs.Credentials) {
	own, other = f.FullAccount, f.FullAccount
	own.ID, other.ID, other.User, other.Token = "acc-own", "acc-other", f.MinimalAccount.User, f.MinimalAccount.Token
	return own, other, []labs.Credentials{
		{AccountID: other.ID, User: other.User, Token: other.Token},
		{AccountID: own.ID, User: own.User, Token: own.Token},
		{AccountID: other.ID}, // an account without previous credentials
	}
}

func checkAuthentication(t testing.TB, f Fixture) {
	t.Helper()
	w := f.Webhooks.Facts[0].Webhook
	own, other, all := f.twoAccounts()
	require.NotEqual(t, own.Token, other.Token, "the fixture's accounts differ")

	for _, a := range []labs.Account{own, other} {
		ids, err := f.authenticate(t, f.Webhooks.NewRequest(a, w, receivedAt), all)
		require.NoError(t, err)
		require.Equal(t, []string{a.ID}, ids)
		if f.Protocol.WebhookUser != nil { // the account is found by it
			user, ok := f.Protocol.WebhookUser(f.Webhooks.NewRequest(a, w, receivedAt))
			require.True(t, ok)
			require.Equal(t, a.User, user)
		}
	}
	changed := own // while credentials are being changed, both pairs are accepted
	changed.User, changed.Token = other.User, other.Token
	pairs := []labs.Credentials{{AccountID: own.ID, User: changed.User, Token: changed.Token},
		{AccountID: own.ID, User: own.User, Token: own.Token}}
	for _, a := range []labs.Account{own, changed} {
		ids, err := f.authenticate(t, f.Webhooks.NewRequest(a, w, receivedAt), pairs)
		require.NoError(t, err)
		require.Equal(t, []string{own.ID}, ids)
	}

	ids, err := f.authenticate(t, f.Webhooks.NewRequest(own, w, receivedAt), all[:1])
	require.ErrorIs(t, err, labs.ErrWrongCredentials, "another account's credentials")
	require.Empty(t, ids)
	bare := f.Webhooks.NewRequest(own, w, receivedAt)
	bare.Header = http.Header{}
	_, err = f.authenticate(t, bare, all)
	require.ErrorIs(t, err, labs.ErrWrongCredentials, "no credentials")
	for _, none := range [][]labs.Credentials{nil, {{AccountID: own.ID}}} {
		_, err = f.authenticate(t, f.Webhooks.NewRequest(own, w, receivedAt), none)
		require.ErrorIs(t, err, labs.ErrNoCredentials, "no credentials are configured")
	}
}

func checkSignatures(t testing.TB, f Fixture) {
	t.Helper()
	if !f.Webhooks.Signed {
		return
	}
	own, _, all := f.twoAccounts()
	w := f.Webhooks.Facts[0].Webhook
	forged := f.Webhooks.NewRequest(own, w, receivedAt)
	_, err := f.Protocol.Authenticate(forged, append(slices.Clone(w.Body), ' '), all, receivedAt)
	require.ErrorIs(t, err, labs.ErrWrongCredentials, "a body that was not signed")
	for _, age := range []time.Duration{-6 * time.Minute, 6 * time.Minute} {
		_, err := f.authenticate(t, f.Webhooks.NewRequest(own, w, receivedAt.Add(age)), all)
		require.ErrorIs(t, err, labs.ErrWrongCredentials, "signed %s ago", -age)
	}
	for _, age := range []time.Duration{-4 * time.Minute, 4 * time.Minute} {
		_, err := f.authenticate(t, f.Webhooks.NewRequest(own, w, receivedAt.Add(age)), all)
		require.NoError(t, err, "clocks differ")
	}
}

func checkDecoding(t testing.TB, f Fixture) {
	t.Helper()
	require.NotEmpty(t, f.Webhooks.Facts)
	for _, e := range f.Webhooks.Facts {
		m := f.decode(t, e.Webhook)
		require.Empty(t, m.Problem, e.Kind)
		require.Equal(t, e.Number, m.OrderNumber)
		require.Equal(t, e.Kind, m.Kind)
		require.Equal(t, e.Reason, m.Reason)
		require.Equal(t, e.HasLocation, m.Location != nil, e.Kind)
		want := e.Fact
		want.ReceivedAt = receivedAt.Truncate(time.Microsecond)
		require.NotNil(t, m.Fact, e.Kind)
		require.Equal(t, want, *m.Fact)
		require.Equal(t, m.Fact.SentAt, m.Fact.SentAt.UTC().Truncate(time.Microsecond))
		requireCodesOnly(t, m)
		require.Equal(t, m, f.decode(t, e.Webhook), "decoding is deterministic")
	}
}

var codePattern = regexp.MustCompile(`^[-0-9A-Za-z _./:#]{0,64}$`)

// requireCodesOnly checks that the parts of a message outside the encrypted store hold codes only.
func requireCodesOnly(t testing.TB, m labs.InboundMessage) {
	t.Helper()
	require.Regexp(t, codePattern, m.Kind)
	require.NotEmpty(t, m.Key)
	require.NotEmpty(t, m.Hash)
	visible, err := json.Marshal([]any{m.OrderNumber, m.Kind, m.Key, m.Hash, m.Problem, m.Fact})
	require.NoError(t, err)
	require.NotContains(t, string(visible), Canary, "free text is in what is sent to Temporal")
}

func checkProblems(t testing.TB, f Fixture) {
	t.Helper()
	for _, p := range []labs.Problem{labs.Malformed, labs.MissingFields, labs.UnknownType, labs.IncompleteData} {
		require.NotEmpty(t, f.Webhooks.Problems[p], "the fixture has no webhook that is %s", p)
		for _, w := range f.Webhooks.Problems[p] {
			m := f.decode(t, w)
			require.Equal(t, p, m.Problem, string(w.Body))
			require.Nil(t, m.Fact)
			requireCodesOnly(t, m)
			require.Equal(t, m.Key, f.decode(t, w).Key, "decoding is deterministic")
		}
	}
	for _, body := range []string{"", "null", "[]", "7", "{", "\x00", `{"order_number":"` + OrderNumber} {
		require.Equal(t, labs.Malformed, f.decode(t, Webhook{ID: "1", Body: []byte(body)}).Problem, body)
	}
}

func checkMessageKeys(t testing.TB, f Fixture) {
	t.Helper()
	first := f.decode(t, f.Webhooks.Facts[0].Webhook)
	again := f.Protocol.Decode(f.Webhooks.NewRequest(f.FullAccount, f.Webhooks.Facts[0].Webhook,
		receivedAt.Add(time.Hour)).Header,
		f.Webhooks.Facts[0].Body, receivedAt.Add(time.Hour))
	require.Equal(t, first.Key, again.Key, "a repeated webhook has the same key")
	require.Equal(t, first.Hash, again.Hash)

	amended := f.decode(t, f.Webhooks.AmendedFact)
	require.NotNil(t, amended.Fact)
	require.Equal(t, first.Key, amended.Key, "an amendment has the same key")
	require.NotEqual(t, first.Hash, amended.Hash)

	keys := map[string]string{}
	for _, e := range f.Webhooks.Facts {
		m := f.decode(t, e.Webhook)
		require.Empty(t, keys[m.Key], "%s has the key of another fact", e.Kind)
		keys[m.Key] = e.Kind
	}
}

func checkMissingTimes(t testing.TB, f Fixture) {
	t.Helper()
	m := f.decode(t, f.Webhooks.FactWithoutTime)
	require.Empty(t, m.Problem, "a fact without a time is a fact")
	require.NotNil(t, m.Fact)
	require.Zero(t, m.Fact.SentAt)
	require.Equal(t, receivedAt.Truncate(time.Microsecond), m.Fact.ReceivedAt)
	at, plausible := m.Fact.EffectiveTime(receivedAt.Add(-order.Day))
	require.False(t, plausible)
	require.Equal(t, m.Fact.ReceivedAt, at)
}
