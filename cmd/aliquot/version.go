package main

import (
	"runtime/debug"

	"github.com/spf13/cobra"
)

func newVersion() *cobra.Command {
	var out outputFormat
	return withOutputFlag(&cobra.Command{
		Use:   "version",
		Short: "Say which version this is",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return out.printLine(cmd.OutOrStdout(), map[string]string{"version": versionText()}, "aliquot %s", versionText())
		},
	}, &out)
}

// versionText is the module's version, or the commit that it was built from.
func versionText() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	return moduleVersion() + ", " + info.GoVersion
}
