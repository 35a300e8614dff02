package conformance_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/aliquot-labs/aliquot/labs/conformance"
	"github.com/aliquot-labs/aliquot/labs/neutral/neutraltest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestEveryFaultIsFound checks the suite itself: an adapter with a fault fails the check for that fault, and every
// check finds at least one fault.
func TestEveryFaultIsFound(t *testing.T) {
	t.Parallel()
	found := map[string]bool{}
	for _, fault := range faults {
		require.Contains(t, conformance.CheckNames(), fault.check)
		found[fault.check] = true
		t.Run(fault.name, func(t *testing.T) {
			t.Parallel()
			f := neutraltest.Fixture()
			require.Empty(t, runCheck(t, fault.check, f), "without the fault")
			fault.inject(&f)
			require.NotEmpty(t, runCheck(t, fault.check, f), "with the fault")
		})
	}
	for _, name := range conformance.CheckNames() {
		require.True(t, found[name], "no fault is planted for the check %q", name)
	}
}

// recorder records the failure of a check instead of failing the test.
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

// runCheck runs a check and returns its failure; empty: it passed.
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
