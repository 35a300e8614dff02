package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPackagesAreTestedAloneAndThenTheOthers(t *testing.T) {
	t.Parallel()
	const module = "github.com/aliquot-labs/aliquot/internal/"
	one, err := splitParts(t.Context(), []string{"-race", "-timeout", "30m", "./..."})
	require.NoError(t, err)
	require.Equal(t, [][]string{{"-race", "-timeout", "30m", "./..."}}, one, "a run without parts is go test's own")

	parts, err := splitParts(t.Context(), []string{"-race", "../docgen", then, "../docgen/...", "../licences"})
	require.NoError(t, err)
	require.Equal(t, [][]string{{"-race", module + "docgen"}, {"-race", module + "licences"}}, parts)

	_, err = splitParts(t.Context(), []string{"./nowhere", then, "./..."})
	require.Error(t, err)
}
