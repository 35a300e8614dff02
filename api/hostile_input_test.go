package api_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

// sampleBodies are valid bodies, by route, with which a request gets as far as reading the named object. Other routes
// have no body.
var sampleBodies = map[string]string{
	"PATCH /v3/order/:order_id":                        `{"is_critical_result": true, "activate_by": "2026-03-09"}`,
	"POST /v3/unmatched_result/:raw_result_id/resolve": `{"action": "reject"}`,
	"POST /v3/unmatched_result/:raw_result_id/accept":  `{}`,
	"PATCH /v3/order/:order_id/phlebotomy/appointment/cancel": `{"cancellation_reason_id": "` +
		"c7a2b1f0-0000-4000-8000-000000000001" + `"}`,
	"PATCH /v3/order/:order_id/psc/appointment/cancel": `{"cancellationReasonId": "` +
		"c7a2b1f0-0000-4000-8000-000000000001" + `"}`,
	"POST /v3/order/:order_id/phlebotomy/appointment/request": `{"address": {"first_line": "1 Main St", ` +
		`"second_line": "", "city": "Phoenix", "state": "AZ", "zip_code": "85004"}, "provider": "getlabs"}`,
	"POST /v3/order/:order_id/phlebotomy/appointment/book":        `{"booking_key": "a.b"}`,
	"PATCH /v3/order/:order_id/phlebotomy/appointment/reschedule": `{"booking_key": "a.b"}`,
	"POST /v3/order/:order_id/psc/appointment/book":               `{"booking_key": "a.b"}`,
	"PATCH /v3/order/:order_id/psc/appointment/reschedule":        `{"booking_key": "a.b"}`,
}

// ownIDs are the ids of objects of the fixture's team, by path parameter.
func (f *fixture) ownIDs() map[string]string {
	f.t.Helper()
	held, review := f.newHeldReview()
	id := f.createOrder(nil)
	f.publishReport(id, finalReport("a"), page("report"))
	private := order.LabTest{
		ID: newID(), Slug: newID(), Name: "Private", Status: "active", Method: lifecycle.Testkit,
		SampleType: "dried_blood_spot",
		Lab:        &order.Lab{ID: 27, Slug: "mtl", Name: "Molecular"},
	}
	require.NoError(f.t, f.store.PutLabTest(f.t.Context(), f.team, private))
	require.NotEqual(f.t, held, id)
	return map[string]string{
		"order_id": id, "transaction_id": transactionOf(f, id), "user_id": f.user, "raw_result_id": review,
		"lab_test_id": private.ID,
	}
}

// On every route of the client API, the answer about another team's object equals the answer about one that does not
// exist.
func TestOtherTeamsDataIsNotFound(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	owned, unknown := f.ownIDs(), map[string]string{}
	for name := range owned {
		unknown[name] = newID()
	}
	stranger := f.newKey(f.newTeam(store.Sandbox, ""), store.RoleOperations)
	looked, before := 0, f.actions(owned["order_id"])
	for _, route := range append(slices.Clone(scopesOfRoutes["own:read"]), scopesOfRoutes["own:change"]...) {
		method, pattern, _ := strings.Cut(route, " ")
		if !anyParameter.MatchString(pattern) {
			continue
		}
		var body any
		if text := sampleBodies[route]; text != "" {
			body = text
		}
		theirs, none := f.sendWithKey(method, fillPathParameters(pattern, owned), stranger, body),
			f.sendWithKey(method, fillPathParameters(pattern, unknown), stranger, body)
		require.Equal(t, none.status, theirs.status, route)
		require.Equal(t, string(none.body), string(theirs.body), route)
		require.GreaterOrEqual(t, theirs.status, http.StatusBadRequest, route)
		if theirs.status == http.StatusNotFound {
			looked++
		} else {
			t.Logf("%s: %d %s", route, theirs.status, theirs.body)
		}
		for _, headers := range []http.Header{theirs.header, none.header} {
			headers.Del("X-Request-Id")
			headers.Del("Date")
		}
		require.Equal(t, none.header, theirs.header, route)
	}
	require.Greater(t, looked, 20)
	require.Equal(t, before, f.actions(owned["order_id"]), "nothing was done")

	// Control: the answers to a caller who may see the object differ.
	for _, at := range []string{"/v3/order/" + owned["order_id"], "/v3/order_transaction/" + owned["transaction_id"],
		"/v3/unmatched_result/" + owned["raw_result_id"], "/v3/lab_tests/" + owned["lab_test_id"],
		"/v2/user/" + owned["user_id"]} {
		require.Equal(t, http.StatusOK, f.sendWithKey(http.MethodGet, at, f.key, nil).status, at)
	}
	listed := string(f.sendWithKey(http.MethodGet, "/v3/orders", stranger, nil).body) +
		string(f.sendWithKey(http.MethodGet, "/v3/unmatched_result", stranger, nil).body) +
		string(f.sendWithKey(http.MethodGet, "/v3/lab_tests", stranger, nil).body)
	for name, id := range owned {
		require.NotContains(t, listed, id, name)
	}
}

// hostileTexts are texts that break code that joins them with other texts, such as queries, HTML or log lines.
var hostileTexts = map[string]string{
	"SQL":             `'; DROP TABLE orders; --`,
	"SQL, always":     `" OR 1=1 OR "`,
	"a placeholder":   `$1 ? :x %s %n {now}`,
	"a line":          "a\n{\"level\":\"INFO\",\"msg\":\"request\",\"key_id\":\"forged\"}",
	"line ends":       "a\r\nX-Injected: 1\r\n\r\n",
	"separators":      "a\u2028b\u2029c\u0085d",
	"a terminal":      "\x1b[2J\x1b]0;x\x07",
	"HTML":            `<script>alert(1)</script>&amp;`,
	"a template":      `{{.}} ${jndi:ldap://x} #{7*7}`,
	"backwards":       "\u202egnp.exe",
	"not a character": "\ufffe\U0010ffff",
	"a backslash":     `\" \u0000 \\`,
}

// texts returns the paths of all texts in a body.
func texts(prefix string, v any) []string {
	var found []string
	switch v := v.(type) {
	case string:
		return []string{prefix}
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			found = append(found, texts(strings.TrimPrefix(prefix+"."+name, "."), v[name])...)
		}
	}
	return found
}

// valueAt returns the value at a path of a body.
func valueAt(v any, path string) any {
	for name := range strings.SplitSeq(path, ".") {
		m, _ := v.(map[string]any)
		v = m[name]
	}
	return v
}

// In every text field of an order, each hostile text is either returned unchanged or refused with a 4xx answer, and no
// log line is broken.
func TestNastyTextsInAnOrder(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	fields := texts("", f.orderBody(map[string]any{"patient_address.second_line": "x", "patient_details.race": "white"}))
	require.Greater(t, len(fields), 15)
	kept := 0
	for _, field := range fields {
		for name, text := range hostileTexts {
			r := f.sendWithKey(http.MethodPost, "/v3/order", f.key, f.orderBody(map[string]any{field: text}))
			if r.status == http.StatusUnprocessableEntity || r.status == http.StatusBadRequest {
				continue
			}
			require.Equal(t, http.StatusOK, r.status, "%s in %s: %s", name, field, r.body)
			id := r.json(t)["order"].(map[string]any)["id"].(string)
			shown := f.sendWithKey(http.MethodGet, "/v3/order/"+id, f.key, nil).json(t)
			back := valueAt(shown, field)
			if back == nil || field == "billing_type" { // not shown under this name
				continue
			}
			require.Equal(t, text, back, "%s in %s", name, field)
			kept++
		}
	}
	require.Greater(t, kept, 3*len(hostileTexts))
	require.Positive(t, f.countOrders(), "the table is still there")
	for line := range strings.Lines(f.logs.String()) {
		var parsed map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &parsed), line)
		require.NotEqual(t, "forged", parsed["key_id"])
	}
	for name, text := range hostileTexts {
		require.NotContains(t, f.logs.String(), text, name)
	}
}

// Hostile texts in queries and paths are treated as data.
func TestNastyTextsInQueriesAndPaths(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	id := f.createOrder(nil)
	for name, text := range hostileTexts {
		escaped := url.QueryEscape(text)
		for _, query := range []string{"patient_name=", "user_id=", "order_ids=", "search_input=", "status=", "page=",
			"start_date="} {
			r := f.sendWithKey(http.MethodGet, "/v3/orders?"+query+escaped, f.key, nil)
			require.Less(t, r.status, http.StatusInternalServerError, "%s%s: %s", query, name, r.body)
			require.Empty(t, r.header.Get("X-Injected"))
		}
		for _, at := range []string{"/v3/order/", "/v2/user/", "/ops/orders/", "/ops/keys/"} {
			r := f.sendWithKey(http.MethodGet, at+url.PathEscape(text), f.opsKey, nil)
			require.Contains(t, []int{http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusUnprocessableEntity},
				r.status, "%s%s: %s", at, name, r.body)
		}
		r := f.sendWithKey(http.MethodGet, "/healthz", "", nil, "X-Request-Id", url.QueryEscape(text))
		require.NotContains(t, r.header.Get("X-Request-Id"), "%")
	}
	for _, trick := range []string{
		"/v3/order/../order/" + id, "/v3/order/%2e%2e/orders", "/v3/order/" + id + "%2f..%2f" + id, "/v3/order/" + id + "%00",
		"/v3//order/" + id,
		"/v3/order/" + id + "/", "/v3/order/" + id + ";x", "/v3/order/" + id + "%0a", "/v3/./order/" + id, "/V3/order/" + id,
		"/v3/order/%20" + id,
		"/ops/..%2fv3/order/" + id,
	} {
		r := f.sendWithKey(http.MethodGet, trick, f.key, nil)
		require.Contains(t, []int{http.StatusNotFound, http.StatusUnprocessableEntity, http.StatusForbidden}, r.status,
			"%s: %s", trick, r.body)
		require.NotContains(t, string(r.body), "first_name", trick)
		require.Empty(t, r.header.Get("Location"), trick)
	}
	stranger := f.newKey(f.newTeam(store.Sandbox, ""), store.RoleClient)
	upper := strings.ToUpper(id)
	require.Equal(t, http.StatusOK, f.sendWithKey(http.MethodGet, "/v3/order/"+upper, f.key, nil).status)
	require.Equal(t, http.StatusNotFound, f.sendWithKey(http.MethodGet, "/v3/order/"+upper, stranger, nil).status)
	for _, spelt := range []string{"{" + id + "}", "urn:uuid:" + id} { // other forms of a UUID are refused
		for _, key := range []string{f.key, stranger} {
			require.Equal(t, http.StatusUnprocessableEntity,
				f.sendWithKey(http.MethodGet, "/v3/order/"+url.PathEscape(spelt), key, nil).status)
		}
	}
}

// Credentials of partners and clients are never logged, whatever header holds them.
func TestCredentialsAreNotLogged(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	const canary = "canary-6f1d"
	for _, route := range scopesOfRoutes["partner"] {
		_, at, _ := strings.Cut(route, " ")
		for _, header := range []string{
			"user", "token", "X-User", "X-Token", "Authorization", "X-Hmac-Signature", "X-Hmac-Signature-V2",
			"webhook-signature", "webhook-id", "X-Account", "Cookie",
		} {
			f.send(http.MethodPost, at, `{"`+canary+`"`, header, canary)
		}
		f.send(http.MethodPost, at+"?token="+canary, `{}`)
	}
	f.sendLabWebhook(trackerUpdateLikeSeed("nobody's"))
	for _, header := range []string{"X-Vital-API-Key", "X-Management-Key", "Authorization", "Cookie", "User-Agent",
		"Referer", "X-Forwarded-For"} {
		f.send(http.MethodGet, "/v3/orders?api_key="+canary, nil, header, canary)
	}
	require.NotEmpty(t, f.logs.String())
	for _, secret := range []string{canary, labToken, labUser, courierSecret, f.key, f.opsKey} {
		require.NotContains(t, f.logs.String(), secret)
	}
}
