package simlab_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/aliquot-labs/aliquot/labs/simlab"
)

// results is the answer of GET /Results.
type results struct {
	OrderNumber  string               `json:"order_number"`
	KitID        string               `json:"kit_id"`
	Status       string               `json:"status"`
	Version      int                  `json:"version"`
	PDF          string               `json:"pdf_base64"`
	Tempstrip    string               `json:"tempstrip_status"`
	Observations []simlab.Observation `json:"observations"`
}

func (w *testLab) results(number string) results {
	w.t.Helper()
	return call[results](w, http.StatusOK, http.MethodGet, "/Results?order_number="+number, "")
}

func TestResultsOfAPanel(t *testing.T) {
	t.Parallel()
	w := newTestLab(t)
	kit := *w.placeRaw("[" + orderBody("N1", "panel_id", []int{101, 102, 900}, "custom", "happy-lab-only") + "]")[0].KitID
	w.awaitScriptEnd("N1")
	got := w.results("N1")
	require.Equal(t, []any{"N1", kit, "final", 1, "pass"},
		[]any{got.OrderNumber, got.KitID, got.Status, got.Version, got.Tempstrip})
	var names []string
	for _, o := range got.Observations {
		names = append(names, o.TestName)
		require.Contains(t, []string{"Detected", "Not Detected"}, o.Result)
		require.NotEmpty(t, o.ResultValue)
		_, err := time.Parse(time.RFC3339Nano, o.AssayedAt)
		require.NoError(t, err)
	}
	require.Equal(t, []string{
		"Total Cholesterol", "HDL Cholesterol", "LDL Cholesterol", "Triglycerides",
		"Chlamydia trachomatis", "Neisseria gonorrhoeae", "Trichomonas vaginalis", "Panel 900",
	}, names)
	for _, o := range got.Observations[:4] {
		var value, low, high int
		_, err := fmt.Sscanf(o.ResultValue+" "+o.ReferenceRange, "%d %d-%d", &value, &low, &high)
		require.NoError(t, err)
		require.True(t, low <= value && value <= high, "%s: %s in %s", o.TestName, o.ResultValue, o.ReferenceRange)
		require.Equal(t, "mg/dL", o.Units)
		require.Regexp(t, `^\d+-\d$`, o.LOINC)
	}
	pdf, err := base64.StdEncoding.DecodeString(got.PDF)
	require.NoError(t, err)
	require.Contains(t, string(pdf), "Order N1")
}

func TestResultsThatAreNotThere(t *testing.T) {
	t.Parallel()
	w := newTestLab(t, withManual)
	w.place("N1", "happy")
	for number, message := range map[string]string{"N1": "results are not ready", "N2": "order number not found",
		"": "order number not found"} {
		answer := call[map[string]any](w, http.StatusNotFound, http.MethodGet, "/Results?order_number="+number, "")
		require.Equal(t, map[string]any{"success": false, "error_msg": message}, answer)
	}
	require.Equal(t, "order number not found",
		call[map[string]any](w, http.StatusNotFound, http.MethodGet, "/OrderInfo?order_number=N2", "")["error_msg"])
	info := call[map[string]any](w, http.StatusOK, http.MethodGet, "/OrderInfo?order_number=N1", "")
	require.Equal(t, "accepted", info["status"])
	require.Regexp(t, `^M\d{9}$`, info["kit_id"])
	require.Equal(t, true, info["success"])
}

// Facts that a script does not send can be polled. Facts that were sent can be polled too, once.
func TestNotifications(t *testing.T) {
	t.Parallel()
	w := newTestLab(t)
	for script, want := range map[string][]string{
		"webhooks-lost": {"kit_shipped", "kit_received", "report_ready"},
		"send-twice":    {"kit_shipped", "kit_received", "report_ready"},
		"silent":        nil,
	} {
		w.place(script, script)
		var kinds []string
		require.Eventually(t, func() bool {
			kinds = nil
			for _, n := range call[[]map[string]any](w, http.StatusOK, http.MethodGet, "/Notifications?order_number="+script,
				"") {
				require.Equal(t, script, n["order_number"])
				kinds = append(kinds, n["type"].(string))
			}
			return len(kinds) >= len(want)
		}, 10*time.Second, 10*time.Millisecond)
		require.Equal(t, want, kinds)
	}
	require.Equal(t, "order number not found",
		call[map[string]any](w, http.StatusNotFound, http.MethodGet, "/Notifications?order_number=N2", "")["error_msg"])
}

// TestResultsOverTime fetches the results after each report_ready, and at the end.
func TestResultsOverTime(t *testing.T) {
	t.Parallel()
	// Version and number of observations after each part.
	for script, want := range map[string][][2]int{
		"happy-lab-only":  {{1, 4}, {1, 4}},
		"early-report":    {{0, 0}, {1, 4}},
		"no-observations": {{1, 0}, {2, 4}},
		"correct":         {{1, 4}, {2, 4}, {2, 4}},
	} {
		t.Run(script, func(t *testing.T) {
			t.Parallel()
			w := newTestLab(t)
			var seen [][2]int
			look := func() {
				status, _, err := w.send(http.MethodGet, "/Results?order_number=N1", "")
				require.NoError(t, err)
				if status == http.StatusNotFound {
					seen = append(seen, [2]int{})
					return
				}
				got := w.results("N1")
				seen = append(seen, [2]int{got.Version, len(got.Observations)})
			}
			// The scripts run in parts: up to each report_ready, and then the rest.
			named, _ := simlab.NamedScript(script)
			w.place("N1", "silent")
			w.awaitScriptEnd("N1")
			for _, piece := range splitAfterReports(named.Steps) {
				w.replaceScript("N1", piece)
				look()
			}
			require.Equal(t, want, seen)
		})
	}
}

// splitAfterReports splits the steps after each report_ready; the last part may be empty.
func splitAfterReports(steps []simlab.Step) (pieces [][]simlab.Step) {
	piece := []simlab.Step{}
	for _, step := range steps {
		piece = append(piece, step)
		if step.Kind == simlab.KindReport {
			pieces, piece = append(pieces, piece), []simlab.Step{}
		}
	}
	return append(pieces, piece)
}

// replaceScript sets a script with these steps and waits until it has ended.
func (w *testLab) replaceScript(number string, steps []simlab.Step) {
	w.t.Helper()
	body := marshal(w.t, map[string]any{"steps": steps})
	call[map[string]string](w, http.StatusOK, http.MethodPut, "/sandbox/orders/"+number+"/script", body)
	w.await(func() bool { return !w.order(number).Running })
}

func TestCorrectedResultsDiffer(t *testing.T) {
	t.Parallel()
	for _, panel := range []int{101, 102, 7} {
		w := newTestLab(t, withManual)
		w.placeRaw("[" + orderBody("N1", "panel_id", []int{panel}) + "]")
		var versions [][]simlab.Observation
		for range 3 {
			w.replaceScript("N1", []simlab.Step{{Kind: simlab.KindResults}})
			observations := w.results("N1").Observations
			for i := range observations {
				observations[i].AssayedAt = ""
			}
			versions = append(versions, observations)
		}
		require.NotEqual(t, versions[0], versions[1])
		require.NotEqual(t, versions[1], versions[2])
	}
}

func TestManualMode(t *testing.T) {
	t.Parallel()
	w := newTestLab(t, withManual)
	w.place("N1", "sandbox:happy")
	require.Equal(t, "accepted", w.order("N1").Status)
	put := func(body string) map[string]int {
		return call[map[string]int](w, http.StatusOK, http.MethodPut, "/sandbox/orders/N1/results", body)
	}
	require.Equal(t, map[string]int{"version": 1}, put(`{}`))
	require.Len(t, w.results("N1").Observations, 4)
	require.Equal(t, map[string]int{"version": 2},
		put(`{"observations":[{"test_name":"Glucose","result":"Detected","result_value":"612","units":"mg/dL"}],
			"status":"partial"}`))
	got := w.results("N1")
	require.Equal(t, "partial", got.Status)
	require.Len(t, got.Observations, 1)
	require.Equal(t, "612", got.Observations[0].ResultValue)
	require.NotEmpty(t, got.Observations[0].AssayedAt)
	require.Equal(t, map[string]int{"version": 3}, put(`{"observations":[]}`))
	require.NotNil(t, w.results("N1").Observations)
	require.Empty(t, w.results("N1").Observations)
	// Results from the control endpoint stay unchanged.
	w.replaceScript("N1", []simlab.Step{{Kind: simlab.KindResults}})
	require.Equal(t, 3, w.results("N1").Version)
	require.Empty(t, w.webhooks())
	require.False(t, w.order("N1").Running)
}

func TestReplacedScriptSendsNothingMore(t *testing.T) {
	t.Parallel()
	w := newTestLab(t, func(c *simlab.Config) { c.Speed = 1 })
	w.place("N1", "happy")
	w.await(func() bool { return w.order("N1").Running })
	w.replaceScript("N1", []simlab.Step{{Kind: simlab.KindReceived},
		{Kind: simlab.KindRejected, Details: simlab.Details{Reason: "QNS"}}})
	state := w.order("N1")
	require.Equal(t, "custom", state.Script)
	require.Equal(t, "kit_rejected", state.Status)
	all := w.webhooks()
	require.Len(t, all, 2)
	require.NotContains(t, all[1].fields["rej_info"], "recoverable", "left out where the script leaves it out")
}

func TestReplacingWhileAWebhookIsRetried(t *testing.T) {
	t.Parallel()
	w := newTestLab(t, func(c *simlab.Config) { c.RetryInterval = time.Hour })
	w.mu.Lock()
	w.answer = func(int) int { return http.StatusServiceUnavailable }
	w.mu.Unlock()
	w.place("N1", "happy-lab-only")
	w.await(func() bool { return len(w.webhooks()) == 1 })
	w.replaceScript("N1", []simlab.Step{})
	require.False(t, w.order("N1").Running)
	require.Len(t, w.webhooks(), 1)
}

func TestScriptBeforeTheOrder(t *testing.T) {
	t.Parallel()
	w := newTestLab(t, withManual)
	call[map[string]string](w, http.StatusOK, http.MethodPut, "/sandbox/orders/N1/script", `{"script":"reject-final"}`)
	w.place("N1", "sandbox:happy")
	require.Equal(t, expectedWebhooks()["reject-final"], sequence(w.awaitScriptEnd("N1"), w.webhooks()))
}

func TestManyOrdersAtOnce(t *testing.T) {
	t.Parallel()
	w := newTestLab(t)
	const orders = 60
	var group errgroup.Group
	for i := range orders {
		group.Go(func() error {
			status, raw, err := w.send(http.MethodPost, "/PlaceOrder", "["+orderBody(fmt.Sprintf("N%d", i))+"]")
			if err == nil && status != http.StatusOK {
				return fmt.Errorf("status %d: %s", status, raw)
			}
			return err
		})
	}
	require.NoError(t, group.Wait())
	kits, numbers := map[string]bool{}, map[string]bool{}
	for i := range orders {
		state := w.awaitScriptEnd(fmt.Sprintf("N%d", i))
		require.Len(t, state.Webhooks, len(expectedWebhooks()["happy"]))
		kits[state.KitID], numbers[state.Outbound], numbers[state.Inbound] = true, true, true
	}
	require.Len(t, kits, orders)
	require.Len(t, numbers, 2*orders)
}

func TestBadScripts(t *testing.T) {
	t.Parallel()
	w := newTestLab(t, withManual)
	for _, body := range []string{
		`{}`, `[]`, `{"script":"hapy"}`, `{"script":"happy","steps":[]}`, `{"steps":[{"kind":"teleport"}]}`,
		`{"steps":[{"kind":"kit_shipped","aftr":"1h"}]}`,
		`{"steps":[{"kind":"kit_shipped","after":"1 day"}]}`, `{"steps":[{"kind":"kit_shipped","after":"-1h"}]}`,
		`{"steps":[{"kind":"kit_shipped","times":11}]}`,
		`{"steps":[{"kind":"courier","leg":"sideways","status":"delivered"}]}`,
		`{"steps":[{"kind":"courier","leg":"inbound"}]}`,
		`{"steps":[{"kind":"kit_shipped","pause":"-1s"}]}`, `{"steps":[{"kind":"kit_shipped","pause":"2h"}]}`,
		`{"steps":[{"kind":"happens","fact":"courier"}]}`, `{"steps":[],"place":{"unavailable":-1}}`,
		`{"steps":[],"place":{"hold":"1h"}}`,
	} {
		status, _, err := w.send(http.MethodPut, "/sandbox/orders/N1/script", body)
		require.NoError(t, err)
		require.Equal(t, http.StatusBadRequest, status, body)
	}
}

func TestFactsByControl(t *testing.T) {
	t.Parallel()
	w := newTestLab(t, withManual)
	kit := w.place("N1", "")
	w.mu.Lock()
	w.answer = func(int) int { return http.StatusAccepted }
	w.mu.Unlock()
	fact := func(number, body string) {
		t.Helper()
		answer := call[map[string]int](w, http.StatusOK, http.MethodPost, "/sandbox/orders/"+number+"/facts", body)
		require.Equal(t, map[string]int{"status": http.StatusAccepted}, answer)
	}
	fact("N1", `{"type":"kit_shipped","outbound":"","inbound":"772081149359","kit_reg_code":"R-1"}`)
	fact("N1", `{"type":"kit_received","at":"2024-03-12T10:05:40.118002+01:00"}`)
	fact("N1", `{"type":"kit_rejected","recoverable":false,"reason":"Hemolyzation"}`)
	fact("N1", `{"type":"report_ready","accession_number":"F000000001"}`)
	fact("N1", `{"type":"courier","leg":"inbound","status":"in_transit","status_detail":"delayed"}`)
	fact("N-unknown", `{"type":"kit_received","accession_number":"M000000001"}`)
	all := w.webhooks()
	require.Len(t, all, 6)
	ship := all[0].fields["ship_info"].(map[string]any)
	require.Equal(t, []any{"", "772081149359", "R-1"}, []any{ship["outbound"], ship["inbound"], ship["kit_reg_code"]})
	require.Equal(t, kit, all[0].fields["accession_number"])
	require.Equal(t, map[string]any{"received_datetime": "2024-03-12T09:05:40.118002Z"}, all[1].fields["rcvd_info"])
	require.Equal(t, "Hemolyzation", all[2].fields["rej_info"].(map[string]any)["rejected_reason"])
	require.Equal(t, "F000000001", all[3].fields["accession_number"])
	require.Equal(t, w.order("N1").Inbound, all[4].fields["result"].(map[string]any)["tracking_code"])
	require.Equal(t, "N-unknown", all[5].fields["order_number"])
	require.Equal(t, "report_ready", w.order("N1").Status)
}

func TestBadFacts(t *testing.T) {
	t.Parallel()
	w := newTestLab(t, withManual, func(c *simlab.Config) { c.CourierURL, c.WebhookURL = "", "http://127.0.0.1:1" })
	w.place("N1", "")
	for _, test := range []struct {
		number, body string
		want         int
	}{
		{"N1", `{"type":"results"}`, http.StatusBadRequest},
		{"N1", `{"typo":"kit_shipped"}`, http.StatusBadRequest},
		{"N1", `{"type":"kit_received","at":"noon"}`, http.StatusBadRequest},
		{"N1", `{"type":"courier","leg":"inbound","status":"delivered"}`, http.StatusConflict},
		{"N2", `{"type":"kit_shipped"}`, http.StatusNotFound},
		{"N2", `{"type":"courier","leg":"inbound","status":"delivered","accession_number":"M1"}`, http.StatusNotFound},
		{"N1", `{"type":"kit_shipped"}`, http.StatusBadGateway},
	} {
		status, _, err := w.send(http.MethodPost, "/sandbox/orders/"+test.number+"/facts", test.body)
		require.NoError(t, err)
		require.Equal(t, test.want, status, test.body)
	}
}

func TestOrdersAreListedInPages(t *testing.T) {
	t.Parallel()
	w := newTestLab(t, withManual)
	for i := range 5 {
		w.place(fmt.Sprintf("N%d", i), "")
	}
	var numbers []string
	for path := "/sandbox/orders?limit=2"; path != ""; {
		page := call[struct {
			Orders []orderState `json:"orders"`
			Next   *int64       `json:"next"`
		}](w, http.StatusOK, http.MethodGet, path, "")
		for _, o := range page.Orders {
			numbers = append(numbers, o.OrderNumber)
		}
		path = ""
		if page.Next != nil {
			path = fmt.Sprintf("/sandbox/orders?limit=2&after=%d", *page.Next)
		}
	}
	require.Equal(t, []string{"N0", "N1", "N2", "N3", "N4"}, numbers)
	require.Equal(t, "order number not found", call[map[string]any](w, http.StatusNotFound, http.MethodGet,
		"/sandbox/orders/N9", "")["error_msg"])
	listed := call[map[string][]simlab.Script](w, http.StatusOK, http.MethodGet, "/sandbox/scripts", "")
	require.Equal(t, simlab.Scripts(), listed["scripts"])
}
