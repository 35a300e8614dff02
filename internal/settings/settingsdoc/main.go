// Command settingsdoc writes docs/settings.md from package settings. With -check it fails if the file is not current.
package main

import (
	"os"

	"github.com/aliquot-labs/aliquot/internal/docgen"
	"github.com/aliquot-labs/aliquot/internal/settings"
)

func main() {
	os.Exit(docgen.GeneratedFile{
		Command: "settingsdoc", Path: "docs/settings.md", Package: "./internal/settings",
		Render: func() ([]byte, error) { return []byte(settings.MarkdownTable()), nil },
	}.Run(os.Args[1:], os.Stderr))
}
