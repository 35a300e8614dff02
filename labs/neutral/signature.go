package neutral

import (
	"crypto/hmac"
	"encoding/base64"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/aliquot-labs/aliquot/labs"
	"github.com/aliquot-labs/aliquot/labs/partnerhttp"
)

const (
	headerID        = standardwebhooks.HeaderWebhookID
	headerTimestamp = standardwebhooks.HeaderWebhookTimestamp
	headerSignature = standardwebhooks.HeaderWebhookSignature
	headerAccount   = "x-account"

	secretPrefix = "whsec_"
	minKeyBytes  = 24 // minKeyBytes and maxKeyBytes are the limits of the Standard Webhooks specification.
	maxKeyBytes  = 64

	// tolerance is the greatest allowed difference between a webhook's timestamp and our clock.
	tolerance = 5 * time.Minute
)

var errBadSecret = errors.New("token is not whsec_ and the base64 of 24 to 64 bytes")

func parseSecret(secret string) ([]byte, error) {
	encoded, ok := strings.CutPrefix(secret, secretPrefix)
	key, err := base64.StdEncoding.Strict().DecodeString(encoded)
	if !ok || err != nil || len(key) < minKeyBytes || len(key) > maxKeyBytes || strings.ContainsAny(encoded, "\r\n") {
		return nil, errBadSecret
	}
	return key, nil
}

func computeSignature(key []byte, id string, at time.Time, body []byte) (string, error) {
	w, err := standardwebhooks.NewWebhookRaw(key)
	if err != nil {
		return "", err
	}
	return w.Sign(id, at, body)
}

// newSigner returns a function that signs the calls of an account. Each call gets its own message id. now is the clock;
// nil: time.Now.
func newSigner(a labs.Account, now func() time.Time) (partnerhttp.AuthorizeRequest, error) {
	key, err := parseSecret(a.Token)
	if err != nil {
		return nil, err
	}
	if now == nil {
		now = time.Now
	}
	return func(r *http.Request, body []byte) error {
		id, at := uuid.NewString(), now()
		signature, err := computeSignature(key, id, at, body)
		if err != nil {
			return err
		}
		r.Header.Set(headerID, id)
		r.Header.Set(headerTimestamp, strconv.FormatInt(at.Unix(), 10))
		r.Header.Set(headerSignature, signature)
		r.Header.Set(headerAccount, a.User)
		return nil
	}, nil
}

// Authenticate lists the accounts whose secrets signed a webhook. If the x-account header is set, only the account that
// it names counts. Signatures are compared in constant time. A secret that cannot be parsed counts as not configured.
func Authenticate(r *http.Request, body []byte, secrets []labs.Credentials, now time.Time) ([]string, error) {
	id, signatures, account := r.Header.Get(headerID), strings.Fields(r.Header.Get(headerSignature)),
		r.Header.Get(headerAccount)
	at, fresh := parseTimestamp(r.Header.Get(headerTimestamp), now)
	configured := false
	var accounts []string
	for _, c := range secrets {
		key, err := parseSecret(c.Token)
		if err != nil {
			continue
		}
		configured = true
		if account != "" && account != c.User {
			continue
		}
		if isSigned(signatures, key, id, at, body) && !slices.Contains(accounts, c.AccountID) {
			accounts = append(accounts, c.AccountID)
		}
	}
	if !configured {
		return nil, labs.ErrNoCredentials
	}
	if id == "" || !fresh || len(accounts) == 0 {
		return nil, labs.ErrWrongCredentials
	}
	return accounts, nil
}

// parseTimestamp parses a timestamp and reports whether it differs from now by at most five minutes.
func parseTimestamp(header string, now time.Time) (at time.Time, fresh bool) {
	seconds, err := strconv.ParseInt(header, 10, 64)
	if err != nil || strconv.FormatInt(seconds, 10) != header {
		return time.Time{}, false
	}
	at = time.Unix(seconds, 0)
	return at, !at.Before(now.Add(-tolerance)) && !at.After(now.Add(tolerance))
}

func isSigned(signatures []string, key []byte, id string, at time.Time, body []byte) bool {
	want, err := computeSignature(key, id, at, body)
	if err != nil {
		return false
	}
	found := false
	for _, given := range signatures {
		if hmac.Equal([]byte(given), []byte(want)) {
			found = true
		}
	}
	return found
}
