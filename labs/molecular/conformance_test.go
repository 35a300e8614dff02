package molecular_test

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/labs"
	"github.com/aliquot-labs/aliquot/labs/conformance"
	"github.com/aliquot-labs/aliquot/labs/molecular"
	"github.com/aliquot-labs/aliquot/labs/simlab"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	least := account("", placingOnlySettings)
	least.ID, least.User, least.Token = "acc-2", "practice-10", "another-token"
	conformance.RunSuite(t, conformance.Fixture{
		Protocol: molecular.Protocol, FullAccount: account("", settings), MinimalAccount: least, Start: simulatedPartner,
		NewRequisition: func(number string) labs.Requisition { return canaryRequisition(number, "") },
		NewRefusedRequisition: func(number string) labs.Requisition {
			return canaryRequisition(number, "refuse-place")
		},
		Webhooks: conformingWebhooks(t),
	})
}

// simulatedPartner is the simulated lab, with all calls that MTL might confirm.
func simulatedPartner(t testing.TB) conformance.Partner {
	t.Helper()
	webhooks := make(chan []byte, 1)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if body, err := io.ReadAll(r.Body); err == nil {
			webhooks <- body
		}
	}))
	t.Cleanup(receiver.Close)
	lab, err := simlab.New(simlab.Config{
		User: user, Token: token, WebhookURL: receiver.URL, Manual: true, CancelCall: true,
		Logger: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	t.Cleanup(lab.Close)
	server := httptest.NewServer(lab.Handler())
	t.Cleanup(server.Close)

	control := func(t testing.TB, method, path, body string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, server.URL+"/sandbox/orders/"+path,
			strings.NewReader(body))
		require.NoError(t, err)
		req.Header.Set("user", user)
		req.Header.Set("token", token)
		resp, err := server.Client().Do(req)
		require.NoError(t, err)
		defer resp.Body.Close()
		require.Equal(t, http.StatusOK, resp.StatusCode)
	}
	return conformance.Partner{
		URL: server.URL,
		PublishReport: func(t testing.TB, number string, r conformance.ReportStage) {
			t.Helper()
			status, found := "final", "Not Detected"
			switch r {
			case conformance.PartialReport:
				status = "partial"
			case conformance.CorrectedReport:
				found = "Detected"
			}
			control(t, http.MethodPut, number+"/results", `{"status":"`+status+`","pdf_base64":"JVBERg==","observations":[
				{"test_name":"Chlamydia trachomatis","result":"`+found+`","result_value":"`+conformance.Canary+`",
				"assay_datetime":"2026-03-01T08:00:00Z"}]}`)
		},
		SendFact: func(t testing.TB, number string) conformance.Webhook {
			t.Helper()
			control(t, http.MethodPost, number+"/facts", `{"type":"kit_received"}`)
			return conformance.Webhook{Body: <-webhooks}
		},
	}
}

func canaryRequisition(number, script string) labs.Requisition {
	r := requisition()
	r.OrderNumber, r.Script = number, script
	r.Order.Patient.LastName, r.Order.Address.ReceiverName = conformance.Canary, conformance.Canary
	return r
}

func conformingWebhooks(t *testing.T) conformance.Webhooks {
	t.Helper()
	w := conformance.Webhooks{
		NewRequest: func(a labs.Account, w conformance.Webhook, _ time.Time) *http.Request {
			r, err := http.NewRequest(http.MethodPost, "/webhooks/labs/molecular", bytes.NewReader(w.Body))
			require.NoError(t, err)
			r.SetBasicAuth(a.User, a.Token)
			return r
		},
		FactWithoutTime: conformance.Webhook{Body: []byte(`{"order_number":"1","type":"kit_received",
			"rcvd_info":{"received_datetime":"` + conformance.Canary + `"}}`)},
		Problems: map[labs.Problem][]conformance.Webhook{},
	}
	reason := "Sample was hemolyzed, says " + conformance.Canary
	for kind, f := range map[string]order.Fact{
		"kit_shipped": {Kind: order.FactKitShipped, OutboundNumber: "1111497584974311111",
			InboundNumber: "1111498798437922222"},
		"kit_received": {Kind: order.FactKitReceived},
		"kit_rejected": {Kind: order.FactKitRejected, Recoverable: new(true), Detail: lifecycle.SampleHemolyzed},
		"report_ready": {Kind: order.FactReportReady},
	} {
		var seed map[string]any
		require.NoError(t, json.Unmarshal([]byte(documentedWebhook(t, kind)), &seed))
		e := conformance.Example{Number: "123123", Kind: kind, Fact: f}
		e.Fact.SentAt, e.Fact.Accession = time.Date(2018, 1, 11, 19, 53, 8, 885569000, time.UTC),
			seed["accession_number"].(string)
		if rejected, ok := seed["rej_info"].(map[string]any); ok {
			rejected["rejected_reason"], rejected["recoverable"] = reason, true
			e.Reason = reason
		}
		body, err := json.Marshal(seed)
		require.NoError(t, err)
		e.Body = body
		w.Facts = append(w.Facts, e)
	}
	w.AmendedFact.Body = bytes.Replace(w.Facts[0].Body, []byte(`{`), []byte(`{"remark":"`+conformance.Canary+`",`), 1)
	for problem, body := range map[labs.Problem]string{
		labs.Malformed:      conformance.Canary,
		labs.MissingFields:  `{"type":"kit_received"}`,
		labs.UnknownType:    `{"order_number":"1","type":"` + conformance.Canary + `!"}`,
		labs.IncompleteData: `{"order_number":"1","type":"kit_received","rcvd_info":"` + conformance.Canary + `"}`,
	} {
		w.Problems[problem] = append(w.Problems[problem], conformance.Webhook{Body: []byte(body)})
	}
	return w
}
