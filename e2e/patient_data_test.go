package e2e

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"github.com/aliquot-labs/aliquot/activities"
	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/labs"
	"github.com/aliquot-labs/aliquot/store"
	"github.com/aliquot-labs/aliquot/worker"
)

// patientCanaries are words about patients that occur nowhere else, one for each kind of input.
var patientCanaries = []string{
	"Zephyrinecanary", "Quillfeather", "1973-05-17", "19730517", "913 Wobbegong", "Apt Numbat", "Tumbarumba", "2535559137",
	"253-555-9137", "zq.canary@", "marmoset", "axolotlitis", "capybara", // from the client
	"Brunhilde", "Ottoline", "Persimmon", // from the lab: reasons and a refusal
	"Xanthippe", "911 Bandicoot", "Pangolin", "Quokka", // from operations
	"Zanzibarium", "88123.75", "Kookaburra", // results
	"Platypus", // from a review
}

// canaryBody is a request whose free-text fields are all canaries.
func (s *system) canaryBody(extra map[string]any) map[string]any {
	body := map[string]any{
		"patient_details": map[string]any{
			"first_name": "Zephyrinecanary", "last_name": "Quillfeather", "dob": "1973-05-17", "gender": "female",
			"phone_number": "+12535559137", "email": "zq.canary@example.org",
		},
		"patient_address": map[string]any{
			"receiver_name": "Zephyrinecanary Quillfeather", "first_line": "913 Wobbegong Lane", "second_line": "Apt Numbat",
			"city": "Tumbarumba", "state": "WA", "zip": "98402", "country": "US", "access_notes": "gate code marmoset",
			"phone_number": "+12535559137",
		},
		"clinical_notes": "history of axolotlitis", "passthrough": "our capybara",
	}
	for k, v := range extra {
		body[k] = v
	}
	return body
}

func TestNothingAboutAPatientLeavesTheStore(t *testing.T) {
	t.Parallel()
	binary := buildAliquot(t)
	engines(t, func(t *testing.T, o options) {
		o.traced = true
		s := newSystem(t, o)
		orders := s.runOrdersWithCanaries()
		refusals := s.refusalBodies(orders[0])
		sweep, err := s.client.ExecuteWorkflow(t.Context(),
			client.StartWorkflowOptions{ID: "sweep", TaskQueue: dispatch.QueueDeliveries},
			dispatch.WorkflowReconcile, dispatch.ReconcileInput{OpenOrders: true})
		require.NoError(t, err)
		require.NoError(t, sweep.Get(t.Context(), nil))
		s.awaitListed("sweep")
		for _, id := range orders {
			s.awaitListed(dispatch.OrderWorkflowID(id))
		}
		printed := s.commandTexts(binary, orders)
		places := slices.Concat(s.temporalTexts(), s.processTexts(), s.databaseTexts(), refusals, printed)
		require.Empty(t, findWords(places, patientCanaries))
		for _, table := range []string{"reviews", "review_search", "inbox", "demands", "results", "messages", "audit"} {
			require.True(t, slices.ContainsFunc(places, func(p searchedText) bool { return p.name == "table "+table }),
				"nothing in %s to look at", table)
		}
	})
}

// TestAPanicSaysNothingAboutAPatient shows that neither Temporal nor the logs contain the text of a panic, which may
// quote data of the code that panicked.
func TestAPanicSaysNothingAboutAPatient(t *testing.T) {
	t.Parallel()
	s := newSystem(t, options{labPanics: true, traced: true})
	id := s.placeOrder(s.canaryBody(nil))
	s.await(func() bool { return strings.Contains(s.logs.String(), "activity panicked") }, "nothing panicked")
	s.await(func() bool {
		described, err := s.client.DescribeWorkflowExecution(t.Context(), dispatch.OrderWorkflowID(id), "")
		require.NoError(t, err)
		return len(described.GetPendingActivities()) > 0 && described.GetPendingActivities()[0].GetLastFailure() != nil
	}, "Temporal does not know of it")
	s.awaitListed(dispatch.OrderWorkflowID(id))
	places := append(s.temporalTexts(), searchedText{"logs", []byte(s.logs.String())}, searchedText{"spans", s.spanText()})
	require.NotEmpty(t, findWords(places, []string{"PlaceRequisition panicked"}), "the panic is reported")
	require.Empty(t, findWords(places, patientCanaries))
}

// panickingLab is a lab client that panics with patient data when it places an order.
type panickingLab struct{ labs.Lab }

func (panickingLab) Place(_ context.Context, r labs.Requisition) (labs.Acceptance, error) {
	panic(fmt.Sprintf("cannot place %+v of %+v", *r.Order.Patient, *r.Order.Address))
}

func panickingPartners() map[string]activities.LabFactory {
	partners := worker.Partners(0)
	for name, open := range partners {
		partners[name] = func(a labs.Account, pace labs.WaitForTurn) (labs.Lab, error) {
			lab, err := open(a, pace)
			return panickingLab{lab}, err
		}
	}
	return partners
}

// runOrdersWithCanaries takes orders through everything that can carry a word about a patient, and returns their ids.
func (s *system) runOrdersWithCanaries() []string {
	s.t.Helper()
	recovered := s.recoverKitWithCanaries()

	cancelled := s.placeOrder(s.canaryBody(nil))
	s.awaitStatus(cancelled, "received.testkit.requisition_created")
	require.Equal(s.t, http.StatusOK, s.cancel(cancelled).Status)
	s.reviewWithCanaries(cancelled)

	replaced := s.placeOrder(s.canaryBody(nil))
	s.awaitStatus(replaced, "received.testkit.requisition_created")
	s.sendFact(replaced, "kit_rejected", "recoverable", false, "reason", "Hemolyzation in the sample of Ottoline")
	s.awaitStatus(replaced, "failed.testkit.sample_error")
	_, child := s.sendOperationsDemand(replaced, "replace", nil)
	s.awaitStatus(child, "received.testkit.requisition_created")
	s.sendOperationsDemand(child, "do-not-process", map[string]any{"reason": "patient_withdrew",
		"note": "says Quokka on the phone"})

	refused := s.placeOrder(s.canaryBody(map[string]any{"activate_by": day(3)}))
	s.putScript(refused, map[string]any{"steps": []any{},
		"place": map[string]any{"refuse": "address of Persimmon is not valid"}})
	require.Equal(s.t, http.StatusOK, s.callAsClient(http.MethodPatch, "/v3/order/"+refused,
		map[string]any{"activate_by": nil}).Status)
	s.awaitAttention(refused, "placement_refused")
	for _, id := range []string{recovered, cancelled, replaced, child, refused} {
		s.requireWebhooks(id)
	}
	require.Contains(s.t, string(s.awaitWebhooks(child)[1].Body), "Zephyrinecanary", "the client does get it")

	// These are results of a cancelled order: they are held back for a review.
	s.publishResultsWithCanaries(cancelled)
	s.awaitAttention(cancelled, "cancel_at_lab", "result_after_end")
	return []string{recovered, cancelled, replaced, child, refused}
}

// reviewWithCanaries sends results of an ended order and accepts them.
func (s *system) reviewWithCanaries(id string) {
	s.putResults(id, map[string]any{"observations": []map[string]any{
		{"test_name": "Zanzibarium", "result": "Kookaburra", "result_value": "88123.75", "units": "mg/dL",
			"reference_range": "1-2"},
	}})
	s.sendFact(id, "report_ready")
	r := s.awaitReview()
	require.Len(s.t, s.reviews("?search_input=Quillfeather"), 1, "it is found by the patient's name")
	accepted := s.callAsClient(http.MethodPost, "/v3/unmatched_result/"+r.ID+"/accept",
		map[string]any{"note": "says Platypus"})
	require.Equal(s.t, http.StatusOK, accepted.Status, "%s", accepted.Body)
	require.Contains(s.t, string(s.callAsClient(http.MethodGet, "/v3/unmatched_result/"+r.ID, nil).Body), "Platypus")
}

func (s *system) recoverKitWithCanaries() string {
	id := s.placeOrder(s.canaryBody(nil), "X-Idempotency-Key", uuid.NewString())
	s.awaitStatus(id, "received.testkit.requisition_created")
	s.sendFact(id, "kit_shipped")
	s.sendFact(id, "kit_received")
	s.sendFact(id, "kit_rejected", "recoverable", true, "reason", "Patient identifier does not match: Brunhilde")
	s.awaitStatus(id, "sample_with_lab.testkit.lab_processing_blocked")
	corrected := s.canaryBody(nil)
	details, address := corrected["patient_details"].(map[string]any), corrected["patient_address"].(map[string]any)
	details["first_name"], address["first_line"] = "Xanthippe", "911 Bandicoot Row"
	s.sendOperationsDemand(id, "recover", map[string]any{"patient_details": details, "patient_address": address,
		"note": "according to Pangolin"})
	s.sendOperationsDemand(id, "recover", map[string]any{"confirmed_by_lab": true})
	s.publishResultsWithCanaries(id)
	s.awaitStatus(id, "completed.testkit.completed")
	result := string(s.callAsClient(http.MethodGet, "/v3/order/"+id+"/result", nil).Body)
	require.Contains(s.t, result, "Zanzibarium")
	require.Contains(s.t, string(s.callAsClient(http.MethodGet, "/v3/order/"+id, nil).Body), "Xanthippe")
	return id
}

func (s *system) publishResultsWithCanaries(id string) {
	s.t.Helper()
	s.putResults(id, map[string]any{"observations": []map[string]any{
		{"test_name": "Zanzibarium", "result": "Kookaburra", "result_value": "88123.75", "units": "mg/dL",
			"reference_range": "1-2"},
	}})
	s.sendFact(id, "report_ready")
}

// refusalBodies returns the bodies of refused requests with canaries.
func (s *system) refusalBodies(ended string) (errs []searchedText) {
	s.t.Helper()
	patient := s.canaryBody(nil)["patient_details"].(map[string]any)
	broken := s.orderBody(s.canaryBody(nil))
	broken["patient_details"].(map[string]any)["email"] = "zq.canary@"
	broken["patient_details"].(map[string]any)["first_name"] = "Zephyrinecanary  %"
	broken["patient_details"].(map[string]any)["dob"] = "17 May 1973-05-17"
	broken["patient_address"].(map[string]any)["zip"] = "Tumbarumba"
	child := s.orderBody(s.canaryBody(nil))
	child["patient_details"].(map[string]any)["dob"] = day(-400)
	for name, r := range map[string]apiAnswer{
		"422 create": s.callAsClient(http.MethodPost, "/v3/order", broken),
		"400 create": s.callAsClient(http.MethodPost, "/v3/order", child),
		"404 create": s.callAsClient(http.MethodPost, "/v3/order",
			s.orderBody(s.canaryBody(map[string]any{"user_id": uuid.NewString()}))),
		"422 not JSON": s.callAsClient(http.MethodPost, "/v3/order", []byte(`{"patient_details": Zephyrinecanary`)),
		"422 wrong type": s.callAsClient(http.MethodPost, "/v3/order",
			[]byte(`{"patient_details": "Zephyrinecanary", "priority": "Quillfeather"}`)),
		"422 query":  s.callAsClient(http.MethodGet, "/v3/orders?page=Quillfeather", nil),
		"422 filter": s.callAsClient(http.MethodGet, "/v3/orders?status=Quillfeather", nil),
		"404 path":   s.callAsClient(http.MethodGet, "/v3/Quillfeather", nil),
		"422 path":   s.callAsClient(http.MethodGet, "/v3/order/Quillfeather", nil),
		"401":        s.request(http.MethodPost, s.url+"/v3/order", patient, "x-vital-api-key", "Quillfeather"),
		"400 cancel": s.cancel(ended),
		"400 recover": s.callAsOperations(http.MethodPost, "/ops/orders/"+ended+"/recover",
			map[string]any{"patient_details": patient, "note": "Pangolin"}),
		"422 no reason": s.callAsOperations(http.MethodPost, "/ops/orders/"+ended+"/do-not-process",
			map[string]any{"reason": "Because of Quokka"}),
		"400 webhook": s.labWebhook([]byte(`{"type": "kit_rejected", "rej_info": {"rejected_reason": "Brunhilde"`)),
		"401 webhook": s.webhookAs("Brunhilde", "wrong", []byte(`{"rejected_reason": "Brunhilde"}`)),
		"401 courier": s.request(http.MethodPost, s.url+"/webhooks/couriers/easypost",
			[]byte(`{"signed_by": "Brunhilde"}`)),
		"413 create": s.callAsClient(http.MethodPost, "/v3/order", make([]byte, 5<<20)),
		"405":        s.callAsClient(http.MethodDelete, "/v3/order/"+ended, patient),
		"403 not for them": s.callAsClient(http.MethodPost, "/ops/orders/"+ended+"/recover",
			map[string]any{"patient_details": patient}),
	} {
		require.GreaterOrEqual(s.t, r.Status, 400, name)
		require.Less(s.t, r.Status, 500, "%s: %s", name, r.Body)
		errs = append(errs, searchedText{"answer " + name, r.Body})
	}
	return errs
}

// awaitListed waits until Temporal lists the workflows, which is shortly after their start.
func (s *system) awaitListed(workflows ...string) {
	s.t.Helper()
	s.await(func() bool {
		listed := map[string]bool{}
		for _, e := range s.executions() {
			listed[e.GetExecution().GetWorkflowId()] = true
		}
		return !slices.ContainsFunc(workflows, func(id string) bool { return !listed[id] })
	}, "%v are not all listed", workflows)
}

// TestTheSearchFindsWhatLeaks is the control: the search finds a word wherever it is leaked on purpose.
func TestTheSearchFindsWhatLeaks(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, o options) {
		o.traced = true
		s := newSystem(t, o)
		id := s.placeAndAwait()
		// This client encodes every value.
		careless, err := client.NewClientFromExisting(s.client, client.Options{Namespace: s.namespace})
		require.NoError(t, err)
		t.Cleanup(careless.Close)
		run, err := careless.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{
			ID: "leak", TaskQueue: "no-worker", Memo: map[string]any{"patient": "Plantedmemo"},
			StaticSummary: "Plantedsummary",
		}, dispatch.WorkflowOrder, map[string]any{"note": "for Plantedinput", "encoded": []byte("Plantedbytes")})
		require.NoError(t, err)
		t.Cleanup(func() {
			require.NoError(t, s.client.TerminateWorkflow(context.Background(), "leak", run.GetRunID(), ""))
		})
		s.log().Debug("a patient", "patient", "Plantedlog")
		_, span := s.traces.Tracer("careless").Start(t.Context(), "read")
		span.RecordError(errors.New("cannot read Plantedspan"))
		span.End()
		leaky := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "leaky_total"}, []string{"patient"})
		s.metrics.MustRegister(leaky)
		leaky.WithLabelValues("Plantedlabel").Inc()
		require.NoError(t, s.store.CreateTeam(t.Context(),
			store.Team{ID: uuid.NewString(), Name: "Plantedrow", Environment: store.Sandbox}))
		s.awaitListed("leak", dispatch.OrderWorkflowID(id))

		for _, route := range []string{hex.EncodeToString([]byte("Plantedhex")),
			base64.StdEncoding.EncodeToString([]byte("Plantedbase64"))} {
			_, err = s.store.ClaimIdempotencyKey(t.Context(), uuid.NewString(), route, "k", "", time.Minute)
			require.NoError(t, err)
		}

		words := []string{"Plantedhex", "Plantedbase64", "PLANTEDMEMO", "PlantedInput", "Plantedbytes", "Plantedsummary",
			"Plantedlog",
			"Plantedlabel", "Plantedspan", "Plantedrow", "Plantednowhere"}
		places := append(append(s.temporalTexts(), s.processTexts()...), s.databaseTexts()...)
		found := findWords(places, words)
		for _, want := range []string{
			"PLANTEDMEMO in history of leak", "PlantedInput in history of leak", "Plantedbytes in history of leak",
			"Plantedsummary in description of leak", "Plantedlog in logs", "Plantedlabel in metrics", "Plantedspan in spans",
			"Plantedrow in table teams",
			"Plantedrow in dump", "Plantedhex in dump", "Plantedhex in table idempotency",
			"Plantedbase64 in dump", "Plantedbase64 in table idempotency",
		} {
			require.Contains(t, found, want)
		}
		for _, f := range found {
			require.NotContains(t, f, "Plantednowhere")
		}
	})
}
