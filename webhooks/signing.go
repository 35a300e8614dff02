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

// The signing headers of client-api#signing-headers, beside their names in the Standard Webhooks
// specification. Both sets are sent: the vendor's SDKs read the first, other verifiers the second.
const (
	headerSvixID        = "svix-id"
	headerSvixTimestamp = "svix-timestamp"
	headerSvixSignature = "svix-signature"
)

// Sign gives the headers that prove a body's origin and time. The id is the message's, the same in
// every attempt; the time is the attempt's. While a secret is being rotated there are several, and
// one signature for each. It is an error to have no id, no secret, or one that is not a secret.
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
