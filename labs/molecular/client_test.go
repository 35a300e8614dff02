package molecular_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/labs"
	"github.com/aliquot-labs/aliquot/labs/molecular"
	"github.com/aliquot-labs/aliquot/lifecycle"
)

const acceptedAnswer = `[{"order_number":"K7Q2M9XW4T1B8C5D","kit_id":"M000412207","success":true,"error_msg":" null "}]`

func TestNewNamesAllProblems(t *testing.T) {
	t.Parallel()
	a := labs.Account{
		ID: "acc-1", BaseURL: "lab.example", Spacing: time.Second, Environment: "staging",
		Settings: []byte(`{"physicians":{"wa":1,"AZ":0},"default_physician":-1,"practice_id":-1,"shipping_method":-1,
			"lob":"DNA",
			"endpoints":{"results":"https://other.example/Results","order_info":"/../x","cancel":"Cancel"}}`),
	}

	_, err := molecular.New(a, labs.Options{})

	for _, want := range []string{
		"lab account acc-1", "user and token", "environment", "base URL is not an http or https URL", "spacing",
		`"wa" is not a state`, `"AZ" is not positive`, "default_physician", "practice_id", "shipping_method",
		"lob is not one of SC",
		"results is not a path", "order_info is not a path", "cancel is not a path",
	} {
		require.ErrorContains(t, err, want)
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change func(*labs.Account)
		want   string
	}{
		"settings that are no JSON": {func(a *labs.Account) { a.Settings = []byte("{") }, "settings"},
		"a misspelt setting":        {func(a *labs.Account) { a.Settings = []byte(`{"physican":{}}`) }, "physican"},
		"two documents":             {func(a *labs.Account) { a.Settings = []byte(`{}{}`) }, "more than one"},
		"a base URL with credentials": {func(a *labs.Account) { a.BaseURL = "https://u:p@lab.example" },
			"more than a scheme"},
		"a base URL with a query": {func(a *labs.Account) { a.BaseURL = "https://lab.example?x=1" },
			"more than a scheme"},
		"production in the clear":            {func(a *labs.Account) { a.Environment = labs.Production }, "not https"},
		"no token":                           {func(a *labs.Account) { a.Token = "" }, ": token is required"},
		"no user":                            {func(a *labs.Account) { a.User = "" }, ": user is required"},
		"a scheme other than http and https": {func(a *labs.Account) { a.BaseURL = "ftp://lab.example" }, "base URL"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := account("http://lab.example", "")
			_, err := molecular.New(a, labs.Options{})
			require.NoError(t, err, "the account must be good but for the change")

			tt.change(&a)
			_, err = molecular.New(a, labs.Options{})

			require.ErrorContains(t, err, tt.want)
			require.NotContains(t, err.Error(), token)
		})
	}
}

func TestCapabilitiesFollowTheSettings(t *testing.T) {
	t.Parallel()
	tests := map[string]labs.Capabilities{
		"":                                      {},
		`{"endpoints":{"results":"/Results"}}`:  {Results: true},
		`{"endpoints":{"cancel":"/v2/Cancel"}}`: {Cancel: true},
		settings:                                {Cancel: true, Results: true},
	}
	for document, want := range tests {
		want.Methods = []lifecycle.Modality{lifecycle.Testkit}
		require.Equal(t, want, newClient(t, account("http://lab.example", document), labs.Options{}).Capabilities())
	}
}

// Production must never call an endpoint that MTL has not confirmed (molecular-api#d34).
func TestOnlyConfirmedEndpointsAreCalled(t *testing.T) {
	t.Parallel()
	l := newLab(t, answer(http.StatusOK, `[{"success":false,"error_msg":"order_number already exists"}]`))
	a := account(l.URL, placingOnlySettings)
	a.Environment = labs.Production
	client := newClient(t, a, labs.Options{})

	placed, err := client.Place(t.Context(), requisition())
	require.NoError(t, err)
	require.True(t, placed.AlreadyPlaced)
	require.Empty(t, placed.Accession)
	_, err = client.FetchResults(t.Context(), number)
	require.ErrorIs(t, err, labs.ErrNotSupported)
	require.ErrorIs(t, client.Cancel(t.Context(), number, "M000412207"), labs.ErrNotSupported)
	_, err = client.PollFacts(t.Context(), number)
	require.ErrorIs(t, err, labs.ErrNotSupported)

	require.Equal(t, []string{"POST /PlaceOrder"}, l.paths())
}

func TestCredentialsTravelInTheirOwnHeaders(t *testing.T) {
	t.Parallel()
	l := newLab(t, answer(http.StatusOK, acceptedAnswer))
	client := newFullClient(t, l)
	_, err := client.Place(t.Context(), requisition())
	require.NoError(t, err)
	_, _ = client.FetchResults(t.Context(), number)
	_ = client.Cancel(t.Context(), number, "M000412207")

	require.Len(t, l.received(), 3)
	for _, r := range l.received() {
		require.Equal(t, []string{user}, r.Header["User"])
		require.Equal(t, []string{token}, r.Header["Token"])
		require.Equal(t, "application/json", r.Header.Get("Content-Type"))
		require.NotContains(t, r.Header, "Authorization")
		require.NotContains(t, r.Path+r.Query+r.Body, token)
	}
}
