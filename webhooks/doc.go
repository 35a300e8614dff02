// Package webhooks holds what goes out to clients: the envelope of a message, its signature, the
// address rules for endpoints, one delivery attempt over HTTP, and when the next attempt is due.
//
// It knows neither the store nor Temporal. Messages and deliveries are rows that others keep; this
// package says what to send, sends it once and tells what became of it.
package webhooks
