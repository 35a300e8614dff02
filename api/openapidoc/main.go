// Command openapidoc writes docs/openapi.json, the OpenAPI document of the API, or with -check says whether it is current.
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
