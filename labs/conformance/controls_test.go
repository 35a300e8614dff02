package conformance_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/aliquot-labs/aliquot/labs/conformance"
	"github.com/aliquot-labs/aliquot/labs/neutral/neutraltest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestEveryFaultIsFound is the control: an adapter with a fault fails the check that is there for it, and every check finds a fault.
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
