package api

import (
	"bytes"
	"fmt"
	"html/template"
	"maps"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// docsContentPolicy forbids the page to load anything: its styles are inline.
const docsContentPolicy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; " +
	"frame-ancestors 'none'"

var docsPage = template.Must(template.New("docs").Parse(`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{.Title}} API</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1a2733; }
h2 { margin-top: 2.5rem; border-bottom: 1px solid #c8d3dc; }
details { border: 1px solid #dde5eb; border-radius: 6px; margin: .5rem 0; padding: .4rem .8rem; }
summary { cursor: pointer; }
code { font: 14px/1.4 ui-monospace, monospace; }
.method { display: inline-block; width: 4.5rem; font-weight: 600; }
table { border-collapse: collapse; margin: .6rem 0; width: 100%; }
td, th { text-align: left; padding: .2rem .8rem .2rem 0; vertical-align: top; }
</style>
</head>
<body>
<h1>{{.Title}} API</h1>
<p>{{.Description}}</p>
<p>The whole description, with every schema: <a href="{{.Document}}">{{.Document}}</a></p>
{{range .Groups}}
<h2>{{.Tag}}</h2>
{{range .Operations}}
<details>
<summary><code><span class="method">{{.Method}}</span> {{.Path}}</code> &mdash; {{.Summary}}</summary>
{{if .Fields}}<table>
<tr><th>Name</th><th>In</th><th>Type</th><th></th><th></th></tr>
{{range .Fields}}<tr><td><code>{{.Name}}</code></td><td>{{.In}}</td><td>{{.Type}}</td>
<td>{{if .Required}}required{{end}}</td><td>{{.Doc}}</td></tr>
{{end}}</table>{{end}}
<p>Answers: {{.Answers}}</p>
</details>
{{end}}{{end}}
</body>
</html>
`))

type docsGroup struct {
	Tag        string
	Operations []docsOperation
}

type docsOperation struct {
	Method, Path, Summary, Answers string
	Fields                         []docsField
}

type docsField struct {
	Name, In, Type, Doc string
	Required            bool
}

// docsHTML renders the OpenAPI document as an HTML page without scripts.
func (s *server) docsHTML() ([]byte, error) {
	doc := s.huma.OpenAPI()
	var page bytes.Buffer
	err := docsPage.Execute(&page, map[string]any{
		"Title": doc.Info.Title, "Description": doc.Info.Description, "Document": pathDocument, "Groups": docsGroups(doc),
	})
	if err != nil {
		return nil, fmt.Errorf("writing the page of the API: %w", err)
	}
	return page.Bytes(), nil
}

func docsGroups(doc *huma.OpenAPI) []docsGroup {
	groups := []docsGroup{
		{Tag: tagUsers}, {Tag: tagInsurance}, {Tag: tagLabTests}, {Tag: tagOrders}, {Tag: tagAppointments},
		{Tag: tagResults}, {Tag: tagWebhooks}, {Tag: tagOperations},
	}
	for path, item := range doc.Paths {
		for _, op := range []*huma.Operation{item.Get, item.Post, item.Put, item.Patch, item.Delete} {
			if op == nil {
				continue
			}
			i := slices.IndexFunc(groups, func(g docsGroup) bool { return slices.Contains(op.Tags, g.Tag) })
			groups[i].Operations = append(groups[i].Operations, docsOperation{
				Method: op.Method, Path: path, Summary: op.Summary, Answers: docsAnswers(op), Fields: docsFields(doc, op),
			})
		}
	}
	for _, g := range groups {
		slices.SortFunc(g.Operations, func(a, b docsOperation) int {
			return strings.Compare(a.Path+" "+a.Method, b.Path+" "+b.Method)
		})
	}
	return groups
}

func docsAnswers(op *huma.Operation) string {
	var codes []string
	for code := range op.Responses {
		codes = append(codes, code)
	}
	slices.Sort(codes)
	return strings.Join(codes, ", ")
}

// docsFields returns the parameters of an operation and the first level of its body.
func docsFields(doc *huma.OpenAPI, op *huma.Operation) []docsField {
	var fields []docsField
	for _, p := range op.Parameters {
		fields = append(fields, docsField{Name: p.Name, In: p.In, Type: docsType(p.Schema), Doc: p.Description,
			Required: p.Required})
	}
	if op.RequestBody == nil {
		return fields
	}
	schema := op.RequestBody.Content[contentJSON].Schema
	if schema.Ref != "" {
		schema = doc.Components.Schemas.SchemaFromRef(schema.Ref)
	}
	for _, name := range slices.Sorted(maps.Keys(schema.Properties)) {
		p := schema.Properties[name]
		fields = append(fields, docsField{
			Name: name, In: "body", Type: docsType(p), Doc: p.Description, Required: slices.Contains(schema.Required, name),
		})
	}
	return fields
}

func docsType(s *huma.Schema) string {
	switch {
	case s == nil:
		return ""
	case s.Ref != "":
		return s.Ref[strings.LastIndex(s.Ref, "/")+1:]
	case s.Type == huma.TypeArray:
		return docsType(s.Items) + "[]"
	case s.Format != "":
		return s.Type + " (" + s.Format + ")"
	default:
		return s.Type
	}
}
