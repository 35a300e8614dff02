// Package neutral speaks the protocol of docs/partners.md, which any lab or provider of appointments can follow: it calls a partner,
// and reads the partner's webhooks.
package neutral
