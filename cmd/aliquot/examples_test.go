package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"
)

// undocumented lists what is wrong with the help of a command and its subcommands.
func undocumented(cmd *cobra.Command) (wrong []string) {
	path := cmd.CommandPath()
	if cmd.Short == "" {
		wrong = append(wrong, path+": says not what it does")
	}
	if cmd.Example == "" {
		wrong = append(wrong, path+": has no example")
	} else if !strings.Contains(cmd.Example, path) {
		wrong = append(wrong, path+": its example is not of it")
	}
	for line := range strings.SplitSeq(cmd.Example, "\n") {
		wrong = append(wrong, wrongFlags(cmd, line)...)
	}
	for _, sub := range cmd.Commands() {
		wrong = append(wrong, undocumented(sub)...)
	}
	return wrong
}

// wrongFlags lists the flags of an example's line that the command does not have. The part after a pipe is ignored.
func wrongFlags(cmd *cobra.Command, line string) (wrong []string) {
	line, _, _ = strings.Cut(line, "|")
	line, found := strings.CutPrefix(strings.TrimSpace(line), cmd.CommandPath())
	if !found || strings.ContainsAny(line, "&$\\") {
		return nil
	}
	for _, word := range strings.Fields(line) {
		name, isFlag := strings.CutPrefix(word, "--")
		if isFlag && cmd.Flags().Lookup(name) == nil && cmd.InheritedFlags().Lookup(name) == nil && !cmd.HasSubCommands() {
			wrong = append(wrong, fmt.Sprintf("%s: has no flag --%s", cmd.CommandPath(), name))
		}
	}
	return wrong
}

func TestEveryCommandShowsExamples(t *testing.T) {
	t.Parallel()
	require.Empty(t, undocumented(newRoot()))
}

func TestExamplesAreOfCommands(t *testing.T) {
	t.Parallel()
	root := newRoot()
	for _, path := range slices.Sorted(maps.Keys(examples)) {
		cmd, rest, err := root.Find(strings.Fields(path))
		require.NoError(t, err, path)
		require.Empty(t, rest, "%s is no command: %s", path, cmd.CommandPath())
	}
}

// A command without an example, with another command's example, or with a wrong flag is reported.
func TestWhatIsUndocumentedIsReported(t *testing.T) {
	t.Parallel()
	for want, cmd := range map[string]*cobra.Command{
		"has no example":        {Use: "x", Short: "x"},
		"its example is not":    {Use: "x", Short: "x", Example: "  aliquot y"},
		"has no flag --nothing": {Use: "x", Short: "x", Example: "  aliquot x --nothing"},
		"says not what it does": {Use: "x", Example: "  aliquot x"},
	} {
		root := &cobra.Command{Use: "aliquot", Short: "all", Example: "  aliquot x"}
		root.AddCommand(cmd)
		wrong := undocumented(root)
		require.Len(t, wrong, 1, "%v", wrong)
		require.Contains(t, wrong[0], want)
	}
}
