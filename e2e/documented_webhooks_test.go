package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// documentedWebhook returns one of Molecular's documented webhooks. Only the order number differs from the
// documentation.
func documentedWebhook(t testing.TB, name, orderNumber string) []byte {
	t.Helper()
	body, err := os.ReadFile(filepath.Join("testdata", name+".json"))
	require.NoError(t, err)
	return bytes.Replace(body, []byte(`"123123"`), []byte(`"`+orderNumber+`"`), 1)
}

// labWebhook posts to the endpoint of the lab's webhooks with the lab's credentials.
func (s *system) labWebhook(body []byte) apiAnswer {
	s.t.Helper()
	return s.webhookAs(labUser, labToken, body)
}

func (s *system) webhookAs(user, token string, body []byte) apiAnswer {
	s.t.Helper()
	req, err := http.NewRequest(http.MethodPost, s.url, nil)
	require.NoError(s.t, err)
	req.SetBasicAuth(user, token)
	return s.request(http.MethodPost, s.url+"/webhooks/labs/molecular", body, "Authorization",
		req.Header.Get("Authorization"))
}

// documentedTime is the time in all four documented webhooks. It is earlier than the orders of the tests.
var documentedTime = time.Date(2018, 1, 11, 19, 53, 8, 885569000, time.UTC)

func TestTheDocumentedLabWebhooksDriveAnOrder(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, o options) {
		s := newSystem(t, o)
		began := time.Now().Add(-time.Second)
		id := s.placeAndAwait()
		number := s.labOrderNumber(id)
		post := func(name, want string) {
			t.Helper()
			r := s.labWebhook(documentedWebhook(t, name, number))
			require.Equal(t, http.StatusOK, r.Status, "%s", r.Body)
			s.awaitStatus(id, want)
		}
		post("kit_shipped", "collecting_sample.testkit.transit_customer")
		shipment := s.storedOrder(id).Shipment
		require.Equal(t, "1111497584974311111", shipment.Outbound.Number)
		require.Equal(t, "1111498798437922222", shipment.Inbound.Number)
		post("kit_received", "sample_with_lab.testkit.delivered_to_lab")
		post("kit_rejected", "sample_with_lab.testkit.lab_processing_blocked")

		// The documented webhooks of the order have three different accession numbers, and the placement had a fourth one.
		s.awaitAttention(id, "accession_mismatch", "recovery_needed")

		s.putResults(id, map[string]any{})
		post("report_ready", "completed.testkit.completed")
		s.awaitEvents(id, receivedEvents+" lab_processing_blocked completed")
		r := s.callAsClient(http.MethodGet, "/v3/order/"+id+"/result", nil)
		require.Equal(t, http.StatusOK, r.Status, "%s", r.Body)

		story := s.story(id)
		require.Len(t, story.Facts, 4)
		for _, f := range story.Facts {
			require.Equal(t, "applied", f.State, "%s", f.Kind)
			require.Equal(t, documentedTime, f.Fact.SentAt.UTC(), "stored as sent")
			require.Equal(t, "time_implausible", f.Code, "and flagged")
			item := s.inboxItem(f.ID)
			require.Equal(t, string(documentedWebhook(t, f.Kind, number)), item.Body)
			if f.Kind == "kit_rejected" {
				require.Equal(t, "No patient identifiers listed on the sample container / envelope.", item.Reason)
			}
		}
		for _, e := range story.Events {
			require.WithinRange(t, e.OccurredAt, began, time.Now().Add(time.Second), "%s: an implausible time decides nothing",
				e.Status)
		}
	})
}

func TestADocumentedWebhookSentAgainDoesNothing(t *testing.T) {
	t.Parallel()
	s := newSystem(t, options{})
	id := s.placeAndAwait()
	body := documentedWebhook(t, "kit_received", s.labOrderNumber(id))
	require.Equal(t, http.StatusOK, s.labWebhook(body).Status)
	before := s.awaitStatus(id, "sample_with_lab.testkit.delivered_to_lab")
	r := s.labWebhook(body)
	require.Equal(t, http.StatusOK, r.Status, "%s", r.Body)
	require.Equal(t, before, s.order(id))
	facts := s.story(id).Facts
	require.Len(t, facts, 1)
	require.Equal(t, 2, facts[0].Deliveries)
}

// documentedDifferences are the keys of the documented webhook that are missing in Aliquot's webhook or have another
// JSON type, and the reason.
var documentedDifferences = map[string]string{
	".data.health_insurace_id":               "misspelt; client-api#clientfacingorder has health_insurance_id",
	".data.requisition_form_url":             "deprecated: null, clients fetch the PDF",
	".data.lab_test.description":             "not in client-api#clientfacinglabtest",
	".data.details.data.shipment.created_at": "not in client-api#clientfacingshipment",
	".data.details.data.shipment.updated_at": "not in client-api#clientfacingshipment",
	".data.details.data.shipment.notes":      "no notes: null, as in client-api#clientfacingshipment",
	".data.notes":                            "no notes: null, as in client-api#clientfacingorder",
}

func TestTheShippedWebhookHasTheKeysOfTheDocumentedOne(t *testing.T) {
	t.Parallel()
	s := newSystem(t, options{})
	body := s.orderBody(nil)
	body["patient_address"].(map[string]any)["phone_number"] = "+12535550142"
	body["activate_by"] = time.Now().UTC().Format(time.DateOnly) // an activate_by of today is activated immediately
	id := s.placeOrder(body)
	s.awaitStatus(id, "received.testkit.requisition_created")
	s.sendFact(id, "kit_shipped")
	s.awaitEvents(id, shippedEvents)
	webhook := s.awaitWebhooks(id)[3].Body

	seed, err := os.ReadFile(filepath.Join("..", "internal", "junction", "testdata", "seed_004_order_updated.json"))
	require.NoError(t, err)
	s.requireSameJSONTypes(seed, webhook, documentedDifferences)
	require.Contains(t, jsonTypes(t, webhook), ".data.health_insurance_id")
	var envelope struct {
		EventType    string          `json:"event_type"`
		TeamID       string          `json:"team_id"`
		UserID       string          `json:"user_id"`
		ClientUserID string          `json:"client_user_id"`
		Data         json.RawMessage `json:"data"`
	}
	require.NoError(t, json.Unmarshal(webhook, &envelope))
	require.Equal(t, []string{"labtest.order.updated", s.teamID, s.userID, "patient-1"},
		[]string{envelope.EventType, envelope.TeamID, envelope.UserID, envelope.ClientUserID})
	require.JSONEq(t, string(s.callAsClient(http.MethodGet, "/v3/order/"+id, nil).Body), string(envelope.Data),
		"the order as it is read")
}

// jsonTypes returns the JSON types of a document by path. For a list it uses the first element.
func jsonTypes(t testing.TB, document []byte) map[string]string {
	t.Helper()
	var v any
	require.NoError(t, json.Unmarshal(document, &v))
	out := map[string]string{}
	collectJSONTypes("", v, out)
	return out
}

func collectJSONTypes(path string, v any, out map[string]string) {
	out[path] = fmt.Sprintf("%T", v)
	switch v := v.(type) {
	case map[string]any:
		for key, value := range v {
			collectJSONTypes(path+"."+key, value, out)
		}
	case []any:
		if len(v) > 0 {
			collectJSONTypes(path+"[]", v[0], out)
		}
	}
}
