package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// requireEndpointCommands runs every command about an endpoint and its messages.
func requireEndpointCommands(t *testing.T, d *devSystem, orderID string) {
	t.Helper()
	var got atomic.Int32
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Tenant") == "7" {
			got.Add(1)
		}
		w.WriteHeader(http.StatusNoContent)
	}))
	t.Cleanup(receiver.Close)
	run := func(args ...string) string { return mustCommand(t, append(args, "--data", d.data)...) }
	id := field(t, run("endpoint", "add", "--url", "http://127.0.0.1:9/hook", "--header", "X-Tenant=7"), "id")
	require.Contains(t, run("endpoint", "list"), "http://127.0.0.1:9/hook")

	require.Contains(t, run("endpoint", "set", id, "--url", receiver.URL, "--types", "labtest.order.updated", "--rate",
		"50"), receiver.URL)
	require.Contains(t, run("endpoint", "list"), "labtest.order.updated")
	require.Contains(t, run("endpoint", "headers", id), "X-Tenant")
	secret := run("endpoint", "secret", id)
	require.Equal(t, "done\n", run("endpoint", "rotate", id))
	require.NotEqual(t, secret, run("endpoint", "secret", id))

	messages := run("message", "list", "--order", orderID, "--limit", "1")
	require.Contains(t, messages, "answered 200")
	require.Contains(t, messages, "more: --cursor ")
	message := strings.Fields(strings.Split(messages, "\n")[1])[0]
	require.Contains(t, run("message", "resend", message, "--endpoint", id), id)
	require.Eventually(t, func() bool { return got.Load() == 1 }, devTimeout, 20*time.Millisecond)
	require.Eventually(t, func() bool {
		return strings.Contains(run("message", "list", "--endpoint", id, "--state", "delivered", "--since", "24h"), message)
	}, devTimeout, 100*time.Millisecond)
	require.Contains(t, run("message", "show", message), `"event_type"`)

	require.Contains(t, run("endpoint", "disable", id), "true")
	require.Contains(t, run("endpoint", "list"), "disabled team")
	require.Contains(t, run("endpoint", "enable", id), "false")
	require.Contains(t, run("endpoint", "replay", id, "--since", "24h", "--missed"), "messages")
	require.Eventually(t, func() bool { return got.Load() > 1 }, devTimeout, 20*time.Millisecond, "what it never had")
	require.Contains(t, run("endpoint", "headers", id, "--set", "X-Other=1"), "done\n", "after a warning")
	require.Equal(t, "done\n", run("endpoint", "remove", id))
	require.NotContains(t, run("endpoint", "list"), id)
	_, err := runInProcess(t, "endpoint", "enable", id, "--data", d.data)
	require.ErrorContains(t, err, "there is no endpoint")
	_, err = runInProcess(t, "endpoint", "replay", id, "--since", "yesterday", "--data", d.data)
	require.ErrorContains(t, err, `"yesterday" is neither a time`)
}

// field returns a value from the output of a command.
func field(t *testing.T, out, name string) string {
	t.Helper()
	for line := range strings.Lines(out) {
		if cells := strings.Fields(line); len(cells) == 2 && cells[0] == name {
			return cells[1]
		}
	}
	t.Fatalf("there is no %s in %s", name, out)
	return ""
}
