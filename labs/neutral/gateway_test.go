package neutral_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/labs"
	"github.com/aliquot-labs/aliquot/labs/neutral"
	"github.com/aliquot-labs/aliquot/labs/neutral/neutraltest"
	"github.com/aliquot-labs/aliquot/order"
)

// TestAnswersThatRefuse says which answers are the partner's refusals (docs/partners.md). Everything else may be a
// gateway's, and the call is made again.
func TestAnswersThatRefuse(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		status int
		body   string
		code   string // of the refusal; empty: it is none
	}{
		"a code of the protocol":        {http.StatusUnprocessableEntity, `{"code":"invalid_order"}`, "invalid_order"},
		"a code of the protocol in 404": {http.StatusNotFound, `{"code":"unknown_order"}`, "unknown_order"},
		"a code of the partner": {http.StatusConflict, `{"code":"frozen","message":"Ines"}`,
			labs.CodeRefusedByLab},
		"with a byte order mark":    {http.StatusUnprocessableEntity, "\ufeff" + `{"code":"invalid_order"}`, "invalid_order"},
		"an ingress without routes": {http.StatusNotFound, "default backend - 404", ""},
		"Kong":                      {http.StatusNotFound, `{"message":"no Route matched with those values"}`, ""},
		"a gateway with a code":     {http.StatusNotFound, `{"code":"NOT_FOUND","message":"no"}`, ""},
		"a code that is a number":   {http.StatusBadRequest, `{"code":5,"message":"no"}`, ""},
		"an inner code":             {http.StatusBadRequest, `{"error":{"code":"ResourceNotFound"}}`, ""},
		"no body":                   {http.StatusConflict, ``, ""},
		"a list":                    {http.StatusBadRequest, `[{"code":"invalid_order"}]`, ""},
		"a redirect":                {http.StatusFound, `{"code":"invalid_order"}`, ""},
		"not allowed":               {http.StatusMethodNotAllowed, `{"code":"invalid_order"}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, err := range callErrors(t, newAnswered(t, tt.status, tt.body)) {
				refused, ok := err.(*labs.RefusedError) //nolint:errorlint // the adapter's own error
				require.Equal(t, tt.code != "", ok, "%v", err)
				if ok {
					require.Equal(t, tt.code, refused.Code)
					continue
				}
				var unanswered *labs.UnansweredError
				require.ErrorAs(t, err, &unanswered)
				require.Equal(t, tt.status, unanswered.Status)
				require.Equal(t, tt.body, string(unanswered.Raw))
			}
		})
	}
}

// newAnswered returns the client of a partner that answers every call alike.
func newAnswered(t *testing.T, status int, body string) *neutral.Client {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(server.Close)
	a := neutraltest.FullAccount
	a.BaseURL = server.URL
	c, err := neutral.New(a, labs.Options{})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

const answeredNumber = "K7Q2M9XW4T1B8C5D"

func callErrors(t *testing.T, c *neutral.Client) []error {
	t.Helper()
	const number = answeredNumber
	r := neutraltest.Fixture().NewRequisition(number)
	_, placed := c.Place(t.Context(), r)
	_, fetched := c.FetchResults(t.Context(), number)
	_, booked := c.Book(t.Context(), labs.Booking{OrderNumber: number, AppointmentID: "1", Type: order.Phlebotomy,
		Slot: "s"})
	return []error{placed, c.Cancel(t.Context(), number, ""), c.Correct(t.Context(), r), fetched, booked,
		c.CancelAppointment(t.Context(), number, "1", "")}
}

// TestSuccessesThatAreNotThePartners says which answers with the status 200 are no success: an error in one is no
// acceptance and no cancellation.
func TestSuccessesThatAreNotThePartners(t *testing.T) {
	t.Parallel()
	for body, isPartners := range map[string]bool{
		`{}`: true, `{"accession":"A-1"}`: true, `{"accession":"A-1","error":null,"errors":[]}`: true,
		`{"error":"","fault":{}}`: true, `{"accepted":true}`: true, "\ufeff{}": true,
		`{"success":true,"error":null,"errors":[],"code":""}`: true, `{"message":"cancelled"}`: true,
		`{"error":false}`: true,

		`{"error":"upstream unavailable"}`: false, `{"error":"upstream connect error"}`: false,
		`{"errors":[{"code":503}]}`: false, `{"errors":[{"title":"x"}]}`: false, `{"error":{"code":5}}`: false,
		`{"error":true}`: false, `{"fault":{"faultstring":"no proxy"}}`: false,
		`{"code":"BAD_GATEWAY","message":"x"}`: false, `{"success":false}`: false,
		`<html>maintenance</html>`: false, ``: false, `[]`: false, `"ok"`: false, `{}{}`: false,
	} {
		t.Run(body, func(t *testing.T) {
			t.Parallel()
			c := newAnswered(t, http.StatusOK, body)
			for _, err := range callErrors(t, c)[:3] { // placed, cancelled, corrected
				if isPartners {
					require.NoError(t, err)
					continue
				}
				var unanswered *labs.UnansweredError
				require.ErrorAs(t, err, &unanswered)
				require.Equal(t, http.StatusOK, unanswered.Status)
			}
			_, err := c.PollFacts(t.Context(), answeredNumber)
			require.Error(t, err, "no list of facts is not an empty one")
		})
	}
}
