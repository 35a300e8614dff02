package simlab_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/labs/simlab"
)

// Scripts that are set for an order on behalf of its client: with an appointment that nobody books, and with results of
// given types.

// putScript replaces the order's script at the control endpoint below the neutral base URL.
func (w *testLab) putScript(user, token, body string) int {
	w.t.Helper()
	status, _, err := w.send(http.MethodPut, "/neutral/sandbox/orders/N1/script", body, func(r *http.Request) {
		r.Header.Set("user", user)
		r.Header.Set("token", token)
	})
	require.NoError(w.t, err)
	return status
}

func TestScriptsArePutWithTheNeutralCredentials(t *testing.T) {
	t.Parallel()
	w := newNeutralLab(t)
	w.placeOnSite(simlab.FlowOnSite, "sandbox:silent")
	for _, secret := range []string{neutralSecret, previousSecret} {
		for _, name := range []string{accountName, accountName + ":quest"} {
			require.Equal(t, http.StatusOK, w.putScript(name, secret, `{"steps": []}`))
		}
	}
	require.Equal(t, http.StatusUnauthorized, w.putScript(accountName, "whsec_eA==", `{"steps": []}`))
	require.Equal(t, http.StatusUnauthorized, w.putScript("somebody", neutralSecret, `{"steps": []}`))
	require.Equal(t, http.StatusUnauthorized, w.putScript("", "", `{"steps": []}`))
	require.Equal(t, http.StatusOK, w.putScript(user, token, `{"steps": []}`), "the lab's own are as good")
}

func TestAppointmentsThatTheProviderMakes(t *testing.T) {
	t.Parallel()
	for flow, parameters := range map[string]string{
		simlab.FlowWalkIn: `"provider": "quest", "site": "QAZ1"`, simlab.FlowPhlebotomy: `"provider": "getlabs"`,
	} {
		w := newNeutralLab(t)
		w.placeOnSite(flow, "sandbox:silent")
		require.Equal(t, http.StatusOK, w.putScript(accountName, neutralSecret,
			`{"steps": [{"kind": "appointment", "status": "confirmed"}]}`))
		w.await(func() bool { return !w.order("N1").Running })
		require.Empty(t, w.webhooks(), "the order has no appointment, and the step names no provider")

		require.Equal(t, http.StatusOK, w.putScript(accountName, neutralSecret, `{"steps": [
			{"kind": "appointment", "status": "pending", `+parameters+`}, {"kind": "appointment",
			"status": "confirmed", `+parameters+`}]}`))
		state := w.awaitScriptEnd("N1")
		require.Equal(t, []string{"appointment pending", "appointment confirmed"}, w.factNames(state))
		webhooks := w.verifiedWebhooks()
		first, second := webhooks[0].fields["data"].(map[string]any), webhooks[1].fields["data"].(map[string]any)
		require.Equal(t, first["id"], second["id"], "one is made")
		require.Nil(t, first["start"])
		require.NotNil(t, second["start"])
		if flow == simlab.FlowWalkIn {
			require.Equal(t, "QAZ1", second["site"].(map[string]any)["code"])
		}
	}
}

func TestResultsOfGivenTypes(t *testing.T) {
	t.Parallel()
	w := newNeutralLab(t)
	w.placeOnSite(simlab.FlowOnSite, "sandbox:silent")
	require.Equal(t, http.StatusOK, w.putScript(accountName, neutralSecret, `{"steps": [
		{"kind": "results", "result_types": ["comment", "range", "coded_value", "numeric"], "interpretation": "critical"},
		{"kind": "report_ready"}]}`))
	w.awaitScriptEnd("N1")
	type result struct{ Name, Type, Result, Unit, Interpretation string }
	type reported struct{ Results []result }
	report := neutralCall[reported](w, http.StatusOK, http.MethodGet, "/orders/N1/results", "")
	var kinds []string
	for _, r := range report.Results {
		kinds = append(kinds, r.Type)
		require.NotEmpty(t, r.Result)
	}
	require.Equal(t, []string{"comment", "range", "coded_value", "numeric"}, kinds)
	require.Equal(t, "critical", report.Results[0].Interpretation)
	require.Empty(t, report.Results[0].Unit)
	require.Regexp(t, `^<\d`, report.Results[1].Result)
	require.Equal(t, "NOT_DETECTED", report.Results[2].Result)

	for _, body := range []string{
		`{"steps": [{"kind": "results", "result_types": ["colour"]}]}`,
		`{"steps": [{"kind": "appointment", "status": "pending", "provider": "me"}]}`,
	} {
		require.Equal(t, http.StatusBadRequest, w.putScript(accountName, neutralSecret, body), body)
	}
}
