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

// Document is the OpenAPI 3.1 document of the client and operations API, indented.
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

// documentRoutes makes huma's API on the router, and serves its document and a page of it.
func (s *server) documentRoutes(e *gin.Engine) {
	config := huma.DefaultConfig(documentTitle, documentVersion)
	config.Info.Description = "Places lab-test orders and follows them. The client API is compatible with the lab-testing part of the " +
		"Junction API. Every answer that is not a success has a `detail`."
	config.OpenAPIPath, config.DocsPath, config.SchemasPath = "", "", "" // served below, without scripts from elsewhere
	config.CreateHooks = nil                                             // no $schema links in answers
	config.AllowAdditionalPropertiesByDefault = true                     // unknown fields are ignored
	config.Formats = map[string]huma.Format{contentJSON: jsonFormat, "json": jsonFormat}
	config.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		securityScheme:   {Type: "apiKey", In: "header", Name: apiKeyHeaders[securityScheme]},
		managementScheme: {Type: "apiKey", In: "header", Name: apiKeyHeaders[managementScheme]},
		bearerScheme: {Type: "http", Scheme: "bearer",
			Description: "A team's token, good for minutes. One credential per request."},
	}
	s.huma = humagin.New(e, config)
	e.GET(pathDocument, serveOnce("application/openapi+json", s.document))
	e.GET(pathDocs, func(c *gin.Context) { c.Header("Content-Security-Policy", docsContentPolicy) },
		serveOnce("text/html; charset=utf-8", s.docsHTML))
}

// serveOnce serves what is written once, when it is first asked for and all routes are there: anybody may ask, as often as he likes.
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

// schemaOf is the schema of a type's values, registered under the type's name.
func (s *server) schemaOf(v any) *huma.Schema {
	t := reflect.TypeOf(v)
	return s.huma.OpenAPI().Components.Schemas.Schema(t, true, t.Name())
}

// renameParameter gives a parameter of a path another name in the document. Routers allow only one name for a place in several paths.
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

// nullableObjects are the objects that may be null, by schema.
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

// completeDocument says what Go's types cannot: that an order's details are one of four, and which objects may be null. These are
// schemas of answers only, so nothing is validated with them.
func (s *server) completeDocument() {
	schemas := s.huma.OpenAPI().Components.Schemas
	details := schemas.Map()["Details"]
	details.Properties["data"] = &huma.Schema{Description: "By type."}
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
