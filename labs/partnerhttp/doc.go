// Package partnerhttp holds what adapters of lab partners have in common, whatever the partner's protocol: one exchange over HTTP, with
// its outcomes told apart, and the reading of what comes from outside.
package partnerhttp
