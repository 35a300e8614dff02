package simlab_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/labs/simlab"
)

const (
	accountName    = "demo-clinic"
	neutralSecret  = "whsec_c2VjcmV0IG9mIHRoZSBuZXV0cmFsIHByb3RvY29s"
	previousSecret = "whsec_YSBzZWNyZXQgdGhhdCBpcyBiZWluZyByb3RhdGVk"
)

// newNeutralLab returns a test lab that offers the neutral protocol as well.
func newNeutralLab(t testing.TB, configure ...func(*simlab.Config)) *testLab {
	t.Helper()
	return newTestLab(t, append([]func(*simlab.Config){func(c *simlab.Config) {
		c.NeutralURL = strings.TrimSuffix(c.WebhookURL, "/lab") + "/neutral"
		c.NeutralAccount, c.NeutralSecrets = accountName, []string{neutralSecret, previousSecret}
	}}, configure...)...)
}

// sendSigned makes a call of the neutral protocol, signed by the reference implementation of Standard Webhooks.
func (w *testLab) sendSigned(account, method, path, body string, change ...func(*http.Request)) (int, []byte, error) {
	w.t.Helper()
	request, err := http.NewRequestWithContext(w.t.Context(), method, w.url+"/neutral"+path, strings.NewReader(body))
	require.NoError(w.t, err)
	sign(w.t, request, neutralSecret, time.Now(), body)
	request.Header.Set("x-account", account)
	for _, c := range change {
		c(request)
	}
	response, err := w.client.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	return response.StatusCode, answer, err
}

func sign(t testing.TB, request *http.Request, secret string, at time.Time, body string) {
	t.Helper()
	signer, err := standardwebhooks.NewWebhook(secret)
	require.NoError(t, err)
	signature, err := signer.Sign("msg_1", at, []byte(body))
	require.NoError(t, err)
	request.Header.Set("webhook-id", "msg_1")
	request.Header.Set("webhook-timestamp", strings.TrimSpace(marshal(t, at.Unix())))
	request.Header.Set("webhook-signature", signature)
}

// neutralCall makes a call of the account without a provider. It must be answered with the status, and the answer is
// decoded.
func neutralCall[T any](w *testLab, status int, method, path, body string) (answer T) {
	w.t.Helper()
	return neutralCallAs[T](w, accountName, status, method, path, body)
}

func neutralCallAs[T any](w *testLab, account string, status int, method, path, body string) (answer T) {
	w.t.Helper()
	got, raw, err := w.sendSigned(account, method, path, body)
	require.NoError(w.t, err)
	require.Equal(w.t, status, got, "%s", raw)
	require.NoError(w.t, json.Unmarshal(raw, &answer), "%s", raw)
	return answer
}

// refusal is an error answer of the neutral protocol.
type refusal struct{ Code, Message string }

// requisition is the answer to placing an order.
type requisition struct {
	Accession string `json:"accession"`
	KitID     string `json:"kit_id"`
}

// neutralOrderBody returns a valid order of a flow. changes are alternating keys and values; a nil value removes the
// key.
func neutralOrderBody(number, flow, script string, changes ...any) string {
	fields := map[string]any{
		"number": number, "collection_method": flow, "registrable": false, "script": script, "an_unknown_key": 1,
		"patient": patient("Ines"),
		"address": map[string]any{"first_line": "77 Elm Ct", "city": "Phoenix", "state": "AZ", "zip": "85004",
			"country": "US"},
		"tests": []map[string]any{{"code": "101", "name": "Lipids"}},
	}
	if flow == simlab.FlowRegistrable {
		fields["collection_method"], fields["registrable"], fields["shipping"] = "testkit", true, fields["address"]
		delete(fields, "patient")
		delete(fields, "address")
	}
	for i := 0; i < len(changes); i += 2 {
		if changes[i+1] == nil {
			delete(fields, changes[i].(string))
			continue
		}
		fields[changes[i].(string)] = changes[i+1]
	}
	body, _ := json.Marshal(fields)
	return string(body)
}

func patient(first string) map[string]any {
	return map[string]any{
		"first_name": first, "last_name": "Okafor", "dob": "1988-11-30", "gender": "female", "phone_number": "+12535550142",
		"email": "ines@example.org",
	}
}

func (w *testLab) placeOnSite(flow, script string, changes ...any) requisition {
	w.t.Helper()
	return neutralCall[requisition](w, http.StatusCreated, http.MethodPut, "/orders/N1",
		neutralOrderBody("N1", flow, script, changes...))
}

func (w *testLab) registerPatient() requisition {
	w.t.Helper()
	return neutralCall[requisition](w, http.StatusCreated, http.MethodPut, "/orders/N1/patient",
		neutralOrderBody("N1", simlab.FlowTestkit, ""))
}

// verifiedWebhooks checks the signature of every webhook of the neutral protocol with the reference implementation, and
// returns them.
func (w *testLab) verifiedWebhooks() []receivedWebhook {
	w.t.Helper()
	var facts []receivedWebhook
	for _, r := range w.webhooks() {
		if r.path != "/neutral" {
			continue
		}
		for _, secret := range []string{neutralSecret, previousSecret} {
			verifier, err := standardwebhooks.NewWebhook(secret)
			require.NoError(w.t, err)
			require.NoError(w.t, verifier.Verify(r.body, r.header), "%s", r.body)
			require.Error(w.t, verifier.Verify(append(bytes.Clone(r.body), ' '), r.header), "the control")
		}
		require.NotEmpty(w.t, r.header.Get("webhook-id"))
		require.Equal(w.t, accountName, r.header.Get("x-account"))
		require.Equal(w.t, "application/json", r.header.Get("Content-Type"))
		facts = append(facts, r)
	}
	return facts
}

func TestNeutralCredentials(t *testing.T) {
	t.Parallel()
	w := newNeutralLab(t, withManual)
	body := neutralOrderBody("N1", simlab.FlowWalkIn, "")
	put := func(account string, change ...func(*http.Request)) int {
		status, _, err := w.sendSigned(account, http.MethodPut, "/orders/N1", body, change...)
		require.NoError(t, err)
		return status
	}
	for name, change := range map[string]func(*http.Request){
		"no signature":     func(r *http.Request) { r.Header.Del("webhook-signature") },
		"no id":            func(r *http.Request) { r.Header.Del("webhook-id") },
		"another id":       func(r *http.Request) { r.Header.Set("webhook-id", "msg_2") },
		"another secret":   func(r *http.Request) { sign(t, r, "whsec_YW5vdGhlciBzZWNyZXQgdGhhbiBvdXJz", time.Now(), body) },
		"another body":     func(r *http.Request) { sign(t, r, neutralSecret, time.Now(), body+" ") },
		"too old":          func(r *http.Request) { sign(t, r, neutralSecret, time.Now().Add(-6*time.Minute), body) },
		"too new":          func(r *http.Request) { sign(t, r, neutralSecret, time.Now().Add(6*time.Minute), body) },
		"no account":       func(r *http.Request) { r.Header.Del("x-account") },
		"unknown account":  func(r *http.Request) { r.Header.Set("x-account", "other-clinic") },
		"unknown provider": func(r *http.Request) { r.Header.Set("x-account", accountName+":nobody") },
	} {
		require.Equal(t, http.StatusUnauthorized, put(accountName, change), name)
	}
	// A refused call has changed nothing, and a signature with the previous secret is valid.
	require.Equal(t, http.StatusCreated,
		put(accountName, func(r *http.Request) { sign(t, r, previousSecret, time.Now(), body) }))
	require.Equal(t, http.StatusOK, put(accountName+":getlabs"))
	require.Equal(t, http.StatusOK, put(accountName, func(r *http.Request) {
		r.Header.Set("webhook-signature", "v0,eHg= v1,eHg= "+r.Header.Get("webhook-signature"))
	}))
}

func TestNeutralIsOfferedOnRequest(t *testing.T) {
	t.Parallel()
	w := newTestLab(t, withManual)
	status, _, err := w.sendSigned(accountName, http.MethodPut, "/orders/N1",
		neutralOrderBody("N1", simlab.FlowWalkIn, ""))
	require.NoError(t, err)
	require.Equal(t, http.StatusNotFound, status)
	for path, body := range map[string]string{
		"/facts":          `{"type":"transit","leg":"inbound","status":"lost"}`,
		"/appointments/a": `{"status":"confirmed","provider":"quest"}`,
	} {
		status, _, err = w.send(http.MethodPost, "/sandbox/orders/N1"+path, body)
		require.NoError(t, err)
		require.Equal(t, http.StatusConflict, status)
	}
}

func TestNeutralConfigIsChecked(t *testing.T) {
	t.Parallel()
	good := simlab.Config{
		User: "u", Token: "t", WebhookURL: "https://aliquot.example/a", NeutralURL: "https://aliquot.example/b",
		NeutralAccount: "clinic", NeutralSecrets: []string{neutralSecret},
	}
	for name, change := range map[string]func(*simlab.Config){
		"relative URL":    func(c *simlab.Config) { c.NeutralURL = "/b" },
		"no account":      func(c *simlab.Config) { c.NeutralAccount = "" },
		"account's colon": func(c *simlab.Config) { c.NeutralAccount = "a:b" },
		"no secret":       func(c *simlab.Config) { c.NeutralSecrets = nil },
		"bare secret":     func(c *simlab.Config) { c.NeutralSecrets = []string{"c2VjcmV0"} },
		"short secret":    func(c *simlab.Config) { c.NeutralSecrets = []string{"whsec_c2VjcmV0"} },
		"not base64":      func(c *simlab.Config) { c.NeutralSecrets = []string{"whsec_%"} },
	} {
		cfg := good
		change(&cfg)
		_, err := simlab.New(cfg)
		require.Error(t, err, name)
	}
	lab, err := simlab.New(good)
	require.NoError(t, err)
	lab.Close()
}
