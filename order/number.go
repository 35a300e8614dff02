package order

import (
	"crypto/rand"
	"encoding/base32"
)

// crockford is Crockford's base32 alphabet: no I, L, O or U, so a number can be read aloud and typed again.
var crockford = base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ").WithPadding(base32.NoPadding)

// NewNumber makes an order number for the lab: 16 characters, 80 random bits (molecular-api#d20). It is the one thing
// here that is not pure, and never called from workflow code.
func NewNumber() string {
	raw := make([]byte, 10)
	rand.Read(raw) // which never fails
	return crockford.EncodeToString(raw)
}
