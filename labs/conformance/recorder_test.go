package conformance_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/aliquot-labs/aliquot/labs/conformance"
)

// recorder notes that a check fails, where a test would fail with it.
type recorder struct {
	testing.TB

	failures []string
}

func (r *recorder) Helper() {}

func (r *recorder) Errorf(format string, args ...any) {
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}

func (r *recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	r.FailNow()
}

func (r *recorder) FailNow() {
	r.failures = append(r.failures, "failed")
	runtime.Goexit()
}

// runCheck runs a check and says what is wrong; empty: nothing.
func runCheck(t *testing.T, check string, f conformance.Fixture) string {
	t.Helper()
	r := &recorder{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		conformance.RunCheck(r, check, f)
	}()
	<-done
	return strings.Join(r.failures, "\n")
}
