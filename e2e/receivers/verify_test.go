package receivers

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/webhooks"
)

// verifier verifies a webhook with a library that is not Aliquot's.
type verifier func(secret string, header http.Header, body []byte) error

// verifiers returns all verifiers by name.
func verifiers(t *testing.T) map[string]verifier {
	t.Helper()
	requirePackages(t)
	return map[string]verifier{
		"Go, standard-webhooks": func(secret string, header http.Header, body []byte) error {
			v, err := standardwebhooks.NewWebhook(secret)
			if err != nil {
				return err
			}
			return v.Verify(body, header)
		},
		"npm, svix":             npmVerifier(t, "svix"),
		"npm, standardwebhooks": npmVerifier(t, "standardwebhooks"),
	}
}

// requirePackages fails the test if the npm packages are missing, because a skipped test would prove nothing.
func requirePackages(t *testing.T) {
	t.Helper()
	_, err := os.Stat("node_modules/.stamp")
	require.NoError(t, err, "the npm packages are missing: run tools/npm.sh, as make test does")
}

// npmVerifier runs a library in its own process.
func npmVerifier(t *testing.T, library string) verifier {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "node", "verify.cjs")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	answers := bufio.NewReader(out)
	t.Cleanup(func() {
		require.NoError(t, in.Close())
		_, _ = io.Copy(io.Discard, out)
		_ = cmd.Wait() // it may have been killed with the test's context
	})
	return func(secret string, header http.Header, body []byte) error {
		headers := map[string]string{}
		for name := range header {
			headers[strings.ToLower(name)] = header.Get(name)
		}
		question, err := json.Marshal(map[string]any{"library": library, "secret": secret, "headers": headers, "body": body})
		require.NoError(t, err)
		_, err = in.Write(append(question, '\n'))
		require.NoError(t, err)
		line, err := answers.ReadBytes('\n')
		require.NoError(t, err)
		var answer struct {
			OK    bool   `json:"ok"`
			Error string `json:"error"`
		}
		require.NoError(t, json.Unmarshal(line, &answer))
		if !answer.OK {
			return errors.New(answer.Error)
		}
		return nil
	}
}

// testBody is a body with characters that JSON or JavaScript could change.
var testBody = []byte(`{"event_type":"labtest.order.created","data":{"name":"Zoë <&> 🧪",` +
	`"note":"line\nbreak","sequence":1}}`)

func TestOtherLibrariesAcceptOurSignatures(t *testing.T) {
	t.Parallel()
	current, previous, stranger := newSecret(t), newSecret(t), newSecret(t)
	now := time.Now()
	sign := func(at time.Time, secrets ...string) http.Header {
		h, err := webhooks.Sign("msg_1", at, testBody, secrets...)
		require.NoError(t, err)
		return h
	}
	changed := []byte(strings.Replace(string(testBody), "break", "breal", 1))
	otherID := sign(now, current)
	for _, name := range []string{"svix-id", "webhook-id"} {
		otherID.Set(name, "msg_2")
	}
	tests := map[string]struct {
		secret string
		header http.Header
		body   []byte
		ok     bool
	}{
		"the secret":                  {current, sign(now, current), testBody, true},
		"new secret, during rotation": {current, sign(now, current, previous), testBody, true},
		"old secret, during rotation": {previous, sign(now, current, previous), testBody, true},
		"four minutes old":            {current, sign(now.Add(-4*time.Minute), current), testBody, true},
		"svix headers only":           {current, headersWithPrefix(sign(now, current), "Svix-"), testBody, true},
		"webhook headers only":        {current, headersWithPrefix(sign(now, current), "Webhook-"), testBody, true},
		"old secret, after rotation":  {previous, sign(now, current), testBody, false},
		"another secret":              {stranger, sign(now, current, previous), testBody, false},
		"a changed byte":              {current, sign(now, current), changed, false},
		"another message's id":        {current, otherID, testBody, false},
		"an old timestamp":            {current, sign(now.Add(-6*time.Minute), current), testBody, false},
		"a timestamp to come":         {current, sign(now.Add(6*time.Minute), current), testBody, false},
		"no headers":                  {current, http.Header{}, testBody, false},
	}
	for name, verify := range verifiers(t) {
		for what, tt := range tests {
			if what == "svix headers only" && name == "npm, standardwebhooks" || what == "svix headers only" &&
				strings.HasPrefix(name, "Go") {
				continue // they support the other header names only
			}
			err := verify(tt.secret, tt.header, tt.body)
			if tt.ok {
				require.NoError(t, err, "%s: %s", name, what)
			} else {
				require.Error(t, err, "%s: %s", name, what)
			}
		}
	}
}

// headersWithPrefix returns the headers whose names begin with the prefix.
func headersWithPrefix(h http.Header, prefix string) http.Header {
	out := http.Header{}
	for name, values := range h {
		if strings.HasPrefix(name, prefix) {
			out[name] = values
		}
	}
	return out
}

func newSecret(t *testing.T) string {
	t.Helper()
	secret, err := webhooks.NewSecret()
	require.NoError(t, err)
	return secret
}
