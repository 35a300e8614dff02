// Package simulation plans how an order of a sandbox team gets from where it is to a status that its client wants to see: who asks
// for what, and what the simulated partners report, one status after the other as the lifecycle has them. It is pure; the API
// carries the plan out.
package simulation
