// Package molecular speaks to Molecular Testing Labs (MTL): it places orders and fetches results through MTL's HTTP calls, and
// reads and authenticates the webhooks that MTL sends. What is known of MTL's protocol, and what was decided where
// it is silent, is in docs/spec/molecular-api.md#9-our-decisions-where-mtl-is-silent-receiving and what follows there.
//
// MTL has confirmed one call to us, PlaceOrder. Every other is made only where the account's settings name its path, and answers
// labs.ErrNotSupported otherwise (molecular-api#d34); nothing in this package knows a path to guess. The simulated lab
// speaks the same protocol.
package molecular
