// Package neutral is the adapter for the neutral protocol of docs/partners.md, which any lab or provider of
// appointments can implement. It calls partners, and authenticates and decodes their webhooks.
package neutral
