package store

import (
	"github.com/aliquot-labs/aliquot/internal/bodytext"
	"github.com/aliquot-labs/aliquot/order"
)

// searchCode is the field of the keyed hashes of codes whose words are sealed.
const searchCode = "code"

// SealCode returns the form in which a code that may be free text is stored and compared (order.SealedCode). Its words
// stay in the sealed message or answer that they came with.
func (s *Store) SealCode(words string) string {
	return order.SealedCode(s.keys.SearchHash(searchCode, bodytext.CleanCode(words)))
}

// codeForms returns the forms that a code may have in the database: as it is, and sealed by each encryption key.
func (s *Store) codeForms(code string) []string {
	forms := []string{code}
	for _, hash := range s.keys.SearchHashes(searchCode, bodytext.CleanCode(code)) {
		forms = append(forms, order.SealedCode(hash))
	}
	return forms
}
