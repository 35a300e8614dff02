// Package junction holds the client-facing JSON of the lab-testing API that Aliquot is compatible with: what API
// responses and webhook messages contain. Field names, nullability and the values of enumerations are those of
// client-api#6-users, client-api#7-lab-tests-markers-labs, client-api#12-results and client-api#16-shared-schemas.
//
// The official SDKs fail on a missing key, a null that is not allowed, or a number instead of a string. Therefore every
// required key is always written.
//
// One key is an addition of Aliquot: `sequence` of an order. By it a receiver of webhook messages decides which of two
// versions of an order is newer.
package junction
