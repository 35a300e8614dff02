// Package molecular is the adapter for Molecular Testing Labs (MTL): it places orders and fetches results through MTL's
// HTTP calls, and authenticates and decodes MTL's webhooks. MTL's protocol, and our decisions where MTL's documents are
// silent, are in docs/spec/molecular-api.md#9-our-decisions-where-mtl-is-silent-receiving and the sections after it.
//
// MTL has confirmed one call, PlaceOrder. Any other call is made only if the account's settings name its path, and
// returns labs.ErrNotSupported otherwise (molecular-api#d34). The package contains no guessed paths. The simulated lab
// has the same protocol.
package molecular
