package api

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humagin"

	"github.com/aliquot-labs/aliquot/internal/bodytext"
)

// This file makes the operations API refuse fields that it does not know, so that a misspelt one is found. The client
// API ignores them by contract (client-api#conflict-27).

const (
	opsPath   = "/ops/"
	schemaRef = "#/components/schemas/"
)

// refuseUnknownOpsFields closes the schemas of all requests of the operations API. A schema that answers or the client
// API use too stays, and the operations API gets a closed copy of it, with the prefix Ops. It has to be called after
// all operations are registered.
func (s *server) refuseUnknownOpsFields() {
	schemas := s.huma.OpenAPI().Components.Schemas.Map()
	c := schemaCloser{schemas: schemas, shared: map[string]bool{}, closed: map[string]bool{}}
	var bodies []*huma.Schema
	for path, item := range s.huma.OpenAPI().Paths {
		for _, op := range operationsOf(item) {
			for _, response := range op.Responses {
				c.shareContent(response.Content)
			}
			if op.RequestBody == nil {
				continue
			}
			if !strings.HasPrefix(path, opsPath) {
				c.shareContent(op.RequestBody.Content)
				continue
			}
			for _, content := range op.RequestBody.Content {
				bodies = append(bodies, content.Schema)
			}
		}
	}
	for _, body := range bodies {
		*body = *c.closeSchema(body) // huma holds the pointer
	}
}

// operationsOf returns the operations of a path.
func operationsOf(item *huma.PathItem) []*huma.Operation {
	return slices.DeleteFunc([]*huma.Operation{item.Get, item.Put, item.Post, item.Delete, item.Patch, item.Head},
		func(op *huma.Operation) bool { return op == nil })
}

// schemaCloser makes copies of schemas that allow no unknown fields.
type schemaCloser struct {
	schemas map[string]*huma.Schema // of the document, by name
	shared  map[string]bool         // the names of those that have to stay open
	closed  map[string]bool         // the names of those that are closed
}

func (c schemaCloser) shareContent(content map[string]*huma.MediaType) {
	for _, media := range content {
		c.share(media.Schema)
	}
}

// share notes the names of a schema and of all schemas in it.
func (c schemaCloser) share(schema *huma.Schema) {
	if schema == nil {
		return
	}
	if name, isRef := strings.CutPrefix(schema.Ref, schemaRef); isRef {
		if !c.shared[name] {
			c.shared[name] = true
			c.share(c.schemas[name])
		}
		return
	}
	c.share(schema.Items)
	for _, property := range schema.Properties {
		c.share(property)
	}
	for _, part := range slices.Concat(schema.OneOf, schema.AnyOf, schema.AllOf) {
		c.share(part)
	}
	if values, isMap := schema.AdditionalProperties.(*huma.Schema); isMap {
		c.share(values)
	}
}

// closeSchema returns a schema like this one, without unknown fields in it and in all schemas that it refers to.
func (c schemaCloser) closeSchema(schema *huma.Schema) *huma.Schema {
	if schema == nil {
		return nil
	}
	out := *schema
	if name, isRef := strings.CutPrefix(schema.Ref, schemaRef); isRef {
		out.Ref = schemaRef + c.closeNamed(name)
		return &out
	}
	out.Items = c.closeSchema(schema.Items)
	out.Properties = maps.Clone(schema.Properties)
	for name, property := range out.Properties {
		out.Properties[name] = c.closeSchema(property)
	}
	if values, isMap := schema.AdditionalProperties.(*huma.Schema); isMap {
		out.AdditionalProperties = c.closeSchema(values)
	} else if schema.Type == huma.TypeObject {
		out.AdditionalProperties = false
	}
	return &out
}

// closeNamed closes a schema of the document, or a copy of a shared one, and returns its name.
func (c schemaCloser) closeNamed(name string) string {
	open, closedName := c.schemas[name], name
	if c.shared[name] {
		closedName = "Ops" + name
	}
	if !c.closed[closedName] {
		c.closed[closedName] = true
		c.schemas[closedName] = c.closeSchema(open)
	}
	return closedName
}

// maxUnreadBody is how much of the body of an operation without one is read, in bytes.
const maxUnreadBody = 64 << 10

// takesNoBody reports whether an operation of the operations API has no body in its input.
func takesNoBody[I any](op huma.Operation) bool {
	input := reflect.TypeFor[I]()
	_, hasBody := input.FieldByName("Body")
	_, hasRaw := input.FieldByName("RawBody")
	return strings.HasPrefix(op.Path, opsPath) && op.Method != http.MethodGet && !hasBody && !hasRaw
}

// refuseFields refuses the fields of a body where there should be none. An empty object is no body.
func refuseFields(ctx huma.Context, next func(huma.Context)) {
	text, err := io.ReadAll(io.LimitReader(ctx.BodyReader(), maxUnreadBody))
	text = bodytext.WithoutMark(text)
	given := map[string]json.RawMessage{}
	problems := []*problem{newProblem("dict_type", "There should be no body", "body")}
	switch {
	case err == nil && len(strings.TrimSpace(string(text))) == 0:
		problems = nil
	case err == nil && json.Unmarshal(text, &given) == nil:
		problems = problems[:0]
		for _, name := range slices.Sorted(maps.Keys(given)) {
			problems = append(problems, &problem{Loc: []any{"body", name}, Type: "extra_forbidden",
				Msg: "Extra inputs are not permitted"})
		}
	}
	if len(problems) > 0 {
		abortWithError(humagin.Unwrap(ctx), validationError(problems[:min(len(problems), maxProblems)]...))
		return
	}
	next(ctx)
}
