package api

import (
	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"github.com/aliquot-labs/aliquot/order"
)

const formatID = "uuid"

// idPattern is the form of ids that order.ParseID accepts. The format uuid of a schema means the same
// (JSON Schema 2020-12), but huma also accepts UUIDs in braces, with the prefix urn:uuid: and without hyphens.
const idPattern = `^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$`

// validateIDs makes every schema of an id refuse the forms that order.ParseID refuses, in paths, queries and bodies. It
// has to be called after all operations are registered. The document does not change.
func (s *server) validateIDs() {
	document := s.huma.OpenAPI()
	for _, schema := range document.Components.Schemas.Map() {
		validateIDsOf(schema)
	}
	for _, item := range document.Paths {
		for _, op := range []*huma.Operation{item.Get, item.Put, item.Post, item.Delete, item.Patch} {
			if op == nil {
				continue
			}
			for _, p := range op.Parameters {
				validateIDsOf(p.Schema)
			}
			if op.RequestBody == nil {
				continue
			}
			for _, content := range op.RequestBody.Content {
				validateIDsOf(content.Schema)
			}
		}
	}
}

// validateIDsOf does so for a schema and the schemas in it. References are not followed: all their targets are in the
// document.
func validateIDsOf(schema *huma.Schema) {
	if schema == nil {
		return
	}
	if schema.Format == formatID {
		schema.Pattern, schema.PatternDescription = idPattern, "RFC 4122 uuid"
		schema.PrecomputeMessages() // compiles the pattern
		schema.Pattern, schema.PatternDescription = "", ""
	}
	validateIDsOf(schema.Items)
	for _, property := range schema.Properties {
		validateIDsOf(property)
	}
	for _, more := range [][]*huma.Schema{schema.OneOf, schema.AnyOf, schema.AllOf, {schema.Not}} {
		for _, part := range more {
			validateIDsOf(part)
		}
	}
	if values, ok := schema.AdditionalProperties.(*huma.Schema); ok {
		validateIDsOf(values)
	}
}

// canonicalUUID returns an id in the form in which ids are stored, and "" for "". Validation has refused texts that are
// no ids before. For one that it has missed, canonicalUUID returns the nil UUID, which nothing has.
func canonicalUUID(text string) string {
	if text == "" {
		return ""
	}
	id, ok := order.ParseID(text)
	if !ok {
		return uuid.Nil.String()
	}
	return id
}
