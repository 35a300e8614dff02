package receivers

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/webhooks"
)

// TestDocumentedReceiversWork runs the examples of docs/webhooks.md and checks that they do what the document says.
func TestDocumentedReceiversWork(t *testing.T) {
	t.Parallel()
	requirePackages(t)
	secret, old := newSecret(t), newSecret(t)
	for language, start := range map[string]func(*testing.T, string) *exec.Cmd{"go": goExample, "ts": tsExample,
		"python": pythonExample} {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			r := startExample(t, start(t, exampleProgram(t, language)), secret)
			require.Empty(t, findFaults(t, r, secret, old))
		})
	}
}

// TestFaultyReceiversAreFound is the control: receivers that omit a check are found.
func TestFaultyReceiversAreFound(t *testing.T) {
	t.Parallel()
	secret := newSecret(t)
	for name, careless := range map[string]func(seen map[string]bool, newest map[string]int, id string,
		d webhookData) string{
		"nothing is verified":  func(map[string]bool, map[string]int, string, webhookData) string { return "new" },
		"nothing is put right": func(map[string]bool, map[string]int, string, webhookData) string { return "stale" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lines := make(chan string, 16)
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				var e struct{ Data webhookData }
				_ = json.NewDecoder(r.Body).Decode(&e)
				lines <- fmt.Sprintf("%s %s %d", careless(nil, nil, r.Header.Get("svix-id"), e.Data), e.Data.ID, e.Data.Sequence)
				w.WriteHeader(http.StatusNoContent)
			}))
			t.Cleanup(server.Close)
			require.NotEmpty(t, findFaults(t, runningReceiver{url: server.URL, lines: lines}, secret, newSecret(t)))
		})
	}
}

type webhookData struct {
	ID       string `json:"id"`
	Sequence int    `json:"sequence"`
}

// runningReceiver is a receiver that prints a line for each webhook that it accepts.
type runningReceiver struct {
	url   string
	lines <-chan string
}

// findFaults sends valid and invalid webhooks to a receiver, and lists the wrong reactions.
func findFaults(t *testing.T, r runningReceiver, secret, old string) []string {
	t.Helper()
	order := func(id string, sequence int) []byte {
		return fmt.Appendf(nil, `{"event_type":"labtest.order.updated","data":{"id":%q,"sequence":%d,"note":"é <&>"}}`, id,
			sequence)
	}
	first := order("a", 1)
	var found []string
	for _, step := range []struct {
		what    string
		id      string
		body    []byte
		secrets []string
		sent    []byte // sent instead of the signed body
		ago     time.Duration
		want    string // the printed line; empty: refused
	}{
		{what: "the first event", id: "m1", body: first, secrets: []string{secret}, want: "new a 1"},
		{what: "a repetition", id: "m1", body: first, secrets: []string{secret}, want: "duplicate a 1"},
		{what: "a later event", id: "m3", body: order("a", 3), secrets: []string{secret}, want: "new a 3"},
		{what: "one that was overtaken", id: "m2", body: order("a", 2), secrets: []string{secret}, want: "stale a 2"},
		{what: "another order", id: "m4", body: order("b", 1), secrets: []string{secret}, want: "new b 1"},
		{what: "during a rotation", id: "m5", body: order("b", 2), secrets: []string{old, secret}, want: "new b 2"},
		{what: "another secret", id: "m6", body: order("b", 3), secrets: []string{old}},
		{what: "a changed byte", id: "m7", body: order("b", 3), sent: order("b", 4), secrets: []string{secret}},
		{what: "an old timestamp", id: "m8", body: order("b", 3), secrets: []string{secret}, ago: 6 * time.Minute},
		{what: "the end", id: "m9", body: order("b", 9), secrets: []string{secret}, want: "new b 9"},
	} {
		if step.sent == nil {
			step.sent = step.body
		}
		header, err := webhooks.Sign(step.id, time.Now().Add(-step.ago), step.body, step.secrets...)
		require.NoError(t, err)
		status := post(t, r.url, header, step.sent)
		want := http.StatusBadRequest
		if step.want != "" {
			want = http.StatusNoContent
		}
		if status != want {
			found = append(found, fmt.Sprintf("%s: answered %d, not %d", step.what, status, want))
		}
		if status != http.StatusNoContent {
			continue
		}
		if line := <-r.lines; line != step.want {
			found = append(found, fmt.Sprintf("%s: %q, not %q", step.what, line, step.want))
		}
	}
	return found
}

func post(t *testing.T, url string, header http.Header, body []byte) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, bytes.NewReader(body))
	require.NoError(t, err)
	req.Header = header
	client := http.Client{Timeout: time.Minute}
	resp, err := client.Do(req)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	return resp.StatusCode
}

// exampleProgram returns the program of a language from docs/webhooks.md.
func exampleProgram(t *testing.T, language string) string {
	t.Helper()
	page, err := os.ReadFile("../../docs/webhooks.md")
	require.NoError(t, err)
	_, after, found := strings.Cut(string(page), "```"+language+"\n")
	require.True(t, found, "the page has no example in %s", language)
	program, _, found := strings.Cut(after, "\n```\n")
	require.True(t, found)
	return program + "\n"
}

func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// goExample builds the program, because go run would leave a child process behind.
func goExample(t *testing.T, program string) *exec.Cmd {
	t.Helper()
	dir := t.TempDir()
	binary := filepath.Join(dir, "receiver")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary,
		write(t, dir, "main.go", program)).CombinedOutput()
	require.NoError(t, err, "%s", out)
	return exec.CommandContext(context.Background(), binary)
}

// tsExample compiles the program with all checks on.
func tsExample(t *testing.T, program string) *exec.Cmd {
	t.Helper()
	dir, err := os.MkdirTemp("node_modules", "example-") //nolint:usetesting // it has to be where it finds its packages
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	source := write(t, dir, "receiver.ts", program)
	out, err := exec.CommandContext(t.Context(), "node", "node_modules/typescript/bin/tsc", "--strict", "--target",
		"es2022",
		"--module", "commonjs", "--moduleResolution", "node10", "--types", "node", "--outDir", dir, source).CombinedOutput()
	require.NoError(t, err, "%s", out)
	return exec.CommandContext(context.Background(), "node", filepath.Join(dir, "receiver.js"))
}

func pythonExample(t *testing.T, program string) *exec.Cmd {
	t.Helper()
	return exec.CommandContext(context.Background(), "python3", write(t, t.TempDir(), "receiver.py", program))
}

// startExample runs a receiver until the test ends.
func startExample(t *testing.T, cmd *exec.Cmd, secret string) runningReceiver {
	t.Helper()
	cmd.Env = append(os.Environ(), "WEBHOOK_SECRET="+secret, "PORT=0")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	lines := make(chan string, 16)
	go func() {
		defer close(lines)
		for scanner := bufio.NewScanner(out); scanner.Scan(); {
			lines <- scanner.Text()
		}
	}()
	t.Cleanup(func() {
		require.NoError(t, cmd.Process.Signal(syscall.SIGKILL))
		for range lines { // until the receiver has ended
		}
		_ = cmd.Wait() // it was killed
	})
	address, listening := strings.CutPrefix(<-lines, "listening ")
	require.True(t, listening)
	return runningReceiver{url: "http://" + address, lines: lines}
}
