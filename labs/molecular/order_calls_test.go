package molecular_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/labs"
	"github.com/aliquot-labs/aliquot/labs/molecular"
)

const polledReceipt = `{"order_number":"K7Q2M9XW4T1B8C5D","accession_number":"M000412207","type":"kit_received",
	"ship_info":null,` +
	`"rcvd_info":{"received_datetime":"2024-03-12T09:05:40.118002Z"},"rej_info":null,"report_ready_info":null}`

// A polled fact has the same key and hash as its webhook, so the two count once.
func TestPolledFactsEqualTheirWebhooks(t *testing.T) {
	t.Parallel()
	other := `{"order_number":"ANOTHERORDER0000","type":"kit_received",
		"rcvd_info":{"received_datetime":"2024-03-12T09:05:40Z"}}`
	l := newLab(t, answer(http.StatusOK, "["+other+`, 7, {"type":"kit_received"}, `+polledReceipt+"]"))

	notices, err := newFullClient(t, l).PollFacts(t.Context(), number)
	require.NoError(t, err)
	require.Equal(t, []string{"GET /Notifications"}, l.paths())
	require.Len(t, notices, 1, "what is unreadable or about another order is left out")
	webhook := molecular.Decode([]byte(polledReceipt), now)
	require.Equal(t, labs.PolledFact{
		Partner: "molecular", Key: webhook.Key, Hash: webhook.Hash, Kind: "kit_received", Body: []byte(polledReceipt),
		Fact: webhook.Fact,
	}, notices[0])
}

func TestPollWithoutNews(t *testing.T) {
	t.Parallel()
	for status, body := range map[int]string{http.StatusOK: "[]", http.StatusNotFound: `{"success":false}`} {
		notices, err := newFullClient(t, newLab(t, answer(status, body))).PollFacts(t.Context(), number)
		require.NoError(t, err)
		require.Empty(t, notices)
	}
}

func TestPollFails(t *testing.T) {
	t.Parallel()
	var unanswered *labs.UnansweredError
	_, err := newFullClient(t, newLab(t, answer(http.StatusOK, "{}"))).PollFacts(t.Context(), number)
	require.ErrorAs(t, err, &unanswered)
	_, err = newFullClient(t, newLab(t, answer(http.StatusBadRequest, "{}"))).PollFacts(t.Context(), number)
	require.ErrorAs(t, err, &unanswered)
	require.Equal(t, http.StatusBadRequest, unanswered.Status)
	var refused *labs.RefusedError
	_, err = newFullClient(t, newLab(t, answer(http.StatusBadRequest, `{"error_msg":"no such order"}`))).
		PollFacts(t.Context(), number)
	require.ErrorAs(t, err, &refused)
}

func TestCancelIsConfirmed(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`{"success":true,"error_msg":" null "}`,
		`[{"order_number":"K7Q2M9XW4T1B8C5D","success":true}]`,
	} {
		l := newLab(t, answer(http.StatusOK, body))

		require.NoError(t, newFullClient(t, l).Cancel(t.Context(), number, "M000412207"))

		require.Equal(t, []string{"POST /CancelOrder"}, l.paths())
		require.JSONEq(t, `{"order_number":"K7Q2M9XW4T1B8C5D","kit_id":"M000412207"}`, l.received()[0].Body)
	}
}

func TestCancelIsRefused(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		status     int
		body, code string
	}{
		"with a reason":        {200, `{"success":false,"error_msg":"kit has been shipped"}`, labs.CodeRefusedByLab},
		"by status and reason": {409, `{"success":false,"error_msg":"kit has been shipped"}`, labs.CodeRefusedByLab},
		"by status alone":      {409, `{"success":false}`, labs.CodeRefusedByLab},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := newFullClient(t, newLab(t, answer(tt.status, tt.body))).Cancel(t.Context(), number, "")

			var refused *labs.RefusedError
			require.ErrorAs(t, err, &refused)
			require.Equal(t, tt.code, refused.Code)
			require.Equal(t, tt.body, string(refused.Raw))
		})
	}
}

func TestCancelWithoutAVerdictIsUnanswered(t *testing.T) {
	t.Parallel()
	for _, body := range []string{``, `{}`, `{"error_msg":" null "}`, `<html>`,
		`[{"order_number":"OTHER","success":true}]`} {
		err := newFullClient(t, newLab(t, answer(http.StatusOK, body))).Cancel(t.Context(), number, "")

		var unanswered *labs.UnansweredError
		require.ErrorAs(t, err, &unanswered, body)
		require.Equal(t, body, string(unanswered.Raw))
	}
}
