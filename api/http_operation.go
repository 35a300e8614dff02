package api

import (
	"context"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"github.com/aliquot-labs/aliquot/store"
)

// Tags group the operations in the document.
const (
	tagUsers      = "Users"
	tagInsurance  = "Insurance"
	tagLabTests   = "Lab tests"
	tagOrders     = "Orders"
	tagResults    = "Results"
	tagWebhooks   = "Webhooks"
	tagOperations = "Operations"
)

// registerOperation registers an operation that requires a credential whose role has the scope.
func registerOperation[I, O any](s *server, needs scope, op huma.Operation,
	handler func(context.Context, *I) (*O, error)) {
	registerOperationWith(s, needs, op, handler, securityScheme)
}

// registerManagementOperation registers an operation of the management API. It accepts the API key in the header of
// that API and in ours.
func registerManagementOperation[I, O any](s *server, needs scope, op huma.Operation,
	handler func(context.Context, *I) (*O, error)) {
	registerOperationWith(s, needs, op, handler, managementScheme, securityScheme)
}

// registerOperationWith registers an operation with the API key headers of the security schemes, and adds what all
// operations have: the limit of the body, the errors, and the middlewares.
func registerOperationWith[I, O any](s *server, needs scope, op huma.Operation,
	handler func(context.Context, *I) (*O, error), schemes ...string) {
	if op.MaxBodyBytes == 0 {
		op.MaxBodyBytes = s.MaxBody
	}
	headers := make([]string, len(schemes))
	for i, scheme := range schemes {
		op.Security = append(op.Security, map[string][]string{scheme: {}})
		headers[i] = apiKeyHeaders[scheme]
	}
	if roleHasScope(store.RoleClient, needs) {
		op.Security = append(op.Security, map[string][]string{bearerScheme: {}})
	}
	op.Errors = append(slices.Clone(op.Errors), http.StatusUnauthorized, http.StatusForbidden,
		http.StatusTooManyRequests)
	if op.Method != http.MethodGet && op.Method != http.MethodDelete {
		op.Errors = append(op.Errors, http.StatusRequestEntityTooLarge)
	}
	op.Extensions = map[string]any{scopeExtension: needs}
	op.Middlewares = append(
		huma.Middlewares{s.requireScope(needs, headers), readQuery, refuseUnstorableTexts, forceJSONContentType}, op.Middlewares...)
	huma.Register(s.huma, op, handler)
}

// forceJSONContentType reads every body as JSON, whatever its Content-Type: the API takes no other bodies.
func forceJSONContentType(ctx huma.Context, next func(huma.Context)) {
	next(jsonBody{ctx})
}

type humaContext huma.Context // a name under which huma.Context, which has a method Context, can be embedded

type jsonBody struct{ humaContext }

// Unwrap returns the wrapped context, which huma's adapter for gin asks for.
func (j jsonBody) Unwrap() huma.Context { return j.humaContext }

// Header returns a header of the request; the Content-Type is always JSON.
func (j jsonBody) Header(name string) string {
	if name == "Content-Type" {
		return "application/json"
	}
	return j.humaContext.Header(name)
}

// body is an answer with a JSON body.
type body[T any] struct {
	Body T
}

func newAnswer[T any](v T) *body[T] { return &body[T]{Body: v} }

// rawAnswer is an answer whose body is encoded already.
type rawAnswer struct {
	Status      int
	ContentType string `header:"Content-Type"`
	Body        []byte
}

const (
	contentJSON = "application/json"
	contentPDF  = "application/pdf"
)

// rawResponseOf documents the 200 answer of an operation whose handler encodes a T itself.
func rawResponseOf[T any](s *server, description string) map[string]*huma.Response {
	schema := s.schemaOf(*new(T))
	return map[string]*huma.Response{"200": {
		Description: description,
		Content:     map[string]*huma.MediaType{contentJSON: {Schema: schema}},
	}}
}

func newID() string { return uuid.Must(uuid.NewV7()).String() }

// PageQuery is the pagination by page and size. It is exported, as every embedded part of an input is, because huma
// ignores unexported fields.
type PageQuery struct {
	Page int `query:"page" minimum:"1" maximum:"1000000" default:"1"`
	Size int `query:"size" minimum:"1" maximum:"100" default:"50"`
}
