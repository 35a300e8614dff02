package store

import (
	"crypto/hmac"
	"encoding/base64"
	"errors"
	"strings"
)

// ErrBadSignature means that Sign did not make the text for this purpose.
var ErrBadSignature = errors.New("the signature is missing or wrong")

// Sign returns a text that carries data which its reader must not change: base64 of the data and of its HMAC-SHA256.
// The purpose names what the text is for and to whom it belongs. It is signed too and is not part of the text.
func (s *Store) Sign(purpose string, data []byte) string { return s.keys.Sign(purpose, data) }

// Verify returns the data of a text that Sign made for the same purpose. Otherwise the error is ErrBadSignature.
func (s *Store) Verify(purpose, signed string) ([]byte, error) { return s.keys.Verify(purpose, signed) }

// strictBase64 accepts one encoding of each value only, so that a signed text has one form.
var strictBase64 = base64.RawURLEncoding.Strict()

// Sign signs with the primary key; see Store.Sign.
func (k *Keyring) Sign(purpose string, data []byte) string {
	return strictBase64.EncodeToString(data) + "." + strictBase64.EncodeToString(k.primary().signature(purpose, data))
}

// Verify accepts a signature by any key; see Store.Verify.
func (k *Keyring) Verify(purpose, signed string) ([]byte, error) {
	encoded, signature, _ := strings.Cut(signed, ".")
	data, err := strictBase64.DecodeString(encoded)
	if err != nil {
		return nil, ErrBadSignature
	}
	given, err := strictBase64.DecodeString(signature)
	if err != nil {
		return nil, ErrBadSignature
	}
	for i := range k.encryptionKeys {
		if hmac.Equal(given, k.encryptionKeys[i].signature(purpose, data)) {
			return data, nil
		}
	}
	return nil, ErrBadSignature
}

func (key *encryptionKey) signature(purpose string, data []byte) []byte {
	return hmacSHA256(key.signKey, []byte(purpose+"\x00"), data)
}
