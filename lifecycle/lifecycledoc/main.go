// Command lifecycledoc writes docs/lifecycle.md from the tables in package lifecycle. With -check it reports whether
// the file is current.
package main

import (
	"os"

	"github.com/aliquot-labs/aliquot/internal/docgen"
	"github.com/aliquot-labs/aliquot/lifecycle"
)

func main() {
	os.Exit(docgen.GeneratedFile{
		Command: "lifecycledoc", Path: "docs/lifecycle.md", Package: "./lifecycle",
		Render: func() ([]byte, error) { return []byte(lifecycle.Markdown()), nil },
	}.Run(os.Args[1:], os.Stderr))
}
