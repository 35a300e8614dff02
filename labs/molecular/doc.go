// Package molecular speaks to Molecular Testing Labs (MTL): it places orders and fetches results through MTL's HTTP calls, and
// reads and authenticates the webhooks that MTL sends. D-numbers in comments are the decisions of the Molecular contract.
//
// MTL has confirmed one call to us, PlaceOrder. Every other is made only where the account's settings name its path, and answers
// labs.ErrNotSupported otherwise (D34); nothing in this package knows a path to guess. The simulated lab speaks the same protocol.
package molecular
