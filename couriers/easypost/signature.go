package easypost

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// SignatureHeader has EasyPost's signature of a webhook body.
const SignatureHeader = "X-Hmac-Signature"

const signaturePrefix = "hmac-sha256-hex="

// Errors of VerifySignature.
var (
	// ErrNoSecret says that no webhook secret is configured, so no signature can be verified.
	ErrNoSecret = errors.New("easypost: no webhook secret")
	// ErrSignature says that the signature is missing, malformed or made with another secret.
	ErrSignature = errors.New("easypost: wrong signature")
)

// VerifySignature checks the value of SignatureHeader against the raw body. It accepts several secrets, for the time in
// which one is rotated. The error is ErrNoSecret or ErrSignature.
func VerifySignature(secrets []string, header string, body []byte) error {
	given, err := hex.DecodeString(strings.TrimPrefix(header, signaturePrefix))
	if err != nil || !strings.HasPrefix(header, signaturePrefix) {
		given = nil
	}
	configured, matched := false, false
	for _, secret := range secrets {
		if secret == "" { // anybody could sign with an empty secret
			continue
		}
		configured = true
		if hmac.Equal(given, computeSignature(secret, body)) {
			matched = true
		}
	}
	if !configured {
		return ErrNoSecret
	}
	if !matched {
		return ErrSignature
	}
	return nil
}

// computeSignature computes EasyPost's signature. Its key is the secret in Unicode form NFKD.
func computeSignature(secret string, body []byte) []byte {
	mac := hmac.New(sha256.New, norm.NFKD.Bytes([]byte(secret)))
	mac.Write(body)
	return mac.Sum(nil)
}
