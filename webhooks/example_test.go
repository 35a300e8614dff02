package webhooks_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/aliquot-labs/aliquot/webhooks"
)

// A receiver verifies the signature of the body before it reads it. The secret is that of the endpoint. Any library for
// Standard Webhooks verifies messages. It also refuses messages whose timestamp is more than five minutes off.
func Example_receiver() {
	const secret = "whsec_YWxpcXVvdC1hbGlxdW90LWFsaXF1b3QtMDE="
	verifier, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		log.Fatal(err)
	}
	receiver := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 10<<20))
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		if err := verifier.Verify(body, r.Header); err != nil {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		var message webhooks.Envelope
		if err := json.Unmarshal(body, &message); err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		// The id is the same when a message is sent again: process each id once.
		fmt.Println(r.Header.Get("webhook-id"), message.EventType, string(message.Data))
		w.WriteHeader(http.StatusNoContent)
	})

	body, err := webhooks.Render(webhooks.Envelope{
		EventType: webhooks.OrderUpdated, TeamID: "team-1", UserID: "user-1", ClientUserID: "patient-7",
		Data: json.RawMessage(`{"id":"order-1","sequence":4}`),
	})
	if err != nil {
		log.Fatal(err)
	}
	signed, err := webhooks.Sign("msg_1", time.Now(), body, secret)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(post(receiver, signed, body))
	fmt.Println(post(receiver, signed, bytes.Replace(body, []byte("order-1"), []byte("order-2"), 1)))
	// Output:
	// msg_1 labtest.order.updated {"id":"order-1","sequence":4}
	// 204
	// 401
}

// post sends a request to a receiver and returns the status of the response.
func post(receiver http.Handler, header http.Header, body []byte) int {
	request := httptest.NewRequest(http.MethodPost, "/webhooks", bytes.NewReader(body))
	request.Header = header
	response := httptest.NewRecorder()
	receiver.ServeHTTP(response, request)
	return response.Code
}

// After a rotation, messages carry one signature for each secret. A receiver that knows either secret accepts them.
func ExampleSign_rotation() {
	const previous = "whsec_YWxpcXVvdC1hbGlxdW90LWFsaXF1b3QtMDE="
	current, err := webhooks.NewSecret()
	if err != nil {
		log.Fatal(err)
	}
	body := []byte(`{"event_type":"labtest.order.updated"}`)
	header, err := webhooks.Sign("msg_1", time.Now(), body, current, previous)
	if err != nil {
		log.Fatal(err)
	}
	for _, secret := range []string{previous, current} {
		verifier, err := standardwebhooks.NewWebhook(secret)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(verifier.Verify(body, header))
	}
	// Output:
	// <nil>
	// <nil>
}

func ExampleFilterAccepts() {
	fmt.Println(webhooks.FilterAccepts(nil, webhooks.OrderUpdated))
	fmt.Println(webhooks.FilterAccepts(nil, webhooks.EndpointDisabled))
	fmt.Println(webhooks.FilterAccepts([]string{webhooks.EndpointDisabled}, webhooks.EndpointDisabled))
	// Output:
	// true
	// false
	// true
}
