// Command settingsdoc writes docs/settings.md from the structs in package settings, or with -check says whether it is current.
package main

import (
	"os"

	"github.com/aliquot-labs/aliquot/internal/docgen"
	"github.com/aliquot-labs/aliquot/internal/settings"
)

func main() {
	os.Exit(docgen.GeneratedFile{
		Command: "settingsdoc", Path: "docs/settings.md", Package: "./settings",
		Render: func() ([]byte, error) { return []byte(settings.MarkdownTable()), nil },
	}.Run(os.Args[1:], os.Stderr))
}
