package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/aliquot-labs/aliquot/internal/bodytext"
	"github.com/aliquot-labs/aliquot/internal/catalogue"
	"github.com/aliquot-labs/aliquot/store"
)

const schemaDefinitions = "#/$defs/"

// catalogueSchemas returns the schemas of a catalogue's files. Unlike a request, a file may have no unknown fields, so
// that misspelt ones are found.
func catalogueSchemas() (huma.Registry, *huma.Schema) {
	registry := huma.NewMapRegistry(schemaDefinitions, huma.DefaultSchemaNamer)
	file := registry.Schema(reflect.TypeFor[catalogue.File](), true, "File")
	return registry, file
}

// CatalogueSchema returns the JSON Schema of a catalogue's files, indented.
func CatalogueSchema() ([]byte, error) {
	registry, file := catalogueSchemas()
	b, err := json.Marshal(map[string]any{
		"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "A file of an Aliquot catalogue",
		"$ref": file.Ref, "$defs": registry.Map(),
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

// validateCatalogueFile returns the problems of a file with its schema.
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
		path := []any{"body", "files", name}
		if len(p.Loc) > 0 && p.Loc[0] == "" {
			p.Loc = p.Loc[1:]
		}
		out = append(out, &problem{Loc: append(path, p.Loc...), Msg: strings.TrimSpace(p.Msg), Type: p.Type})
	}
	return out
}

// Limits of a catalogue. A large lab has about ten thousand markers with their questions.
const (
	maxCatalogue       = 64 << 20 // bytes
	maxCatalogueValues = 5_000_000
)

// CatalogueFile is one file of a catalogue.
type CatalogueFile struct {
	Name    string          `json:"name" minLength:"1" maxLength:"255" doc:"Problems name the file by it."`
	Content json.RawMessage `json:"content" doc:"As docs/catalogue.md describes it."`
}

// CatalogueRequest is a catalogue to import, and how to import it.
type CatalogueRequest struct {
	Files  []CatalogueFile `json:"files" maxItems:"1000"`
	TeamID string          `json:"team_id,omitempty" format:"uuid" doc:"Who gets the lab tests; defaults to all."`
	Retire bool            `json:"retire,omitempty"`
	DryRun bool            `json:"dry_run,omitempty" doc:"Only check the files and report what would change."`
}

// CatalogueImported reports what an import changed.
type CatalogueImported struct {
	DryRun  bool                   `json:"dry_run"`
	Changed bool                   `json:"changed" doc:"False: the catalogue had everything already."`
	Done    store.CatalogueChanges `json:"done"`
}

type importCatalogueInput struct {
	RawBody []byte
}

type exportCatalogueInput struct {
	TeamID string `query:"team_id" format:"uuid" doc:"Whose lab tests; defaults to those of all teams."`
}

func (s *server) opsCatalogueRoutes() {
	registerOperation(s, scopeAdminister, huma.Operation{
		OperationID: "ops-import-catalogue", Method: http.MethodPost, Path: "/ops/catalogue",
		Tags:    []string{tagOperations},
		Summary: "Import a catalogue, in full or not at all", MaxBodyBytes: maxCatalogue,
		SkipValidateBody: true, // readCatalogue validates it, with larger limits
		Errors:           []int{http.StatusBadRequest, http.StatusNotFound, http.StatusUnprocessableEntity},
	}, s.opsImportCatalogue)
	s.huma.OpenAPI().Paths["/ops/catalogue"].Post.RequestBody = &huma.RequestBody{
		Required: true, Content: map[string]*huma.MediaType{contentJSON: {Schema: s.schemaOf(CatalogueRequest{})}},
	}
	registerOperation(s, scopeAllRead, huma.Operation{
		OperationID: "ops-export-catalogue", Method: http.MethodGet, Path: "/ops/catalogue",
		Tags:    []string{tagOperations},
		Summary: "Export the catalogue as a file that can be imported", Errors: []int{http.StatusNotFound},
	}, s.opsExportCatalogue)
	registerOperation(s, scopeAllChange, huma.Operation{
		OperationID: "ops-approve-lab-test", Method: http.MethodPost, Path: "/ops/lab-tests/{lab_test_id}/approve",
		Tags:    []string{tagOperations},
		Summary: "Approve a lab test that a team has created", Errors: []int{http.StatusBadRequest, http.StatusNotFound},
	}, s.opsApproveLabTest)
}

func (s *server) opsImportCatalogue(ctx context.Context, in *importCatalogueInput) (*body[CatalogueImported], error) {
	request, files, problems := s.readCatalogue(in.RawBody)
	if len(problems) > 0 {
		return nil, validationError(problems...)
	}
	if request.TeamID != "" {
		request.TeamID = canonicalUUID(request.TeamID)
		if _, err := s.Store.Team(ctx, request.TeamID); err != nil {
			return nil, mapNotFound(err, "Team")
		}
	}
	known, err := s.Store.Catalogue(ctx, request.TeamID)
	if err != nil {
		return nil, err
	}
	c, wrong := catalogue.Read(files, known)
	if len(wrong) > 0 {
		return nil, validationError(convertAll(wrong, catalogueProblem)...)
	}
	done, err := s.Store.ImportCatalogue(ctx, c, store.CatalogueImportOptions{TeamID: request.TeamID,
		Retire: request.Retire, DryRun: request.DryRun})
	if errors.Is(err, store.ErrConflict) {
		return nil, badRequest("A lab test belongs to another team, or to all of them")
	}
	if err != nil {
		return nil, err
	}
	if !request.DryRun {
		s.appendChangeAudit(ctx, "catalogue.import", request.TeamID, "",
			fmt.Sprintf("files=%d changed=%t", len(files), done.HasChanges()))
	}
	return newAnswer(CatalogueImported{DryRun: request.DryRun, Changed: done.HasChanges(), Done: done}), nil
}

// readCatalogue decodes a request and its files, and returns the problems with their schemas.
func (s *server) readCatalogue(
	text []byte,
) (request CatalogueRequest, files []catalogue.NamedFile, problems []*problem) {
	text = bodytext.WithoutMark(text)
	value, err := decodeCatalogueJSON(text)
	if err != nil {
		return request, nil, []*problem{fromHumaDetail(&huma.ErrorDetail{Message: err.Error(), Location: "body"})}
	}
	if problems = s.validateCatalogueRequest(value); len(problems) > 0 {
		return request, nil, problems
	}
	if err := json.Unmarshal(text, &request); err != nil {
		return request, nil, []*problem{newProblem("value_error", "Value is not valid", "body")}
	}
	names := map[string]bool{}
	for i, f := range request.Files {
		if names[f.Name] {
			problems = append(problems, newProblem("value_error", "Another file has the same name",
				fmt.Sprintf("body.files[%d].name", i)))
		}
		names[f.Name] = true
		found := validateCatalogueFile(f.Name, f.Content)
		problems = append(problems, found...)
		if len(found) > 0 {
			continue
		}
		named := catalogue.NamedFile{Name: f.Name}
		if err := json.Unmarshal(f.Content, &named.File); err != nil {
			problems = append(problems, catalogueProblem(catalogue.Problem{File: f.Name, Message: "Value is not valid"}))
		}
		files = append(files, named)
	}
	return request, files, problems
}

// decodeCatalogueJSON decodes JSON within the limits of a catalogue. It refuses duplicate keys and NUL characters.
func decodeCatalogueJSON(text []byte) (value any, err error) {
	if err := checkBounds(text, maxCatalogueValues); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(text, &value); err != nil {
		return nil, err
	}
	return value, checkUnambiguous(text)
}

// validateCatalogueRequest returns the problems of a request with its schema, without those in its files.
func (s *server) validateCatalogueRequest(value any) []*problem {
	path, result := huma.NewPathBuffer([]byte("body"), len("body")), huma.ValidateResult{}
	huma.Validate(s.huma.OpenAPI().Components.Schemas, s.schemaOf(CatalogueRequest{}), path, huma.ModeWriteToServer,
		value, &result)
	return toProblems(result.Errors)
}

// catalogueProblem returns a problem of a file with its path, such as
// ["body","files","quest.json","markers",12,"loinc"].
func catalogueProblem(p catalogue.Problem) *problem {
	path := []any{"body", "files", p.File}
	if p.Path != "" {
		path = append(path, splitPath(p.Path)...)
	}
	return &problem{Loc: path, Msg: p.Message, Type: "value_error"}
}

func (s *server) opsExportCatalogue(ctx context.Context, in *exportCatalogueInput) (*body[json.RawMessage], error) {
	team := canonicalUUID(in.TeamID)
	if team != "" {
		if _, err := s.Store.Team(ctx, team); err != nil {
			return nil, mapNotFound(err, "Team")
		}
	}
	c, err := s.Store.Catalogue(ctx, team)
	if err != nil {
		return nil, err
	}
	text, err := encodeJSON(catalogue.FileOf(c))
	if err != nil {
		return nil, err
	}
	return newAnswer(json.RawMessage(strings.TrimSpace(string(text)))), nil
}
