// Package api is the HTTP side of Aliquot: the client API (compatible with the lab-testing part of the Junction API), the
// operations API under /ops, the webhooks of labs and couriers, and the health, metrics and documentation pages.
//
// Client and operations endpoints are declared with huma, from whose Go structs come validation and the OpenAPI document; errors
// are written in the shapes of docs/spec/client-api.md#2-errors. Webhooks are plain handlers over raw bodies, because
// what a partner sent is kept verbatim. Everything is read from the store; only demands, and the start of an order, go
// to its workflow.
package api

//go:generate go run ./openapidoc -out ../docs/openapi.json
//go:generate go run ./catalogueschemadoc -out ../docs/catalogue.schema.json
