package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/aliquot-labs/aliquot/internal/catalogue"
)

const schemaDefinitions = "#/$defs/"

// catalogueSchemas are the schemas of a catalogue's files. Unlike a request, a file may have no fields but those: what is misspelt is
// not to be passed over.
func catalogueSchemas() (huma.Registry, *huma.Schema) {
	registry := huma.NewMapRegistry(schemaDefinitions, huma.DefaultSchemaNamer)
	file := registry.Schema(reflect.TypeFor[catalogue.File](), true, "File")
	return registry, file
}

// CatalogueSchema is the JSON Schema of a catalogue's files, indented.
func CatalogueSchema() ([]byte, error) {
	registry, file := catalogueSchemas()
	b, err := json.Marshal(map[string]any{
		"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "A file of an Aliquot catalogue", "$ref": file.Ref, "$defs": registry.Map(),
	})
	if err != nil {
		return nil, fmt.Errorf("encoding the schema of catalogues: %w", err)
	}
	var out bytes.Buffer
	if err := json.Indent(&out, b, "", "  "); err != nil {
		return nil, fmt.Errorf("indenting the schema of catalogues: %w", err)
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}

// validateCatalogueFile lists what is wrong with the form of a file.
func validateCatalogueFile(name string, content json.RawMessage) []*problem {
	var value any
	if err := json.Unmarshal(content, &value); err != nil {
		return []*problem{catalogueProblem(catalogue.Problem{File: name, Message: "Input should be a valid object"})}
	}
	registry, schema := catalogueSchemas()
	result := huma.ValidateResult{}
	huma.Validate(registry, schema, huma.NewPathBuffer([]byte{}, 0), huma.ModeWriteToServer, value, &result)
	out := make([]*problem, 0, len(result.Errors))
	for _, p := range toProblems(result.Errors) {
		at := []any{"body", "files", name}
		if len(p.Loc) > 0 && p.Loc[0] == "" {
			p.Loc = p.Loc[1:]
		}
		out = append(out, &problem{Loc: append(at, p.Loc...), Msg: strings.TrimSpace(p.Msg), Type: p.Type})
	}
	return out
}
