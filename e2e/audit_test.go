package e2e

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheReconcilerSealsTheAudit(t *testing.T) {
	t.Parallel()
	s := newSystem(t, options{})
	s.placeOrder(nil)
	s.reconcile()
	check, err := s.store.VerifyAudit(t.Context(), 0, 1000)
	require.NoError(t, err)
	require.Nil(t, check.Break)
	require.Positive(t, check.Checked)
	require.Contains(t, s.logs.String(), "audit sealed")
}
