package simlab_test

import (
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/labs/simlab"
)

// Short names of webhooks: the type of a lab webhook; leg, status and detail of a courier event.
var (
	shipped      = "kit_shipped"
	receivedKit  = "kit_received"
	report       = "report_ready"
	blocked      = "kit_rejected true"
	rejected     = "kit_rejected false"
	toCustomer   = "outbound in_transit"
	outFor       = "outbound out_for_delivery"
	atCustomer   = "outbound delivered"
	toLab        = "inbound in_transit"
	outboundTrip = []string{toCustomer, outFor, atCustomer}
)

func join(parts ...any) (all []string) {
	for _, part := range parts {
		switch part := part.(type) {
		case string:
			all = append(all, part)
		case []string:
			all = append(all, part...)
		}
	}
	return all
}

// expectedWebhooks are all scripts with the webhooks that they send, in sequence.
func expectedWebhooks() map[string][]string {
	happy := join(shipped, outboundTrip, toLab, receivedKit, report)
	var twice []string
	for _, webhook := range happy {
		twice = append(twice, webhook, webhook)
	}
	return map[string][]string{
		"happy":                      happy,
		"happy-lab-only":             join(shipped, receivedKit, report),
		"silent":                     nil,
		"webhooks-lost":              nil,
		"silent-after-shipped":       join(shipped),
		"send-twice":                 twice,
		"send-late":                  join(receivedKit, shipped, report),
		"out-of-order":               join(report, receivedKit, shipped),
		"early-report":               join(shipped, receivedKit, report),
		"no-observations":            join(shipped, receivedKit, report),
		"correct":                    join(shipped, receivedKit, report, report),
		"reject-recoverable":         join(shipped, receivedKit, blocked, receivedKit, report),
		"reject-recoverable-results": join(shipped, receivedKit, blocked, report),
		"reject-recoverable-silent":  join(shipped, receivedKit, blocked),
		"reject-final":               join(shipped, receivedKit, rejected),
		"reject-twice-final":         join(shipped, receivedKit, blocked, rejected),
		"lost-outbound":              join(shipped, toCustomer, "outbound failure lost"),
		"lost-inbound":               join(shipped, outboundTrip, toLab, "inbound failure lost"),
		"problem-outbound": join(shipped, toCustomer, "outbound in_transit transit_exception", outboundTrip, toLab,
			receivedKit, report),
		"problem-inbound": join(shipped, outboundTrip, toLab, "inbound in_transit transit_exception", toLab,
			receivedKit, report),
		"failure-outbound":     join(shipped, toCustomer, "outbound return_to_sender"),
		"failure-inbound":      join(shipped, outboundTrip, toLab, "inbound failure"),
		"fail-place-3":         happy,
		"timeout-after-accept": happy,
		"refuse-place":         nil,
	}
}

// describe returns the short name of a webhook.
func describe(state orderState, r receivedWebhook) string {
	if r.path == "/lab" {
		kind := r.fields["type"].(string)
		if info, ok := r.fields["rej_info"].(map[string]any); ok {
			return kind + map[bool]string{true: " true", false: " false"}[info["recoverable"].(bool)]
		}
		return kind
	}
	result := r.fields["result"].(map[string]any)
	name := map[any]string{state.Outbound: "outbound ", state.Inbound: "inbound "}[result["tracking_code"]] +
		result["status"].(string)
	if detail := result["status_detail"]; detail == "lost" || detail == "transit_exception" {
		name += " " + detail.(string)
	}
	return name
}

func sequence(state orderState, all []receivedWebhook) (names []string) {
	for _, r := range all {
		names = append(names, describe(state, r))
	}
	return names
}

func TestEveryScriptIsExpected(t *testing.T) {
	t.Parallel()
	want := expectedWebhooks()
	for _, script := range simlab.Scripts() {
		require.Contains(t, want, script.Name)
		require.NotEmpty(t, script.Description, script.Name)
		require.NotContains(t, script.Name, ",")
		found, ok := simlab.NamedScript(script.Name)
		require.True(t, ok, script.Name)
		require.Equal(t, script.Steps, found.Steps, script.Name)
	}
	require.Len(t, simlab.Scripts(), len(want))
}

func TestEveryScriptIsDocumented(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/sandbox.md")
	require.NoError(t, err)
	for _, script := range simlab.Scripts() {
		require.Contains(t, string(page), "`"+script.Name+"`")
	}
}

func TestScriptsSend(t *testing.T) {
	t.Parallel()
	for name, want := range expectedWebhooks() {
		script, ok := simlab.NamedScript(name)
		require.True(t, ok, name)
		if script.Place != (simlab.CallBehaviour{}) {
			continue // see TestPlaceScripts
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newTestLab(t)
			w.place("K7Q2M9XW4T1B8C5D", "sandbox:"+name)
			state := w.awaitScriptEnd("K7Q2M9XW4T1B8C5D")
			require.Equal(t, name, state.Script)
			require.Equal(t, want, sequence(state, w.webhooks()))
			require.Len(t, state.Webhooks, len(want))
			for _, webhook := range state.Webhooks {
				require.Equal(t, http.StatusOK, webhook.Status)
				require.Equal(t, 1, webhook.Attempt)
			}
		})
	}
}

func TestFactTimesIncrease(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"happy", "reject-recoverable", "correct", "out-of-order", "send-late"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before := time.Now().Add(-time.Microsecond) // times of webhooks have no nanoseconds
			w := newTestLab(t)
			w.place("N1", name)
			w.awaitScriptEnd("N1")
			var latest time.Time
			all := w.webhooks()
			if name == "out-of-order" {
				all = []receivedWebhook{all[2], all[1], all[0]}
			}
			if name == "send-late" {
				all[0], all[1] = all[1], all[0]
			}
			for _, r := range all {
				at := r.occurredAt(t)
				require.True(t, at.After(latest), "%s after %s", at, latest)
				require.True(t, at.After(before))
				latest = at
			}
			require.False(t, latest.After(time.Now()))
		})
	}
}

// occurredAt returns the time in a webhook, in the format of molecular-api#42-info-objects.
func (r receivedWebhook) occurredAt(t *testing.T) time.Time {
	t.Helper()
	texts := []string{}
	for info, key := range map[string]string{
		"ship_info": "shipped_datetime", "rcvd_info": "received_datetime", "rej_info": "rejected_datetime",
		"report_ready_info": "report_sent_datetime", "result": "updated_at",
	} {
		if fields, ok := r.fields[info].(map[string]any); ok {
			texts = append(texts, fields[key].(string))
		}
	}
	require.Len(t, texts, 1)
	require.Regexp(t, `^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$`, texts[0])
	at, err := time.Parse(time.RFC3339Nano, texts[0])
	require.NoError(t, err)
	return at
}

func TestSendTwiceRepeatsTheSameBody(t *testing.T) {
	t.Parallel()
	w := newTestLab(t)
	w.place("N1", "send-twice")
	w.awaitScriptEnd("N1")
	all := w.webhooks()
	for i := 0; i < len(all); i += 2 {
		require.Equal(t, all[i].body, all[i+1].body)
		require.Equal(t, all[i].header.Get("X-Hmac-Signature"), all[i+1].header.Get("X-Hmac-Signature"))
	}
}

func TestNumberedScripts(t *testing.T) {
	t.Parallel()
	script, ok := simlab.NamedScript("fail-place-7")
	require.True(t, ok)
	require.Equal(t, 7, script.Place.Unavailable)
	script, ok = simlab.NamedScript("timeout-after-accept-30")
	require.True(t, ok)
	require.Equal(t, "timeout-after-accept-30", script.Name)
	require.Equal(t, simlab.Duration(30*time.Second), script.Place.HoldOpen)
	for _, name := range []string{"", "fail-place-", "fail-place--1", "fail-place-x", "fail-place-1001",
		"timeout-after-accept-601", "Happy"} {
		_, ok := simlab.NamedScript(name)
		require.False(t, ok, name)
	}
}

func TestSpeedScalesDelays(t *testing.T) {
	t.Parallel()
	w := newTestLab(t, func(c *simlab.Config) { c.Speed = 20 * simlab.DefaultSpeed }) // a day takes 50 ms
	start := time.Now()
	w.place("N1", "happy-lab-only")
	state := w.awaitScriptEnd("N1")
	require.Len(t, state.Webhooks, 3)
	require.GreaterOrEqual(t, state.Webhooks[0].At.Sub(start), 50*time.Millisecond)
	require.GreaterOrEqual(t, state.Webhooks[1].At.Sub(state.Webhooks[0].At), 100*time.Millisecond)
	require.Less(t, time.Since(start), timeout)
}

// A pause is real time, even if nothing else waits.
func TestPausesAreNotScaled(t *testing.T) {
	t.Parallel()
	w := newTestLab(t)
	w.place("N1", "silent")
	status, _, err := w.send(http.MethodPut, "/sandbox/orders/N1/script",
		`{"steps": [{"kind": "kit_shipped", "after": "240h"}, {"kind": "kit_received", "pause": "50ms"}]}`)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, status)
	sent := w.awaitScriptEnd("N1").Webhooks
	require.Len(t, sent, 2)
	require.GreaterOrEqual(t, sent[1].At.Sub(sent[0].At), 50*time.Millisecond)
}

func TestCloseEndsWaitingScripts(t *testing.T) {
	t.Parallel()
	w := newTestLab(t, func(c *simlab.Config) { c.Speed = 1 })
	w.place("N1", "happy")
	w.await(func() bool { return w.order("N1").Running })
	w.lab.Close()
	require.False(t, w.order("N1").Running)
	require.Empty(t, w.webhooks())
}
