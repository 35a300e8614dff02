package api

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humagin"
	"github.com/google/uuid"

	"github.com/aliquot-labs/aliquot/store"
)

// The tags that group operations in the document.
const (
	tagUsers      = "Users"
	tagInsurance  = "Insurance"
	tagLabTests   = "Lab tests"
	tagOrders     = "Orders"
	tagResults    = "Results"
	tagWebhooks   = "Webhooks"
	tagOperations = "Operations"
)

// registerOperation declares an endpoint that takes an API key whose role has the scope.
func registerOperation[I, O any](s *server, needs scope, op huma.Operation,
	handler func(context.Context, *I) (*O, error)) {
	registerOperationWith(s, needs, op, handler, securityScheme)
}

// registerManagementOperation declares an endpoint of the management API. It takes the key in the header of that API or in ours.
func registerManagementOperation[I, O any](s *server, needs scope, op huma.Operation,
	handler func(context.Context, *I) (*O, error)) {
	registerOperationWith(s, needs, op, handler, managementScheme, securityScheme)
}

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
	op.Errors = append(slices.Clone(op.Errors), http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests)
	if op.Method != http.MethodGet && op.Method != http.MethodDelete {
		op.Errors = append(op.Errors, http.StatusRequestEntityTooLarge)
	}
	op.Extensions = map[string]any{scopeExtension: needs}
	op.Middlewares = append(huma.Middlewares{s.requireScope(needs, headers), refuseUnstorableTexts, forceJSONContentType},
		op.Middlewares...)
	huma.Register(s.huma, op, handler)
}

// refuseUnstorableTexts refuses texts in the path and the query that PostgreSQL does not take, as jsonFormat does those of bodies.
func refuseUnstorableTexts(ctx huma.Context, next func(huma.Context)) {
	const text = "Texts with NUL characters, or that are not UTF-8, are not allowed"
	c := humagin.Unwrap(ctx)
	broken := func(v string) bool { return !utf8.ValidString(v) || strings.ContainsRune(v, 0) }
	for _, p := range c.Params {
		if broken(p.Value) {
			abortWithError(c, validationError(newProblem("value_error", text, "path."+p.Key)))
			return
		}
	}
	for _, values := range c.Request.URL.Query() {
		if slices.ContainsFunc(values, broken) {
			abortWithError(c, validationError(newProblem("value_error", text, "query")))
			return
		}
	}
	next(ctx)
}

// forceJSONContentType reads every body as JSON, whatever the caller says it is: there is nothing else that it could be.
func forceJSONContentType(ctx huma.Context, next func(huma.Context)) {
	next(jsonBody{ctx})
}

type humaContext huma.Context // so that it can be embedded beside its own method Context

type jsonBody struct{ humaContext }

// Unwrap is for huma's adapter.
func (j jsonBody) Unwrap() huma.Context { return j.humaContext }

func (j jsonBody) Header(name string) string {
	if name == "Content-Type" {
		return "application/json"
	}
	return j.humaContext.Header(name)
}

// body is an answer with nothing but a JSON body.
type body[T any] struct {
	Body T
}

func newAnswer[T any](v T) *body[T] { return &body[T]{Body: v} }

// rawAnswer is an answer whose bytes are given.
type rawAnswer struct {
	Status      int
	ContentType string `header:"Content-Type"`
	Body        []byte
}

const (
	contentJSON = "application/json"
	contentPDF  = "application/pdf"
)

// rawResponseOf is the 200 answer of an operation whose handler writes the bytes of a T itself.
func rawResponseOf[T any](s *server, description string) map[string]*huma.Response {
	schema := s.schemaOf(*new(T))
	return map[string]*huma.Response{"200": {
		Description: description,
		Content:     map[string]*huma.MediaType{contentJSON: {Schema: schema}},
	}}
}

// canonicalUUID writes a UUID in the form in which ids are stored. What is none has been refused by validation.
func canonicalUUID(id string) string {
	u, err := uuid.Parse(id)
	if err != nil {
		return id
	}
	return u.String()
}

func newID() string { return uuid.Must(uuid.NewV7()).String() }

// PageQuery is the page/size style of pagination. It is exported, as every part of an input is, because huma sees nothing else.
type PageQuery struct {
	Page int `query:"page" minimum:"1" maximum:"1000000" default:"1"`
	Size int `query:"size" minimum:"1" maximum:"100" default:"50"`
}
