// Command catalogueschemadoc writes docs/catalogue.schema.json, the JSON Schema of a catalogue's files. With -check it
// reports whether the file is up to date.
package main

import (
	"os"

	"github.com/aliquot-labs/aliquot/api"
	"github.com/aliquot-labs/aliquot/internal/docgen"
)

func main() {
	os.Exit(docgen.GeneratedFile{
		Command: "catalogueschemadoc", Path: "docs/catalogue.schema.json", Package: "./api", Render: api.CatalogueSchema,
	}.Run(os.Args[1:], os.Stderr))
}
