// Package api is the HTTP side of Aliquot. It serves the client API (compatible with the lab-testing part of the
// Junction API), the operations API under /ops, the webhooks of labs and couriers, and the health, metrics and
// documentation pages.
//
// Client and operations endpoints are declared with huma, which derives validation and the OpenAPI document from Go
// structs. Errors have the shapes of docs/spec/client-api.md#2-errors. Partner webhooks are plain handlers over raw
// bodies, because each body is stored verbatim. The handlers read from the store. Only the start of an order, facts and
// demands go to its workflow.
package api

//go:generate go run ./openapidoc -out ../docs/openapi.json
//go:generate go run ./catalogueschemadoc -out ../docs/catalogue.schema.json
