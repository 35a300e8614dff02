package main

import (
	"runtime/debug"

	"github.com/spf13/cobra"
)

func newVersion() *cobra.Command {
	var out output
	return prints(&cobra.Command{
		Use:   "version",
		Short: "Say which version this is",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return out.say(cmd.OutOrStdout(), map[string]string{"version": release()}, "aliquot %s", release())
		},
	}, &out)
}

// release is the module's version, or the commit that it was built from.
func release() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	return moduleVersion() + ", " + info.GoVersion
}
