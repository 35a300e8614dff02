package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humagin"
	"github.com/gin-gonic/gin"

	"github.com/aliquot-labs/aliquot/internal/junction"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
)

const (
	securityScheme   = "apiKey"
	managementScheme = "managementKey"
	bearerScheme     = "bearer"
	documentTitle    = "Aliquot"
	documentVersion  = "1.0.0"
	pathDocument     = "/openapi.json"
	pathDocs         = "/docs"
)

// Document returns the OpenAPI 3.1 document of the client and operations API, as indented JSON.
func Document() ([]byte, error) {
	s, err := newServer(Deps{})
	if err != nil {
		return nil, err
	}
	s.routes()
	return s.document()
}

func (s *server) document() ([]byte, error) {
	b, err := json.Marshal(s.huma.OpenAPI())
	if err != nil {
		return nil, fmt.Errorf("encoding the OpenAPI document: %w", err)
	}
	var out bytes.Buffer
	if err := json.Indent(&out, b, "", "  "); err != nil {
		return nil, fmt.Errorf("indenting the OpenAPI document: %w", err)
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}

// publishedSchemaNames are the names of schemas whose Go types have other names. Schema names are part of the API: SDKs
// are generated from them.
var publishedSchemaNames = map[reflect.Type]string{
	reflect.TypeFor[order.ReportedAppointment](): "Booked",
}

// schemaName names the schema of a type: as publishedSchemaNames does, else after the Go type.
func schemaName(t reflect.Type, hint string) string {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if name, ok := publishedSchemaNames[t]; ok {
		return name
	}
	return huma.DefaultSchemaNamer(t, hint)
}

// documentRoutes creates huma's API on the router, and serves the OpenAPI document and an HTML page of it.
func (s *server) documentRoutes(e *gin.Engine) {
	config := huma.DefaultConfig(documentTitle, documentVersion)
	config.Components.Schemas = huma.NewMapRegistry("#/components/schemas/", schemaName)
	config.Info.Description = "Places lab-test orders and reports their progress. The client API is compatible with the " +
		"lab-testing part of the Junction API. Every answer that is not a success has a `detail`."
	config.OpenAPIPath, config.DocsPath, config.SchemasPath = "", "", "" // served below, without scripts from elsewhere
	config.CreateHooks = nil                                             // no $schema links in answers
	config.AllowAdditionalPropertiesByDefault = true                     // unknown fields are ignored
	config.Formats = map[string]huma.Format{contentJSON: jsonFormat, "json": jsonFormat}
	config.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		securityScheme:   {Type: "apiKey", In: "header", Name: apiKeyHeaders[securityScheme]},
		managementScheme: {Type: "apiKey", In: "header", Name: apiKeyHeaders[managementScheme]},
		bearerScheme: {Type: "http", Scheme: "bearer",
			Description: "A short-lived token of a team. A request holds one credential: an API key or a bearer token."},
	}
	s.huma = humagin.New(e, config)
	e.GET(pathDocument, serveOnce("application/openapi+json", s.document))
	page := serveOnce("text/html; charset=utf-8", s.docsHTML)
	e.GET(pathDocs, func(c *gin.Context) { // one handler: HEAD gets the last one of a route
		c.Header("Content-Security-Policy", docsContentPolicy)
		page(c)
	})
}

// serveOnce serves what write returns. It calls write only once, at the first request, when all routes are registered:
// the page needs no credential, so its cost must not depend on the number of requests.
func serveOnce(contentType string, write func() ([]byte, error)) gin.HandlerFunc {
	once := sync.OnceValues(write)
	return func(c *gin.Context) {
		b, err := once()
		if err != nil {
			_ = c.Error(err)
			abortWithDetail(c, http.StatusInternalServerError, "Internal server error")
			return
		}
		c.Data(http.StatusOK, contentType, b)
	}
}

// schemaOf registers the schema of v's type and returns a reference to it.
func (s *server) schemaOf(v any) *huma.Schema {
	t := reflect.TypeOf(v)
	return s.huma.OpenAPI().Components.Schemas.Schema(t, true, t.Name())
}

// renameParameter renames a parameter of a path in the document. The router needs the same name for parameters at the
// same position of several paths; the document need not show that name.
func (s *server) renameParameter(path, name, as string) {
	paths := s.huma.OpenAPI().Paths
	item := paths[path]
	for _, p := range item.Get.Parameters {
		if p.Name == name {
			p.Name = as
		}
	}
	delete(paths, path)
	paths[strings.ReplaceAll(path, "{"+name+"}", "{"+as+"}")] = item
}

// nullableObjects are the fields with objects that may be null, by schema.
var nullableObjects = map[string][]string{
	"ClientFacingOrder": {"patient_details", "patient_address", "physician", "shipping_details",
		"order_transaction"},
	"ClientFacingTestkitOrder":       {"shipment"},
	"ClientFacingLabTest":            {"lab"},
	"ClientFacingInsurance":          {"guarantor"},
	"GetUnmatchedResultTestResponse": {"error"},
	"ClientFacingUser":               {"fallback_time_zone", "fallback_birth_date"},
	"LabResultsRaw":                  {"order_transaction"},
	"SampleData":                     {"performing_laboratories", "clinical_information"},
	"PerformingLaboratory":           {"address"},
	"ClientFacingAppointment":        {"event_data"},
	"ClientFacingAppointmentEvent":   {"data"},
	"DaySlots":                       {"location"},
	"UnmatchedResult":                {"patient"},
	"OpsReview":                      {"patient"},
	"MatchReviewCandidate":           {"marker_overlap", "status_context"},
	"OpsInboxRow":                    {"fact"},
	"OpsInboxItem":                   {"fact"},
	"OpsStory":                       {"outbound", "inbound"},
	"LabTestResourcesResponse":       {"pricing"},
	"GetMarkersResponse":             {"pricing"},
	"ClientFacingMarker":             {"aoe"},
	"ClientFacingMarkerComplete":     {"aoe"},
	"ClientFacingResult":             {"loinc"},
	"OpsAuditCheck":                  {"broken"},
}

// completeDocument adds to the document what Go types do not express: that an order's details are one of four schemas,
// and which objects may be null. These are schemas of answers only, so no request is validated with them.
func (s *server) completeDocument() {
	addLongTexts(s.huma.OpenAPI())
	schemas := s.huma.OpenAPI().Components.Schemas
	details := schemas.Map()["Details"]
	details.Properties["data"] = &huma.Schema{Description: "The schema depends on type."}
	for method, data := range map[lifecycle.Modality]any{
		lifecycle.Testkit: junction.ClientFacingTestkitOrder{}, lifecycle.WalkIn: junction.ClientFacingWalkInTestOrder{},
		lifecycle.AtHomePhlebotomy: junction.ClientFacingAtHomePhlebotomyOrder{},
		lifecycle.OnSite:           junction.ClientFacingOnSiteCollectionOrder{},
	} {
		details.OneOf = append(details.OneOf, &huma.Schema{Properties: map[string]*huma.Schema{
			"type": {Type: huma.TypeString, Enum: []any{string(method)}}, "data": s.schemaOf(data),
		}})
	}
	slices.SortFunc(details.OneOf, func(a, b *huma.Schema) int {
		return strings.Compare(a.Properties["data"].Ref, b.Properties["data"].Ref)
	})
	for name, fields := range nullableObjects {
		properties := schemas.Map()[name].Properties
		for _, field := range fields {
			p := properties[field]
			properties[field] = &huma.Schema{
				Description: p.Description,
				AnyOf: []*huma.Schema{{Ref: p.Ref, Type: p.Type, AdditionalProperties: p.AdditionalProperties},
					{Type: "null"}},
			}
		}
	}
}
