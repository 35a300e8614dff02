package keyring

import (
	"crypto/hmac"
	"encoding/base64"
	"errors"
	"strings"
)

// ErrBadSignature means that Sign did not make the text for this purpose.
var ErrBadSignature = errors.New("the signature is missing or wrong")

// strictBase64 accepts one encoding of each value only, so that a signed text has one form.
var strictBase64 = base64.RawURLEncoding.Strict()

// Sign makes a text that carries data to somebody who may read it and must not change it: base64 of the data and of
// its HMAC-SHA256 by the primary key. The purpose names what the text is for and whose it is. It is signed, but not
// carried.
func (k *Keyring) Sign(purpose string, data []byte) string {
	return strictBase64.EncodeToString(data) + "." + strictBase64.EncodeToString(k.primary().signature(purpose, data))
}

// Verify returns the data of a text that Sign made for the same purpose, with any key of the keyring. For any other
// text the error is ErrBadSignature.
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
