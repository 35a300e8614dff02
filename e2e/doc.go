// Package e2e holds the end-to-end tests: a real Temporal server, real databases, the real API and workers, a simulated lab that
// speaks the lab's protocol over HTTP, and a receiver that verifies every webhook. Nothing in it is faked but the partners.
package e2e
