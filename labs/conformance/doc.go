// Package conformance is the conformance suite of lab partners: what an adapter has to do, whatever its partner's protocol, so that
// nothing that a partner says, or fails to say, can lose an order or let a patient's data out.
package conformance
