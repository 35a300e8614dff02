// Package webhooks renders, signs and sends webhook messages.
//
// It holds the body of a webhook message (Envelope and the payloads of operational events), its signature (Sign),
// the address rules for endpoints (AddressGuard), one HTTP attempt (Sender), the retry schedule (NextAttemptTime)
// and the rule by which an endpoint is disabled (EndpointHealth). The rules are those of
// client-api#19-webhooks.
//
// The package knows neither the store nor Temporal. Packages store and internal/dispatch store the webhook messages
// and their deliveries, and decide when an attempt is made.
package webhooks
