package labs_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/aliquot-labs/aliquot/labs"
	"github.com/aliquot-labs/aliquot/labs/conformance/minimalpartner"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
)

// A partner's Protocol decodes the body of a webhook into the order's number and a fact.
func ExampleProtocol_decode() {
	protocol := minimalpartner.Protocol
	body := []byte(`{"order": "K7Q2M9XW4T1B8C5D", "sample": "S-1",
		"what": "shipped", "when": "2026-03-02T10:00:00+01:00"}`)

	m := protocol.Decode(http.Header{}, body, time.Now())

	fmt.Println("order:", m.OrderNumber)
	fmt.Println("fact:", m.Fact.Kind, m.Fact.SentAt.Format(time.RFC3339), m.Fact.Accession)
	// Output:
	// order: K7Q2M9XW4T1B8C5D
	// fact: kit_shipped 2026-03-02T09:00:00Z S-1
}

// Decode does not fail. A body that is not a fact becomes a message with a problem.
func ExampleProtocol_decodeProblem() {
	decode := minimalpartner.Protocol.Decode
	for _, body := range []string{
		`shipped`,
		`{"order": "K7Q2M9XW4T1B8C5D"}`,
		`{"order": "K7Q2M9XW4T1B8C5D", "what": "weighed"}`,
		`{"order": "K7Q2M9XW4T1B8C5D", "what": "shipped"}`,
	} {
		m := decode(http.Header{}, []byte(body), time.Now())
		fmt.Println(m.Problem, m.Fact == nil)
	}
	// Output:
	// malformed true
	// missing_fields true
	// unknown_type true
	// incomplete true
}

// Two webhooks about the same event have the same key. If their hashes differ, the second one is an amendment.
func ExampleInboundMessage() {
	decode := minimalpartner.Protocol.Decode
	first := []byte(`{"order": "K7Q2M9XW4T1B8C5D", "what": "shipped", "when": "2026-03-02T09:00:00Z", "sample": "S-1"}`)
	second := []byte(`{"order": "K7Q2M9XW4T1B8C5D", "what": "shipped", "when": "2026-03-02T09:00:00Z", "sample": "S-2"}`)

	a, b := decode(http.Header{}, first, time.Now()), decode(http.Header{}, second, time.Now())

	fmt.Println("the same event:", a.Key == b.Key)
	fmt.Println("the same content:", a.Hash == b.Hash)
	// Output:
	// the same event: true
	// the same content: false
}

// Authenticate finds the accounts whose credentials a webhook has.
func ExampleProtocol_authenticate() {
	accounts := []labs.Credentials{{AccountID: "acc-1", Token: "first-token"}, {AccountID: "acc-2", Token: "second-token"}}
	webhook := httptest.NewRequest(http.MethodPost, "/webhooks/labs/least", http.NoBody)

	webhook.Header.Set("Authorization", "Bearer second-token")
	fmt.Println(minimalpartner.Protocol.Authenticate(webhook, nil, accounts, time.Now()))

	webhook.Header.Set("Authorization", "Bearer other-token")
	fmt.Println(minimalpartner.Protocol.Authenticate(webhook, nil, accounts, time.Now()))
	// Output:
	// [acc-2] <nil>
	// [] webhook credentials are missing or wrong
}

// A Lab places an order. The same order number can be sent again: the lab accepts it once.
func ExampleLab() {
	placed := map[string]bool{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if !placed["K7Q2M9XW4T1B8C5D"] {
			placed["K7Q2M9XW4T1B8C5D"] = true
			w.WriteHeader(http.StatusCreated)
		}
		fmt.Fprint(w, `{"sample": "S-1"}`)
	}))
	defer server.Close()
	account := labs.Account{ID: "acc-1", BaseURL: server.URL, User: "us", Token: "token", Environment: labs.Sandbox}
	lab, err := minimalpartner.Protocol.Open(account, labs.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}

	requisition := labs.Requisition{OrderNumber: "K7Q2M9XW4T1B8C5D", Order: &order.Order{
		Modality: lifecycle.Testkit, Patient: &order.Patient{LastName: "Example"}, LabTest: order.LabTest{Slug: "lipids"},
	}}
	for range 2 {
		acceptance, err := lab.Place(context.Background(), requisition)
		fmt.Println(acceptance.Accession, acceptance.AlreadyPlaced, err)
	}
	_, err = lab.FetchResults(context.Background(), "K7Q2M9XW4T1B8C5D")
	fmt.Println(errors.Is(err, labs.ErrNotSupported))
	// Output:
	// S-1 false <nil>
	// S-1 true <nil>
	// true
}

// FailureKind says what kind of error a call has returned.
func ExampleFailureKind() {
	fmt.Println(labs.FailureKind(&labs.RefusedError{Code: labs.CodeNoPhysician}))
	fmt.Println(labs.FailureKind(&labs.BusyError{Status: http.StatusServiceUnavailable}))
	fmt.Println(labs.FailureKind(fmt.Errorf("placing: %w", &labs.UnansweredError{Err: errors.New("connection reset")})))
	// Output:
	// refused
	// busy
	// unanswered
}
