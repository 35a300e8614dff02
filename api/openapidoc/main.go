// Command openapidoc writes docs/openapi.json, the OpenAPI document of the API. With -check it reports whether the
// file is up to date.
package main

import (
	"os"

	"github.com/aliquot-labs/aliquot/api"
	"github.com/aliquot-labs/aliquot/internal/docgen"
)

func main() {
	os.Exit(docgen.GeneratedFile{
		Command: "openapidoc", Path: "docs/openapi.json", Package: "./api", Render: api.Document,
	}.Run(os.Args[1:], os.Stderr))
}
