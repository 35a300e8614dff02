package apicontract

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
)

const document = `{"openapi":"3.1.0","info":{"title":"t","version":"1"},"paths":{
	"/v3/order/{order_id}":{"get":{"operationId":"get-order","responses":{
		"200":{"content":{"application/json":{"schema":{"$ref":"#/components/schemas/Order"}}}},
		"404":{"content":{"application/json":{"schema":{"type":"object","required":["detail"]}}}}}}},
	"/v3/order/import":{"get":{"operationId":"import","responses":{"204":{"description":"done"}}}},
	"/v3/order/{order_id}/pdf":{"get":{"operationId":"get-pdf","responses":{
		"200":{"content":{"application/pdf":{"schema":{"type":"string"}}}}}}}},
	"components":{"schemas":{"Order":{"type":"object","required":["id","total"],"properties":{
		"id":{"type":"string","format":"uuid"},"total":{"type":["integer","null"]},
		"at":{"type":"string","format":"date-time"}}}}}}`

const good = `{"id":"84d96c03-6b1c-4226-ad8f-ef44a6bc08af","total":null,"at":"2026-01-05T10:00:00Z"}`

func TestAnswersAreChecked(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		path   string
		status int
		kind   string
		body   string
		wrong  string // expected error; empty: none
	}{
		"good":              {"/v3/order/1", 200, "application/json", good, ""},
		"a charset":         {"/v3/order/1", 200, "application/json; charset=utf-8", good, ""},
		"another status":    {"/v3/order/1", 404, "application/json", `{"detail":"x"}`, ""},
		"a literal beats":   {"/v3/order/import", 204, "", "", ""},
		"not JSON":          {"/v3/order/a%2Fb/pdf", 200, "application/pdf", "%PDF", ""},
		"unknown, refused":  {"/v3/nothing", 404, "text/plain", "", ""},
		"unknown, answered": {"/v3/nothing", 200, "application/json", "{}", "not documented"},
		"a wrong type": {"/v3/order/1", 200, "application/json",
			`{"id":"84d96c03-6b1c-4226-ad8f-ef44a6bc08af","total":"5"}`, "total"},
		"a wrong format": {"/v3/order/1", 200, "application/json", `{"id":"42","total":5}`, "uuid"},
		"a time without offset": {"/v3/order/1", 200, "application/json",
			`{"id":"84d96c03-6b1c-4226-ad8f-ef44a6bc08af","total":5,"at":"2026-01-05T10:00:00"}`, "date-time"},
		"a missing key": {"/v3/order/1", 200, "application/json", `{"id":"84d96c03-6b1c-4226-ad8f-ef44a6bc08af"}`,
			"total"},
		"an undocumented status":  {"/v3/order/1", 418, "application/json", good, "status"},
		"an undocumented content": {"/v3/order/1", 200, "text/plain", good, "content type"},
		"an undocumented body":    {"/v3/order/import", 204, "application/json", "{}", "body"},
		"no JSON":                 {"/v3/order/1", 200, "application/json", "", "not JSON"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := New([]byte(document))
			require.NoError(t, err)
			err = c.CheckAnswer(http.MethodGet, tt.path, tt.status, http.Header{"Content-Type": {tt.kind}}, []byte(tt.body))
			if tt.wrong == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, tt.wrong)
			require.Len(t, c.UnansweredOperations(), c.OperationCount(), "a wrong response does not count")
		})
	}
}

func TestUnansweredOperationsAreListed(t *testing.T) {
	t.Parallel()
	c, err := New([]byte(document))
	require.NoError(t, err)
	require.NoError(t, c.CheckAnswer(http.MethodGet, "/v3/order/1", 200, http.Header{"Content-Type": {"application/json"}},
		[]byte(good)))
	require.Equal(t, []string{"get-pdf", "import"}, c.UnansweredOperations())
}

func TestTransportRefusesWrongAnswers(t *testing.T) {
	t.Parallel()
	c, err := New([]byte(document))
	require.NoError(t, err)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(map[bool]string{true: good, false: "{}"}[r.URL.Path == "/v3/order/good"]))
	}))
	t.Cleanup(server.Close)
	client := &http.Client{Transport: &Transport{Contract: c, Prefixes: []string{"/v3/"}}}
	for path, accepted := range map[string]bool{"/v3/order/good": true, "/v3/order/bad": false, "/elsewhere": true} {
		r, err := client.Get(server.URL + path)
		require.Equal(t, accepted, err == nil, "%s: %v", path, err)
		if err == nil {
			require.NoError(t, r.Body.Close())
		}
	}
}
