package easypost

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// SignatureHeader carries EasyPost's signature of a webhook body.
const SignatureHeader = "X-Hmac-Signature"

const signaturePrefix = "hmac-sha256-hex="

// Errors of Verify.
var (
	// ErrNoSecret says that no webhook secret is configured, so nothing can be accepted.
	ErrNoSecret = errors.New("easypost: no webhook secret")
	// ErrSignature says that the signature is missing, malformed or made with another secret.
	ErrSignature = errors.New("easypost: wrong signature")
)

// VerifySignature checks the value of SignatureHeader against the raw body. Several secrets are accepted
// while one is being rotated. The error is ErrNoSecret or ErrSignature.
func VerifySignature(secrets []string, header string, body []byte) error {
	given, err := hex.DecodeString(strings.TrimPrefix(header, signaturePrefix))
	if err != nil || !strings.HasPrefix(header, signaturePrefix) {
		given = nil
	}
	configured, matched := false, false
	for _, secret := range secrets {
		if secret == "" { // anybody can sign with nothing
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

// computeSignature computes EasyPost's signature. It keys with the secret in Unicode form NFKD.
func computeSignature(secret string, body []byte) []byte {
	mac := hmac.New(sha256.New, norm.NFKD.Bytes([]byte(secret)))
	mac.Write(body)
	return mac.Sum(nil)
}
