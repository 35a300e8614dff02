package order

import "strings"

// sealedPrefix begins the form of a code whose words are sealed. No code of a partner has this character.
const sealedPrefix = "~"

// sealedHashSize is how many characters of the keyed hash are in the form of a sealed code.
const sealedHashSize = 32

// SealedCode returns the form of a code that may be free text, such as an accession number with words in it: it can
// enter Temporal, logs and columns that are not encrypted. hash is the keyed hash of the words, in hexadecimal. Equal
// words have equal forms, so that a code can be compared and found without its words.
func SealedCode(hash string) string {
	return sealedPrefix + hash[:min(len(hash), sealedHashSize)]
}

// IsSealedCode reports whether a code is the form of one whose words are sealed.
func IsSealedCode(code string) bool { return strings.HasPrefix(code, sealedPrefix) }
