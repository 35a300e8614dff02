package api_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/aliquot-labs/aliquot/api"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

// simulationAPI is an API whose simulated lab stores the scripts that it gets.
type simulationAPI struct {
	*fixture
	account store.LabAccount

	mu     sync.Mutex
	puts   []string // path and body
	placed []string
	status int
	then   func() // before it answers
}

// newSimulationAPI returns an API with an account of a partner at the simulated lab.
func newSimulationAPI(t *testing.T, partner string) *simulationAPI {
	t.Helper()
	s := &simulationAPI{status: http.StatusOK}
	lab := httptest.NewServer(http.HandlerFunc(s.serve))
	client := &http.Client{Transport: &http.Transport{}}
	t.Cleanup(func() {
		client.CloseIdleConnections()
		lab.Close()
	})
	s.fixture = newFixture(t, func(d *api.Deps) { d.LabHTTPClient = client })
	s.account = store.LabAccount{
		ID: newID(), TeamID: s.team, LabSlug: "stage", Partner: partner, Environment: store.Sandbox, BaseURL: lab.URL,
		Status: "active",
		User:   "demo", Token: "whsec_c2VjcmV0IG9mIHRoZSBuZXV0cmFsIHByb3RvY29s",
	}
	if partner == "neutral" {
		s.account.Settings = []byte(`{"collection_methods": ["testkit", "walk_in_test", "on_site_collection"]}`)
	}
	require.NoError(t, s.store.PutLabAccount(t.Context(), s.account))
	s.labTest = s.labTestAt("stage", lifecycle.Testkit)
	return s
}

func (s *simulationAPI) serve(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	defer s.mu.Unlock()
	if !strings.HasSuffix(r.URL.Path, "/script") { // a requisition, signed
		s.placed = append(s.placed, r.URL.Path)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, `{"accession": "A-1"}`)
		return
	}
	if r.Method != http.MethodPut || r.Header.Get("user") != s.account.User || r.Header.Get("token") != s.account.Token {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	s.puts = append(s.puts, r.URL.Path+" "+string(body))
	if s.then != nil {
		s.then()
	}
	w.WriteHeader(s.status)
}

func (s *simulationAPI) simulate(id, query string, body any) reply {
	s.t.Helper()
	return s.sendWithKey(http.MethodPost, "/v3/order/"+id+"/test"+query, s.key, body)
}

// script returns the kinds of the steps of the newest script.
func (s *simulationAPI) script(id string) []string {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	require.NotEmpty(s.t, s.puts)
	path, body, _ := strings.Cut(s.puts[len(s.puts)-1], " ")
	require.Equal(s.t, "/sandbox/orders/"+s.order(id).Number+"/script", path)
	var script struct {
		Steps []struct{ Kind, Status, Pause, Interpretation, Missing string }
	}
	require.NoError(s.t, json.Unmarshal([]byte(body), &script))
	kinds := []string{}
	for _, step := range script.Steps {
		kinds = append(kinds,
			strings.TrimSpace(strings.Join([]string{step.Kind, step.Status, step.Pause, step.Interpretation, step.Missing},
				" ")))
	}
	return kinds
}

func (s *simulationAPI) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.puts)
}

// Simulations to completion, with the bodies that SDKs send: none, null, or flags.
func TestSimulateToCompletion(t *testing.T) {
	t.Parallel()
	s := newSimulationAPI(t, "neutral")
	for _, body := range []any{nil, `null`, ` null `, `{}`,
		`{"interpretation": "normal", "result_types": null, "has_missing_results": null}`} {
		id := s.requisitioned()
		r := s.simulate(id, "", body)
		require.Equal(t, http.StatusOK, r.status, string(r.body))
		require.Equal(t, id, r.json(t)["order"].(map[string]any)["id"])
		require.Equal(t, []string{
			"kit_shipped", "transit out_for_delivery", "transit with_customer", "transit transit_lab", "sample_received",
			"results", "report_ready",
		}, s.script(id))
		require.Contains(t, s.actions(id), "order.simulate")
	}
	id := s.requisitioned()
	r := s.simulate(id, "?final_status=sample_with_lab.testkit.delivered_to_lab&delay=3", nil)
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	require.Equal(t, []string{
		"kit_shipped", "transit out_for_delivery 3s", "transit with_customer 3s", "transit transit_lab 3s",
		"sample_received  3s",
	}, s.script(id))
	before := s.count()
	r = s.simulate(id, "?final_status=received.testkit.requisition_created", nil)
	require.Equal(t, http.StatusOK, r.status)
	require.Empty(t, s.script(id), "it stops where it is")
	require.Equal(t, before+1, s.count())

	r = s.simulate(id, "", map[string]any{"interpretation": "critical", "result_types": []any{"comment"},
		"has_missing_results": true})
	require.Equal(t, http.StatusOK, r.status)
	require.Contains(t, s.script(id), "results   critical quantity_not_sufficient_failure")
}

// The flags of results work for Molecular's kits too. Without them the results are normal.
func TestSimulateResultsOfMolecular(t *testing.T) {
	t.Parallel()
	s := newSimulationAPI(t, "molecular")
	for want, flags := range map[string]any{
		"results   normal": nil, "results   critical": map[string]any{"interpretation": "critical"},
		"results   unknown": map[string]any{"interpretation": "unknown", "result_types": []any{"range", "comment"}},
		"results   abnormal quantity_not_sufficient_failure": map[string]any{"interpretation": "abnormal",
			"has_missing_results": true},
	} {
		id := s.requisitioned()
		r := s.simulate(id, "", flags)
		require.Equal(t, http.StatusOK, r.status, string(r.body))
		require.Contains(t, s.script(id), want)
	}
}

// When the order's status changes while its script is being stopped, the new script has the remaining steps only.
func TestSimulateAnOrderThatMoves(t *testing.T) {
	t.Parallel()
	s := newSimulationAPI(t, "molecular")
	id := s.requisitioned()
	var once sync.Once
	s.then = func() { once.Do(func() { s.applyFact(id, order.Fact{Kind: order.FactKitShipped}) }) }
	r := s.simulate(id, "?final_status=collecting_sample.testkit.with_customer", nil)
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	require.Equal(t, []string{"courier out_for_delivery", "courier delivered"}, s.script(id))
	require.Equal(t, 2, s.count(), "stopped, and put")
}

// Statuses that no partner reports are reached by demands.
func TestSimulationFlags(t *testing.T) {
	t.Parallel()
	s := newSimulationAPI(t, "neutral")
	id := s.onlyPlaced()
	r := s.simulate(id, "?final_status=cancelled.testkit.cancelled", nil)
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	require.Equal(t, lifecycle.Cancelled, s.order(id).Status)
	require.Empty(t, s.script(id))

	id = s.requisitioned()
	r = s.simulate(id, "?final_status=cancelled.testkit.do_not_process", nil)
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	require.Equal(t, lifecycle.DoNotProcess, s.order(id).Status)
	_, _, demands := s.orders.snapshot()
	require.Equal(t, lifecycle.Operations, demands[len(demands)-1].By)
	require.Equal(t, "simulated", demands[len(demands)-1].Reason)

	// The draw of an on-site order waits for its requisition.
	s.labTest = s.labTestAt("stage", lifecycle.OnSite)
	id = s.onlyPlaced()
	var once sync.Once
	s.then = func() {
		once.Do(func() {
			s.record(id, order.CauseCall(newID()),
				func(st order.State) order.Decision { return st.ApplyPlacementAccepted("A-1", testTime) })
		})
	}
	r = s.simulate(id, "?final_status=sample_with_lab.on_site_collection.partial_results", nil)
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	require.Equal(t, lifecycle.DrawCompleted, s.order(id).Status)
	require.Equal(t, []string{"results", "report_ready"}, s.script(id))
}

func (s *simulationAPI) onlyPlaced() string { return s.fixture.createOrder(nil) }

// A simulation that waits for the requisition only looks at the order. An order whose workflow never began is still
// found as such, so that the reconciler starts it.
func TestASimulationDoesNotCountAsTheWorkflow(t *testing.T) {
	t.Parallel()
	s := newSimulationAPI(t, "neutral")
	id := s.onlyPlaced()
	neverBegun := func() bool {
		ids, err := s.store.OrdersWithoutWorkflow(t.Context(), time.Now().AddDate(100, 0, 0), 100)
		return err == nil && slices.Contains(ids, id)
	}
	require.True(t, neverBegun())
	var status int
	var g errgroup.Group
	g.Go(func() error {
		url := s.url + "/v3/order/" + id + "/test?final_status=received.testkit.requisition_created"
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, http.NoBody)
		if err != nil {
			return err
		}
		req.Header.Set("X-Vital-API-Key", s.key)
		resp, err := s.client.Do(req)
		if err != nil {
			return err
		}
		status = resp.StatusCode
		return resp.Body.Close()
	})
	require.Eventually(t, func() bool { return s.count() == 1 }, 5*time.Second, 5*time.Millisecond)
	require.Never(t, func() bool { return !neverBegun() }, 300*time.Millisecond, 20*time.Millisecond)

	state, err := s.store.State(t.Context(), id)
	require.NoError(t, err)
	_, err = s.store.Record(t.Context(), order.Recording{OrderID: id, Revision: state.Revision,
		Cause: order.CauseCall("place-" + id), Decision: state.ApplyPlacementAccepted("A-1", testTime), At: testTime})
	require.NoError(t, err)
	require.NoError(t, g.Wait())
	require.Equal(t, http.StatusOK, status)
	require.True(t, neverBegun())
}

func TestSimulateAppointments(t *testing.T) {
	t.Parallel()
	s := newSimulationAPI(t, "neutral")
	s.labTest = s.labTestAt("stage", lifecycle.WalkIn)
	id := s.requisitioned()
	r := s.simulate(id, "?final_status=collecting_sample.walk_in_test.redraw_available", nil)
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	require.Equal(t, []string{"appointment pending", "appointment confirmed", "results    internal_lab_failure",
		"report_ready"}, s.script(id))
}

// An imported order is placed at the simulated lab first.
func TestSimulateAnImportedOrder(t *testing.T) {
	t.Parallel()
	s := newSimulationAPI(t, "neutral")
	r := s.sendWithKey(http.MethodPost, "/v3/order/import", s.key, s.importBody(nil))
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	id := r.json(t)["order"].(map[string]any)["id"].(string)
	r = s.simulate(id, "?final_status=sample_with_lab.testkit.delivered_to_lab", nil)
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	require.Equal(t, []string{"/orders/REQ-77"}, s.placed)
	require.Len(t, s.script(id), 5)
}

func TestSimulateRefused(t *testing.T) {
	t.Parallel()
	s := newSimulationAPI(t, "molecular")
	id := s.requisitioned()
	scheduled := s.fixture.createOrder(map[string]any{"activate_by": "2026-03-09"})
	for query, tt := range map[string]struct {
		id, text string
		body     any
	}{
		"?final_status=completed.walk_in_test.completed":      {id, "collection method has no status", nil},
		"?final_status=received.testkit.requisition_bypassed": {id, "imported", nil},
		"?final_status=received.testkit.ordered":              {id, "does not get to received.testkit.ordered", nil},
		"?final_status=completed.testkit.completed":           {scheduled, "activate_by", nil},
	} {
		r := s.simulate(tt.id, query, tt.body)
		require.Equal(t, http.StatusBadRequest, r.status, query)
		require.Contains(t, r.detail(t), tt.text, query)
	}
	for query, loc := range map[string][]any{
		"?final_status=done": {"query", "final_status"}, "?delay=-1": {"query", "delay"}, "?delay=soon": {"query", "delay"},
	} {
		r := s.simulate(id, query, nil)
		require.Equal(t, http.StatusUnprocessableEntity, r.status, query)
		require.Equal(t, loc, r.detail(t).([]any)[0].(map[string]any)["loc"])
	}
	for body, loc := range map[string][]any{
		`{"interpretation": "great"}`:  {"body", "interpretation"},
		`{"result_types": ["colour"]}`: {"body", "result_types", 0.0},
		`[]`:                           {"body"}, `nullx`: {"body"},
	} {
		r := s.simulate(id, "", body)
		require.Equal(t, http.StatusUnprocessableEntity, r.status, body)
		require.Equal(t, loc, r.detail(t).([]any)[0].(map[string]any)["loc"])
	}
	require.Zero(t, s.count(), "what is refused stops nothing")

	other := s.newKey(s.newTeam(store.Sandbox, ""), store.RoleClient)
	require.Equal(t, http.StatusNotFound, s.sendWithKey(http.MethodPost, "/v3/order/"+id+"/test", other, nil).status)
	production := s.newKey(s.newTeam(store.Production, ""), store.RoleClient)
	r := s.sendWithKey(http.MethodPost, "/v3/order/"+id+"/test", production, nil)
	require.Equal(t, http.StatusNotFound, r.status)
	require.Contains(t, r.detail(t), "sandbox only")
}

func TestSimulateWithoutTheLab(t *testing.T) {
	t.Parallel()
	s := newSimulationAPI(t, "molecular")
	id := s.requisitioned()
	s.mu.Lock()
	s.status = http.StatusServiceUnavailable
	s.mu.Unlock()
	r := s.simulate(id, "", nil)
	require.Equal(t, http.StatusServiceUnavailable, r.status)
	require.Equal(t, "5", r.header.Get("Retry-After"))
	require.NotContains(t, s.logs.String(), s.account.Token)
}
