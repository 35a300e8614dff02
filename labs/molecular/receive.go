package molecular

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net/http"
)

var (
	// ErrNoCredentials means that no account has credentials to compare with: nobody can be let in, and the webhook endpoint is
	// not in service (D14).
	ErrNoCredentials = errors.New("no webhook credentials are configured")
	// ErrBadCredentials means that the request has none or wrong ones (D3).
	ErrBadCredentials = errors.New("webhook credentials are missing or wrong")
)

// Credentials are a pair that MTL may present for an account. While a pair is being changed, an account has two.
type Credentials struct {
	AccountID   string
	User, Token string // the account's own at MTL, which presents them as Basic user name and password
}

// Authenticate finds the account whose credentials a webhook presents. It compares both parts with all pairs in constant time, so
// that the time it takes tells nothing about any of them. A pair with an empty part counts as not configured. The error is
// ErrNoCredentials or ErrBadCredentials.
func Authenticate(r *http.Request, pairs []Credentials) (accountID string, err error) {
	user, token, given := r.BasicAuth()
	configured, matched := false, false
	for _, pair := range pairs {
		if pair.User == "" || pair.Token == "" {
			continue
		}
		configured = true
		same := equal(user, pair.User) & equal(token, pair.Token)
		if same == 1 && !matched {
			accountID, matched = pair.AccountID, true
		}
	}
	if !configured {
		return "", ErrNoCredentials
	}
	if !given || !matched {
		return "", ErrBadCredentials
	}
	return accountID, nil
}

// equal compares digests, so that not even the lengths show.
func equal(given, want string) int {
	a, b := sha256.Sum256([]byte(given)), sha256.Sum256([]byte(want))
	return subtle.ConstantTimeCompare(a[:], b[:])
}
