package minimalpartner_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/aliquot-labs/aliquot/labs"
	"github.com/aliquot-labs/aliquot/labs/conformance"
	"github.com/aliquot-labs/aliquot/labs/conformance/minimalpartner"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestConformance(t *testing.T) {
	t.Parallel()
	full := labs.Account{ID: "acc-1", Partner: "least", User: "us", Token: "first-token", Environment: labs.Sandbox}
	minimal := full
	minimal.ID, minimal.Token = "acc-2", "second-token"
	at := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	example := func(what string, kind order.FactKind) conformance.Example {
		return conformance.Example{
			Webhook: newWebhook(what, at.Format(time.RFC3339)), Number: conformance.OrderNumber, Kind: what,
			Fact: order.Fact{Kind: kind, SentAt: at, Accession: "S-1"},
		}
	}
	amended := newWebhook("shipped", at.Format(time.RFC3339))
	amended.Body = bytes.Replace(amended.Body, []byte("S-1"), []byte("S-2"), 1)
	conformance.RunSuite(t, conformance.Fixture{
		Protocol: minimalpartner.Protocol, FullAccount: full, MinimalAccount: minimal, Start: startPartner,
		NewRequisition:        func(number string) labs.Requisition { return requisition(number, "lipids") },
		NewRefusedRequisition: func(number string) labs.Requisition { return requisition(number, "unknown") },
		Webhooks: conformance.Webhooks{
			NewRequest: func(a labs.Account, w conformance.Webhook, _ time.Time) *http.Request {
				r := httptest.NewRequest(http.MethodPost, "/webhooks/labs/least", bytes.NewReader(w.Body))
				r.Header.Set("Authorization", "Bearer "+a.Token)
				return r
			},
			Facts: []conformance.Example{
				example("shipped", order.FactKitShipped), example("arrived", order.FactKitReceived),
				example("reported", order.FactReportReady),
			},
			AmendedFact: amended, FactWithoutTime: newWebhook("arrived", "yesterday"),
			Problems: map[labs.Problem][]conformance.Webhook{
				labs.Malformed:      {{Body: []byte(conformance.Canary)}},
				labs.MissingFields:  {{Body: []byte(`{"what":"shipped"}`)}},
				labs.UnknownType:    {newWebhook("admired", "")},
				labs.IncompleteData: {{Body: []byte(`{"order":"1","what":"shipped"}`)}},
			},
		},
	})
}

func newWebhook(what, when string) conformance.Webhook {
	return conformance.Webhook{Body: fmt.Appendf(nil, `{"order":%q,"what":%q,"when":%q,"sample":"S-1"}`,
		conformance.OrderNumber, what, when)}
}

func requisition(number, test string) labs.Requisition {
	return labs.Requisition{OrderNumber: number, Order: &order.Order{
		Modality: lifecycle.Testkit, Patient: &order.Patient{LastName: conformance.Canary},
		Address: &order.Address{City: "Phoenix"},
		LabTest: order.LabTest{Slug: test},
	}}
}

// startPartner starts the lab. It refuses the test "unknown".
func startPartner(t testing.TB) conformance.Partner {
	t.Helper()
	var mu sync.Mutex
	samples := map[string]string{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		var body struct{ Order, Test string }
		if json.NewDecoder(r.Body).Decode(&body) != nil || body.Test == "unknown" {
			http.Error(w, `{"code":"`+conformance.Canary+`"}`, http.StatusUnprocessableEntity)
			return
		}
		if samples[body.Order] == "" {
			samples[body.Order] = fmt.Sprintf("S-%d", len(samples)+1)
			w.WriteHeader(http.StatusCreated)
		}
		fmt.Fprintf(w, `{"sample":%q}`, samples[body.Order])
	}))
	t.Cleanup(server.Close)
	return conformance.Partner{URL: server.URL}
}
