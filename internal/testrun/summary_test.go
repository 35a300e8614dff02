package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// TestSummaryOfRealRuns runs the real `go test` over small modules.
func TestSummaryOfRealRuns(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		source  string
		status  int
		closing string
		prints  []string
		hides   []string
	}{
		"passes": {
			source:  `func TestOne(t *testing.T) { t.Log("quiet"); t.Run("sub", func(*testing.T) {}) }`,
			closing: "2 passed, 0 failed, 0 skipped",
			prints:  []string{"ok    sample"},
			hides:   []string{"quiet"},
		},
		"fails": {
			source:  `func TestOne(t *testing.T) { t.Error("loud") }; func TestTwo(t *testing.T) { t.Log("quiet") }`,
			status:  1,
			closing: "1 passed, 1 failed, 0 skipped",
			prints:  []string{"loud", "failed   sample TestOne"},
			hides:   []string{"quiet", "ok    sample"},
		},
		"skips": {
			source:  `func TestOne(t *testing.T) { t.Skip() }`,
			closing: "0 passed, 0 failed, 1 skipped",
			prints:  []string{"skipped  sample TestOne"},
		},
		"does not build": {
			source:  `func TestOne(t *testing.T) { missing() }`,
			status:  1,
			closing: "0 passed, 1 failed, 0 skipped",
			prints:  []string{"undefined: missing", "failed   sample"},
		},
		"ends the process": {
			source:  `func TestOne(t *testing.T) { println("last words"); panic("out") }`,
			status:  1,
			closing: "0 passed, 1 failed, 0 skipped",
			prints:  []string{"last words", "panic: out", "failed   sample TestOne"},
		},
		"fails after its tests": {
			source:  `func TestOne(*testing.T) {}; func TestMain(m *testing.M) { m.Run(); println("leak"); panic("out") }`,
			status:  1,
			closing: "1 passed, 1 failed, 0 skipped",
			prints:  []string{"leak", "failed   sample"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			write(t, dir, "go.mod", "module sample\n\ngo 1.26\n")
			write(t, dir, "sample_test.go", "package sample\n\nimport \"testing\"\n\n"+test.source+"\n")

			var out strings.Builder
			env := append(os.Environ(), "GOFLAGS=", "GOWORK=off")
			status, err := goTest(t.Context(), dir, [][]string{{"./..."}}, env, &out)
			require.NoError(t, err)
			require.Equal(t, test.status, status)
			lines := strings.Split(strings.TrimSpace(out.String()), "\n")
			require.Contains(t, lines[len(lines)-1], test.closing)
			for _, text := range test.prints {
				require.Contains(t, out.String(), text)
			}
			for _, text := range test.hides {
				require.NotContains(t, out.String(), text)
			}
		})
	}
}

func TestSummaryKeepsLinesThatAreNoEvents(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	s := newSummary(&out)
	require.NoError(t, s.read(strings.NewReader("warning: no event\n")))
	s.printEnd(time.Minute)
	require.Equal(t, "warning: no event\n0 passed, 0 failed, 0 skipped in 1m0s\n", out.String())
}

func write(t *testing.T, dir, name, content string) {
	t.Helper()
	require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600))
}
