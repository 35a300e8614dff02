package webhooks

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

const (
	secretPrefix   = "whsec_"
	newSecretBytes = 32

	// The range that the Standard Webhooks specification allows.
	minSecretBytes = 24
	maxSecretBytes = 64
)

// SecretOverlap is the time after a rotation in which messages are signed with the previous secret too, so that
// receivers can switch to the new one.
const SecretOverlap = 24 * time.Hour

// ErrInvalidSecret is the error for a text that is not a signing secret.
var ErrInvalidSecret = errors.New("webhooks: a secret is whsec_ and the base64 of 24 to 64 bytes")

// NewSecret returns a new signing secret for an endpoint: whsec_ and 32 random bytes in base64.
func NewSecret() (string, error) {
	key := make([]byte, newSecretBytes)
	if _, err := rand.Read(key); err != nil {
		return "", fmt.Errorf("generating webhook secret: %w", err)
	}
	return secretPrefix + base64.StdEncoding.EncodeToString(key), nil
}

// ParseSecret returns the signing key of a secret, which NewSecret generated or a client supplied. The error is
// ErrInvalidSecret.
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

// The signing headers of client-api#signing-headers. The headers of the Standard Webhooks specification are sent too,
// with the same values: the SDKs of the client API read the first set, other verifiers read the second.
const (
	headerSvixID        = "svix-id"
	headerSvixTimestamp = "svix-timestamp"
	headerSvixSignature = "svix-signature"
)

// Sign returns the headers by which a receiver verifies the origin and the time of a body. The id is that of the
// webhook message and the same in every attempt; at is the time of the attempt, sent in seconds. There is one
// signature for each secret. It is an error when the id is empty, or when there is no secret or an invalid one
// (ErrInvalidSecret).
func Sign(id string, at time.Time, body []byte, secrets ...string) (http.Header, error) {
	if id == "" || len(secrets) == 0 {
		return nil, errors.New("signing webhook: no message id or no secret")
	}
	signatures := make([]string, 0, len(secrets))
	for _, secret := range secrets {
		signature, err := signWith(secret, id, at, body)
		if err != nil {
			return nil, fmt.Errorf("signing webhook: %w", err)
		}
		signatures = append(signatures, signature)
	}
	timestamp, list := strconv.FormatInt(at.Unix(), 10), strings.Join(signatures, " ")
	h := make(http.Header, 6)
	h.Set(headerSvixID, id)
	h.Set(headerSvixTimestamp, timestamp)
	h.Set(headerSvixSignature, list)
	h.Set(standardwebhooks.HeaderWebhookID, id)
	h.Set(standardwebhooks.HeaderWebhookTimestamp, timestamp)
	h.Set(standardwebhooks.HeaderWebhookSignature, list)
	return h, nil
}

func signWith(secret, id string, at time.Time, body []byte) (string, error) {
	key, err := ParseSecret(secret)
	if err != nil {
		return "", err
	}
	signer, err := standardwebhooks.NewWebhookRaw(key)
	if err != nil {
		return "", err
	}
	return signer.Sign(id, at, body)
}
