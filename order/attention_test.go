package order

import (
	"os"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestEveryAttentionReasonIsInTheOperationsGuide: each mark needs an entry that says what to do about it.
func TestEveryAttentionReasonIsInTheOperationsGuide(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("attention.go")
	require.NoError(t, err)
	guide, err := os.ReadFile("../docs/operations.md")
	require.NoError(t, err)
	reasons := regexp.MustCompile(`AttentionReason = "([a-z_]+)"`).FindAllSubmatch(source, -1)
	require.Greater(t, len(reasons), 20)
	all := AllAttentionReasons()
	require.Len(t, all, len(reasons))
	for i, r := range reasons {
		require.Equal(t, AttentionReason(r[1]), all[i])
		require.Contains(t, string(guide), "| `"+string(r[1])+"` |", "docs/operations.md does not say what to do about %s",
			r[1])
	}
}
