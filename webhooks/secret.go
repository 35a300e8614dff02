package webhooks

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"
)

const (
	secretPrefix   = "whsec_"
	newSecretBytes = 32
	minSecretBytes = 24 // the range that the Standard Webhooks specification allows
	maxSecretBytes = 64
)

// SecretOverlap is how long the secret before a rotation signs too, so that receivers can change over.
const SecretOverlap = 24 * time.Hour

// ErrInvalidSecret says that a text is not a signing secret.
var ErrInvalidSecret = errors.New("webhooks: a secret is whsec_ and the base64 of 24 to 64 bytes")

// NewSecret makes a signing secret for an endpoint: whsec_ and the base64 of 32 random bytes.
func NewSecret() (string, error) {
	key := make([]byte, newSecretBytes)
	if _, err := rand.Read(key); err != nil {
		return "", fmt.Errorf("making webhook secret: %w", err)
	}
	return secretPrefix + base64.StdEncoding.EncodeToString(key), nil
}

// ParseSecret gives the key that a secret holds, made by NewSecret or brought by a client. The
// error is ErrSecret.
func ParseSecret(secret string) ([]byte, error) {
	encoded, ok := strings.CutPrefix(secret, secretPrefix)
	if !ok {
		return nil, ErrInvalidSecret
	}
	key, err := base64.StdEncoding.Strict().DecodeString(encoded)
	if err != nil || len(key) < minSecretBytes || len(key) > maxSecretBytes || strings.ContainsAny(encoded, "\r\n") {
		return nil, ErrInvalidSecret
	}
	return key, nil
}
