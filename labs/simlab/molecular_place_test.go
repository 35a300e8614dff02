package simlab_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/labs/simlab"
)

func withManual(c *simlab.Config) { c.Manual = true }

func (w *testLab) placeRaw(body string) []placed {
	w.t.Helper()
	return call[[]placed](w, http.StatusOK, http.MethodPost, "/PlaceOrder", body)
}

func TestPlaceOrderAnswer(t *testing.T) {
	t.Parallel()
	w := newTestLab(t, withManual)
	status, raw, err := w.send(http.MethodPost, "/PlaceOrder", "["+orderBody("N1")+"]")
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, status)
	var answer []map[string]any
	require.NoError(t, json.Unmarshal(raw, &answer))
	require.Len(t, answer, 1)
	require.Regexp(t, `^M\d{9}$`, answer[0]["kit_id"])
	delete(answer[0], "kit_id")
	require.Equal(t, map[string]any{"order_number": "N1", "success": true, "error_msg": " null "}, answer[0])
}

func TestPlaceOrderDuplicate(t *testing.T) {
	t.Parallel()
	w := newTestLab(t, withManual)
	kit := w.place("N1", "")
	again := w.placeRaw("[" + orderBody("N1") + "," + orderBody("N2") + "," + orderBody("N2") + "]")
	require.Equal(t, placed{OrderNumber: "N1", KitID: &kit, Message: "order number already exists"}, again[0])
	require.True(t, again[1].Success)
	require.False(t, again[2].Success)
	require.Equal(t, again[1].KitID, again[2].KitID)
	require.NotEqual(t, kit, *again[1].KitID)
}

func TestPlaceOrderValidation(t *testing.T) {
	t.Parallel()
	w := newTestLab(t, withManual)
	tomorrow := time.Now().AddDate(0, 0, 2).Format(time.DateOnly)
	tests := []struct {
		message string
		changes []any
	}{
		{"order_number is missing", []any{"order_number", nil}},
		{"order_number is longer than 20 characters", []any{"order_number", strings.Repeat("A", 21)}},
		{"shipping_info.last_name is missing", []any{"shipping_info.last_name", ""}},
		{"shipping_info.state is invalid", []any{"shipping_info.state", "Washington"}},
		{"shipping_info.postcode is invalid", []any{"shipping_info.postcode", "9840"}},
		{"ordered_date is invalid", []any{"ordered_date", "yesterday"}},
		{"gender is missing", []any{"gender", nil}},
		{"gender is invalid", []any{"gender", "other"}},
		{"date_of_birth is invalid", []any{"date_of_birth", "11/30/1988"}},
		{"date_of_birth is invalid", []any{"date_of_birth", tomorrow}},
		{"email or phone is missing", []any{"email", nil, "phone", ""}},
		{"panel_id is missing", []any{"panel_id", []int{}}},
		{"panel_id is invalid", []any{"panel_id", "101"}},
		{"physician_id is missing", []any{"physician_id", nil}},
		{"lob is missing", []any{"lob", nil}},
		{"fulfillment is missing", []any{"fulfillment", nil}},
		{"shipping_method is missing", []any{"shipping_method", nil}},
		{"kit_id must be null when fulfillment is true", []any{"kit_id", "M1"}},
		{"kit_id is missing", []any{"fulfillment", false}},
		{"kit_id is longer than 10 characters", []any{"fulfillment", false, "kit_id", "M0123456789"}},
		{"replacement.origin_order_number is longer than 20 characters",
			[]any{"replacement", map[string]any{"origin_order_number": strings.Repeat("A", 21)}}},
		{"custom_01 names an unknown sandbox script", []any{"custom", "sandbox:hapy"}},
	}
	for _, tt := range tests {
		answer := w.placeRaw("[" + orderBody("N1", tt.changes...) + "]")
		require.Len(t, answer, 1)
		require.Equal(t, tt.message, answer[0].Message)
		require.False(t, answer[0].Success)
		require.Nil(t, answer[0].KitID)
	}
	require.Equal(t, "order is not an object", w.placeRaw("[7]")[0].Message)
	// The refused order was not recorded.
	w.place("N1", "")
}

func TestPlaceOrderBody(t *testing.T) {
	t.Parallel()
	w := newTestLab(t, withManual)
	for body, want := range map[string]int{
		"[]":                                http.StatusBadRequest,
		"{}":                                http.StatusBadRequest,
		"nonsense":                          http.StatusBadRequest,
		"[" + strings.Repeat(" ", 2<<20):    http.StatusRequestEntityTooLarge,
		"[" + orderBody("N1", "gender", ""): http.StatusBadRequest,
	} {
		status, _, err := w.send(http.MethodPost, "/PlaceOrder", body)
		require.NoError(t, err)
		require.Equal(t, want, status)
	}
}

func TestOwnKitID(t *testing.T) {
	t.Parallel()
	w := newTestLab(t)
	own := func(number string) placed {
		return w.placeRaw("[" + orderBody(number, "fulfillment", false, "kit_id", "M000412207") + "]")[0]
	}
	first := own("N1")
	require.True(t, first.Success)
	require.Equal(t, "M000412207", *first.KitID)
	require.Equal(t, "kit_id already exists", own("N2").Message)
	state := w.awaitScriptEnd("N1")
	require.Equal(t, []string{receivedKit, report}, sequence(state, w.webhooks()),
		"the lab ships no kit that is not its own")
}

func TestLabCredentials(t *testing.T) {
	t.Parallel()
	w := newTestLab(t, withManual)
	paths := map[string]string{
		"/PlaceOrder": http.MethodPost, "/OrderInfo": http.MethodGet, "/Results": http.MethodGet,
		"/sandbox/orders": http.MethodGet, "/sandbox/account": http.MethodGet, "/sandbox/scripts": http.MethodGet,
		"/sandbox/orders/N1": http.MethodGet, "/sandbox/orders/N1/script": http.MethodPut,
		"/sandbox/orders/N1/results": http.MethodPut, "/sandbox/orders/N1/facts": http.MethodPost,
	}
	changes := map[string]func(*http.Request){
		"no user":     func(r *http.Request) { r.Header.Del("user") },
		"no token":    func(r *http.Request) { r.Header.Del("token") },
		"wrong token": func(r *http.Request) { r.Header.Set("token", token+"x") },
		"wrong user":  func(r *http.Request) { r.Header.Set("user", "1") },
		"Basic only":  func(r *http.Request) { r.Header.Del("token"); r.SetBasicAuth(user, token) },
	}
	for path, method := range paths {
		for name, change := range changes {
			status, _, err := w.send(method, path, "["+orderBody("N1")+"]", change)
			require.NoError(t, err)
			require.Equal(t, http.StatusUnauthorized, status, "%s %s", path, name)
		}
	}
	status, _, err := w.send(http.MethodGet, "/healthz", "", func(r *http.Request) { r.Header.Del("token") })
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, status)
	w.place("N1", "") // an order without the change is accepted
}

func TestPlaceScripts(t *testing.T) {
	t.Parallel()
	t.Run("fail-place", func(t *testing.T) {
		t.Parallel()
		w := newTestLab(t)
		for range 2 {
			status, _, err := w.send(http.MethodPost, "/PlaceOrder", "["+orderBody("N1", "custom", "fail-place-2")+"]")
			require.NoError(t, err)
			require.Equal(t, http.StatusServiceUnavailable, status)
		}
		w.place("N1", "fail-place-2")
		state := w.awaitScriptEnd("N1")
		require.Equal(t, expectedWebhooks()["fail-place-3"], sequence(state, w.webhooks()))
		require.Equal(t, []string{"unavailable", "unavailable", "accepted"}, outcomes(state.Calls))
	})
	t.Run("refuse-place", func(t *testing.T) {
		t.Parallel()
		w := newTestLab(t)
		answer := w.placeRaw("[" + orderBody("N1", "custom", "sandbox:refuse-place") + "]")
		require.False(t, answer[0].Success)
		require.Equal(t, "physician is not authorized for this state", answer[0].Message)
		require.Equal(t, []string{"refused"}, outcomes(w.lab.Traffic().CallsFor("N1")))
		// An operator corrects it at the lab, and the order is placed again.
		call[map[string]string](w, http.StatusOK, http.MethodPut, "/sandbox/orders/N1/script", `{"script":"happy"}`)
		w.place("N1", "sandbox:refuse-place")
		require.Equal(t, expectedWebhooks()["happy"], sequence(w.awaitScriptEnd("N1"), w.webhooks()))
	})
	t.Run("timeout-after-accept", func(t *testing.T) {
		t.Parallel()
		w := newTestLab(t)
		_, _, err := w.send(http.MethodPost, "/PlaceOrder", "["+orderBody("N1", "custom", "timeout-after-accept")+"]")
		require.Error(t, err)
		state := w.awaitScriptEnd("N1")
		require.Equal(t, expectedWebhooks()["timeout-after-accept"], sequence(state, w.webhooks()))
		again := w.placeRaw("[" + orderBody("N1", "custom", "timeout-after-accept") + "]")
		require.Equal(t, placed{OrderNumber: "N1", KitID: &state.KitID, Message: "order number already exists"}, again[0])
		calls := w.lab.Traffic().CallsFor("N1")
		require.Equal(t, []string{"dropped", "duplicate"}, outcomes(calls))
		require.Equal(t, []int{0, http.StatusOK}, []int{calls[0].Status, calls[1].Status})
	})
}

func TestHeldConnectionEndsWithTheServer(t *testing.T) {
	t.Parallel()
	w := newTestLab(t)
	ended := make(chan error, 1)
	go func() {
		_, _, err := w.send(http.MethodPost, "/PlaceOrder", "["+orderBody("N1", "custom", "timeout-after-accept-600")+"]")
		ended <- err
	}()
	w.awaitScriptEnd("N1")
	select {
	case <-ended:
		require.Fail(t, "the connection was not held")
	default:
	}
	w.lab.Close()
	require.Error(t, <-ended)
}

func outcomes(calls []simlab.Call) (list []string) {
	for _, c := range calls {
		for _, o := range c.Orders {
			list = append(list, o.Outcome)
		}
	}
	return list
}

func TestScriptSelection(t *testing.T) {
	t.Parallel()
	w := newTestLab(t, func(c *simlab.Config) { c.Speed = 1 })
	for custom, want := range map[string]string{
		"": "happy", "sandbox:silent": "silent", " reject-final ": "reject-final", "a customer's remark": "happy",
		"sandbox:correct": "correct",
	} {
		number := "N" + want + map[bool]string{true: "-default"}[custom == ""]
		if custom == "a customer's remark" {
			number = "N-remark"
		}
		w.place(number, custom)
		require.Equal(t, want, w.order(number).Script)
	}
}

func TestCallsAndSpacing(t *testing.T) {
	t.Parallel()
	clock := newClock()
	w := newTestLab(t, withManual, func(c *simlab.Config) { c.Spacing, c.Now = 500*time.Millisecond, clock.now })
	w.place("N1", "")
	clock.advance(499 * time.Millisecond)
	call[map[string]any](w, http.StatusOK, http.MethodGet, "/OrderInfo?order_number=N1", "")
	clock.advance(500 * time.Millisecond)
	call[map[string]any](w, http.StatusNotFound, http.MethodGet, "/Results?order_number=N1", "")
	account := w.lab.Traffic()
	require.Equal(t, 1, account.TooSoon)
	require.Len(t, account.Calls, 3)
	require.Equal(t, []bool{false, true, false}, []bool{account.Calls[0].TooSoon, account.Calls[1].TooSoon,
		account.Calls[2].TooSoon})
	require.Equal(t, 499*time.Millisecond, account.Calls[1].Start.Sub(account.Calls[0].Start))
	require.Equal(t, []int{200, 200, 404}, []int{account.Calls[0].Status, account.Calls[1].Status,
		account.Calls[2].Status})
	require.Len(t, account.CallsFor("N1"), 3)
	require.Empty(t, account.CallsFor("N2"))
	shown := call[simlab.Traffic](w, http.StatusOK, http.MethodGet, "/sandbox/account?limit=2", "")
	require.Equal(t, account.Calls[1:], shown.Calls)
}

func TestCancelOrder(t *testing.T) {
	t.Parallel()
	t.Run("not offered", func(t *testing.T) {
		t.Parallel()
		w := newTestLab(t, withManual)
		status, _, err := w.send(http.MethodPost, "/CancelOrder", `{"order_number":"N1"}`)
		require.NoError(t, err)
		require.Equal(t, http.StatusNotFound, status)
	})
	t.Run("offered", func(t *testing.T) {
		t.Parallel()
		w := newTestLab(t, func(c *simlab.Config) { c.CancelCall, c.Speed = true, 1 })
		cancel := func(number string) placed {
			return call[placed](w, http.StatusOK, http.MethodPost, "/CancelOrder", `{"order_number":"`+number+`"}`)
		}
		w.place("N1", "happy")
		w.await(func() bool { return w.order("N1").Running })
		require.Equal(t, placed{Message: "order number not found"}, cancel("N2"))
		for range 2 {
			require.Equal(t, placed{Success: true, Message: " null "}, cancel("N1"))
		}
		w.await(func() bool { return !w.order("N1").Running })
		require.Equal(t, "cancelled", w.order("N1").Status)
		require.Empty(t, w.webhooks())

		w.place("N3", "happy")
		w.replaceScript("N3", []simlab.Step{{Kind: simlab.KindShipped}})
		require.Equal(t, placed{Message: "kit has been shipped"}, cancel("N3"))
	})
}
