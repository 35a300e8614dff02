package simlab

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// The headers of calls and webhooks of the neutral protocol (docs/partners.md; Standard Webhooks).
const (
	headerID        = "webhook-id"
	headerTimestamp = "webhook-timestamp"
	headerSignature = "webhook-signature"
	headerAccount   = "x-account"
)

const (
	secretPrefix    = "whsec_"
	signatureScheme = "v1,"
	minKey, maxKey  = 24, 64 // bytes (Standard Webhooks)
	// clockTolerance is the greatest difference between a signature's time and the clock.
	clockTolerance = 5 * time.Minute
)

// parseSecrets decodes secrets of the form whsec_<base64>. Its error does not contain a secret.
func parseSecrets(secrets []string) ([][]byte, error) {
	keys := make([][]byte, len(secrets))
	for i, secret := range secrets {
		encoded, ok := strings.CutPrefix(secret, secretPrefix)
		key, err := base64.StdEncoding.DecodeString(encoded)
		if !ok || err != nil || len(key) < minKey || len(key) > maxKey {
			return nil, errors.New("NeutralSecrets must be whsec_ and the base64 of 24 to 64 bytes")
		}
		keys[i] = key
	}
	return keys, nil
}

// signWebhook signs a message with every key, because during a rotation the receiver may have either secret.
func signWebhook(h http.Header, keys [][]byte, id string, at time.Time, body []byte) {
	stamp := strconv.FormatInt(at.Unix(), 10)
	signatures := make([]string, len(keys))
	for i, key := range keys {
		signatures[i] = signatureScheme + base64.StdEncoding.EncodeToString(webhookMAC(key, id, stamp, body))
	}
	h.Set(headerID, id)
	h.Set(headerTimestamp, stamp)
	h.Set(headerSignature, strings.Join(signatures, " "))
}

// verifyWebhook reports whether the message has a valid signature by one of the keys, at most five minutes old.
func verifyWebhook(h http.Header, keys [][]byte, now time.Time, body []byte) bool {
	id, stamp := h.Get(headerID), h.Get(headerTimestamp)
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if id == "" || err != nil || now.Sub(time.Unix(seconds, 0)).Abs() > clockTolerance {
		return false
	}
	valid := false
	for _, entry := range strings.Fields(h.Get(headerSignature)) {
		encoded, ok := strings.CutPrefix(entry, signatureScheme)
		signature, err := base64.StdEncoding.DecodeString(encoded)
		if !ok || err != nil {
			continue
		}
		for _, key := range keys {
			valid = hmac.Equal(signature, webhookMAC(key, id, stamp, body)) || valid
		}
	}
	return valid
}

func webhookMAC(key []byte, id, stamp string, body []byte) []byte {
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s.%s.", id, stamp)
	mac.Write(body)
	return mac.Sum(nil)
}
