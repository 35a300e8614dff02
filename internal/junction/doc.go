// Package junction holds the client-facing JSON of the lab-testing API that Aliquot is compatible with: what clients read from the
// API, and what webhooks tell them. Field names, nullability and the wire values of enumerations are those of
// client-api#6-users, client-api#7-lab-tests-markers-labs, client-api#12-results and client-api#16-shared-schemas. The
// official SDKs fail on a missing key, a null where none is allowed, or a number for a string, so every required key is
// always written.
//
// The one key of our own is the order's `sequence`, by which a receiver of webhooks can tell which of two orders is newer.
package junction
