package main

import (
	"runtime/debug"

	"github.com/spf13/cobra"
)

func newVersion() *cobra.Command {
	var out outputFormat
	return withOutputFlag(&cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return out.printLine(cmd.OutOrStdout(), map[string]string{"version": versionText()}, "aliquot %s", versionText())
		},
	}, &out)
}

// versionText returns the version, or the commit that the program was built from, and the version of Go.
func versionText() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	return moduleVersion() + ", " + info.GoVersion
}
