package simlab_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/labs"
	"github.com/aliquot-labs/aliquot/labs/conformance"
	"github.com/aliquot-labs/aliquot/labs/neutral"
	"github.com/aliquot-labs/aliquot/labs/neutral/neutraltest"
	"github.com/aliquot-labs/aliquot/order"
)

// TestNeutralConforms runs the conformance suite for the neutral adapter against the simulated lab.
func TestNeutralConforms(t *testing.T) {
	t.Parallel()
	f := neutraltest.Fixture()
	f.FullAccount.User, f.FullAccount.Token = accountName, neutralSecret
	f.Start = func(t testing.TB) conformance.Partner {
		t.Helper()
		w := newNeutralLab(t, withManual)
		return conformance.Partner{URL: w.url + "/neutral", PublishReport: w.publish, SendFact: w.sendFact}
	}
	f.NewRefusedRequisition = func(number string) labs.Requisition {
		r := f.NewRequisition(number)
		r.Script = "refuse-place"
		return r
	}
	soon := time.Now().AddDate(0, 0, 3)
	f.Appointments.Query.From = order.Date{Year: soon.Year(), Month: soon.Month(), Day: soon.Day()}
	// Phoenix is seven hours behind UTC all year, so this is 10:00 there.
	gone := time.Date(2026, time.March, 3, 17, 0, 0, 0, time.UTC)
	f.Appointments.TakenSlot = fmt.Sprintf("getlabs.85004.%d.%d", gone.Unix(), gone.Unix())
	// Appointment requests need another provider, in another area.
	f.FullAccount.Settings = []byte(strings.Replace(string(f.FullAccount.Settings), `, "appointment-request"`, "", 1))
	conformance.RunSuite(t, f)
}

// publish sets a lab report by the control endpoint.
func (w *testLab) publish(t testing.TB, number string, r conformance.ReportStage) {
	t.Helper()
	result := func(value string) map[string]any {
		return map[string]any{"code": "1011", "name": "HDL Cholesterol", "type": "numeric", "result": value,
			"interpretation": "normal"}
	}
	report := map[string]any{"status": "final", "results": []any{result("61"), result("62")}, "pdf_base64": "JVBERi0xLjQK"}
	switch r {
	case conformance.PartialReport:
		report = map[string]any{"status": "partial", "results": []any{result("61")}}
	case conformance.CorrectedReport:
		report["results"] = []any{result("61"), result("63")}
	}
	body, err := json.Marshal(report)
	require.NoError(t, err)
	status, _, err := w.send(http.MethodPut, "/sandbox/orders/"+number+"/results", string(body))
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, status)
}

// sendFact sends a fact by the control endpoint, and returns the webhook that the receiver got.
func (w *testLab) sendFact(t testing.TB, number string) conformance.Webhook {
	t.Helper()
	status, _, err := w.send(http.MethodPost, "/sandbox/orders/"+number+"/facts", `{"type":"sample_received"}`)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, status)
	all := w.webhooks()
	last := all[len(all)-1]
	accounts, err := neutral.Authenticate(lastRequest(last), last.body,
		[]labs.Credentials{{AccountID: "a", User: accountName, Token: neutralSecret}}, time.Now())
	require.NoError(t, err)
	require.Equal(t, []string{"a"}, accounts)
	return conformance.Webhook{ID: last.header.Get("webhook-id"), Body: last.body}
}

func lastRequest(r receivedWebhook) *http.Request {
	request, _ := http.NewRequest(http.MethodPost, "/webhooks/labs/neutral", bytes.NewReader(r.body))
	request.Header = r.header
	return request
}
