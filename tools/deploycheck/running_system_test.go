package deploycheck

import (
	"bufio"
	"bytes"
	"io"
	"log"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"
)

const (
	timeout      = 4 * time.Minute // only failing tests take that long
	pollInterval = 500 * time.Millisecond
)

// system is a running `aliquot dev` with all processes of the product.
type system struct{ addresses []string }

// program builds the program of the image on its first call and returns its path.
var program = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "deploycheck")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "aliquot")
	out, err := exec.Command(filepath.Join(repositoryRoot, "tools", "static.sh"), path, "v0.0.0-check").CombinedOutput()
	if err != nil {
		err = &buildError{out, err}
	}
	return path, err
})

type buildError struct {
	out []byte
	err error
}

func (e *buildError) Error() string { return e.err.Error() + ": " + string(e.out) }

func TestMain(m *testing.M) {
	log.SetOutput(io.Discard) // Helm's loader logs every link that it follows
	code := m.Run()
	if path, err := program(); err == nil {
		_ = os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(code)
}

// startSystem starts a system and returns when its demonstration order has its results. The system stops with the test.
func startSystem(t *testing.T) *system {
	t.Helper()
	binary, err := program()
	require.NoError(t, err)
	data := t.TempDir()
	cmd := exec.Command(binary, "dev", "--data", data, "--speed", "max", "--api", "127.0.0.1:0", "--lab-addr",
		"127.0.0.1:0",
		"--temporal-port", "0", "--ui-port", "0")
	cmd.Env = append(os.Environ(), "PATH="+temporalDir(t)+string(os.PathListSeparator)+os.Getenv("PATH"))
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	require.NoError(t, cmd.Start())
	lines := make(chan string, 1000)
	go func() {
		defer close(lines)
		for s := bufio.NewScanner(stdout); s.Scan(); {
			lines <- s.Text()
		}
	}()
	t.Cleanup(func() {
		require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
		for range lines { // read the rest of its output
		}
		require.NoError(t, cmd.Wait(), "%s", &stderr)
	})
	awaitLine(t, lines, "From order to results")
	return &system{addresses: addressesIn(t, filepath.Join(data, "dev.env"))}
}

func awaitLine(t *testing.T, lines <-chan string, text string) {
	t.Helper()
	over := time.After(timeout)
	var seen []string
	for {
		select {
		case line, ok := <-lines:
			require.True(t, ok, "it ended: %s", strings.Join(seen, "\n"))
			if seen = append(seen, line); strings.Contains(line, text) {
				return
			}
		case <-over:
			require.Fail(t, "it does not say "+text, strings.Join(seen, "\n"))
		}
	}
}

// temporalDir returns the directory of the Temporal development server.
func temporalDir(t *testing.T) string {
	t.Helper()
	if path := os.Getenv("ALIQUOT_TEST_TEMPORAL"); path != "" {
		return filepath.Dir(path)
	}
	dir, err := filepath.Abs(filepath.Join(repositoryRoot, "bin", "tools"))
	require.NoError(t, err)
	require.FileExists(t, filepath.Join(dir, "temporal"), "make temporal builds it")
	return dir
}

// addressesIn returns the base URLs of all processes that serve metrics.
func addressesIn(t *testing.T, file string) (urls []string) {
	t.Helper()
	content, err := os.ReadFile(file)
	require.NoError(t, err)
	for line := range strings.Lines(string(content)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		switch name {
		case "ALIQUOT_URL":
			urls = append(urls, value)
		case "ALIQUOT_WORKER_METRICS":
			for _, address := range strings.Split(value, ",") {
				urls = append(urls, "http://"+address)
			}
		}
	}
	require.Len(t, urls, 3)
	return urls
}

// scrape returns the names of all metrics that the processes serve, including the parts of histograms.
func (s *system) scrape(t *testing.T) map[string]bool {
	t.Helper()
	served := map[string]bool{}
	for _, url := range s.addresses {
		resp, err := http.Get(url + "/metrics")
		require.NoError(t, err)
		parser := expfmt.NewTextParser(model.UTF8Validation)
		families, err := parser.TextToMetricFamilies(resp.Body)
		require.NoError(t, resp.Body.Close())
		require.NoError(t, err)
		for name, family := range families {
			served[name] = true
			if len(family.GetMetric()) > 0 && family.GetMetric()[0].GetHistogram() != nil {
				served[name+"_bucket"], served[name+"_count"], served[name+"_sum"] = true, true, true
			}
		}
	}
	return served
}
