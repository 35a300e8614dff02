package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"
)

const warning = "warning: other users of this machine can see the value of --"

// secretServer is an API that returns what it was sent as the answer of every request.
func secretServer(t *testing.T) (url string, asked <-chan string) {
	t.Helper()
	requests := make(chan string, 10)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		requests <- r.Header.Get("x-vital-api-key") + " " + string(body)
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `[{"id":"`+exampleID+`","team_id":"`+exampleID+`","environment":"sandbox"}]`)
	}))
	t.Cleanup(server.Close)
	return server.URL, requests
}

func secretFile(t *testing.T, content string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(file, []byte(content), 0o600))
	return file
}

func TestTheKeyComesFromAFile(t *testing.T) {
	t.Parallel()
	url, asked := secretServer(t)
	for _, content := range []string{"sk_us_A1", "sk_us_A1\n", "\ufeffsk_us_A1\r\n", "\n sk_us_A1 \n"} {
		out, err := runInProcess(t, "team", "list", "--api", url, "--key-file", secretFile(t, content))
		require.NoError(t, err)
		require.NotContains(t, out, "warning")
		require.Equal(t, "sk_us_A1 ", <-asked)
	}
	out, err := runInProcess(t, "team", "list", "--api", url, "--key", "sk_us_A1")
	require.NoError(t, err)
	require.Contains(t, out, warning+"key ")
	require.Contains(t, out, "--key-file")
	require.NotContains(t, out, "sk_us_A1")
	require.Equal(t, "sk_us_A1 ", <-asked)
}

func TestMalformedKeysAreNamed(t *testing.T) {
	t.Parallel()
	url, _ := secretServer(t)
	for name, tt := range map[string]struct {
		args []string
		want string
	}{
		"a line feed":      {[]string{"--key", "sk_us_A1\nB"}, "its character 9"},
		"a blank":          {[]string{"--key", "sk_us A1"}, "its character 6"},
		"quotation marks":  {[]string{"--key", `"sk_us_A1"`}, "its character 1"},
		"a letter":         {[]string{"--key", "sk_us_é1"}, "its character 7"},
		"two lines":        {[]string{"--key-file", secretFile(t, "sk_us_A1\nsk_us_B2\n")}, "its character 9"},
		"an empty file":    {[]string{"--key-file", secretFile(t, " \n")}, "is empty"},
		"no file":          {[]string{"--key-file", filepath.Join(t.TempDir(), "none")}, "no such file"},
		"both":             {[]string{"--key", "a", "--key-file", "b"}, "are both given"},
		"an invisible one": {[]string{"--key", "sk_us_A1\u200b"}, "its character 9"},
	} {
		_, err := runInProcess(t, append([]string{"team", "list", "--api", url}, tt.args...)...)
		require.ErrorContains(t, err, tt.want, name)
		require.NotContains(t, err.Error(), "sk_us_A1", name)
	}
}

func TestOtherSecretsComeFromFiles(t *testing.T) {
	t.Parallel()
	url, asked := secretServer(t)
	key := secretFile(t, "k")
	run := func(args ...string) string {
		t.Helper()
		out, _ := runInProcess(t, append(args, "--api", url, "--key-file", key)...) // the answers are of another command
		return out
	}
	found := func(want string) bool {
		for {
			select {
			case request := <-asked:
				if strings.Contains(request, want) {
					return true
				}
			default:
				return false
			}
		}
	}
	require.NotContains(t, run("endpoint", "rotate", exampleID, "--secret-file", secretFile(t, "whsec_x\n")), "warning")
	require.True(t, found(`"key":"whsec_x"`))
	require.Contains(t, run("endpoint", "rotate", exampleID, "--secret", "whsec_y"), warning+"secret ")
	require.True(t, found(`"key":"whsec_y"`))
	file := secretFile(t, "Authorization=Bearer a=b\n\nX-Clinic = 7\r\n")
	require.NotContains(t, run("endpoint", "add", "--url", "https://e.com", "--team", exampleID, "--header-file", file),
		"warning")
	require.True(t, found(`"headers":{"Authorization":"Bearer a=b","X-Clinic":"7"}`))
	require.Contains(t, run("endpoint", "headers", exampleID, "--set", "Authorization=x"), warning+"set ")
	require.True(t, found(`"headers":{"Authorization":"x"}`))
	require.NotContains(t, run("endpoint", "headers", exampleID, "--set-file", file), "warning")
	require.True(t, found(`"headers":{"Authorization":"Bearer a=b"`))
	_, err := runInProcess(t, "endpoint", "headers", exampleID, "--set-file", secretFile(t, "a=b\nno header"), "--api",
		url, "--key-file", key)
	require.ErrorContains(t, err, "line 2 of")
}

func TestAPasswordInTheURLOfADatabaseIsASecret(t *testing.T) {
	t.Parallel()
	for url, warned := range map[string]bool{
		"": false, "postgres://u@h/db": false, "postgres://u:p@h/db": true, "postgres://u@h/db?password=p": true,
	} {
		var out strings.Builder
		cmd := &cobra.Command{}
		cmd.SetErr(&out)
		got, err := readPostgresURL(cmd, &secretFlag{name: "postgres", value: url})
		require.NoError(t, err)
		require.Equal(t, url, got)
		require.Equal(t, warned, strings.Contains(out.String(), "warning"), url)
	}
	file := secretFile(t, "postgres://u:p@h/db\n")
	got, err := readPostgresURL(&cobra.Command{}, &secretFlag{name: "postgres", file: file})
	require.NoError(t, err)
	require.Equal(t, "postgres://u:p@h/db", got)
}

// secretNames matches the names of flags whose values are secrets.
var secretNames = regexp.MustCompile(`^(key|secret|token|password|header|set|postgres)$`)

// Every flag with a secret has another one that names a file.
func TestEverySecretFlagHasAFile(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for path, cmd := range leafCommands(newRoot()) {
		for _, flags := range []*pflag.FlagSet{cmd.LocalFlags(), cmd.InheritedFlags()} {
			flags.VisitAll(func(f *pflag.Flag) {
				if !secretNames.MatchString(f.Name) {
					return
				}
				seen[f.Name] = true
				require.NotNil(t, cmd.Flag(f.Name+"-file"), "%s has --%s and no --%s-file", path, f.Name, f.Name)
			})
		}
	}
	require.Len(t, seen, 5, "the control: key, secret, header, set, postgres")
}
