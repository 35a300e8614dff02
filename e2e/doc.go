// Package e2e holds the end-to-end tests. They use a real Temporal server, real databases, the real API and workers, a
// simulated lab that speaks the lab's protocol over HTTP, and a receiver that verifies every webhook. Only the partners
// are simulated.
package e2e
