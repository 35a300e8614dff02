package store

import (
	"crypto/hmac"
	"encoding/base64"
	"errors"
	"strings"
)

// ErrBadSignature says that a text is none that Sign made for the purpose.
var ErrBadSignature = errors.New("the signature is missing or wrong")

// Sign makes a text that carries data to somebody who may read it and must not change it: base64 of the data and of its
// HMAC-SHA256. The purpose, which names what the text is for and whose it is, is signed along and not carried.
func (s *Store) Sign(purpose string, data []byte) string { return s.keys.Sign(purpose, data) }

// Verify gives out the data of a text that Sign made for the same purpose; otherwise the error is ErrSignature.
func (s *Store) Verify(purpose, signed string) ([]byte, error) { return s.keys.Verify(purpose, signed) }

// strictBase64 has one form per value, so that a signed text cannot be written in another way.
var strictBase64 = base64.RawURLEncoding.Strict()

// Sign is that of a store with these keys.
func (k *Keyring) Sign(purpose string, data []byte) string {
	return strictBase64.EncodeToString(data) + "." + strictBase64.EncodeToString(k.primary().signature(purpose, data))
}

// Verify is that of a store with these keys: any of them may have signed.
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
