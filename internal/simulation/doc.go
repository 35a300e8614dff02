// Package simulation plans how an order of a sandbox team gets to a status that its client wants to see: who asks for
// what, and which statuses the simulated partners report, one after the other along the edges of the lifecycle. It is
// pure; the API carries the plan out.
package simulation
