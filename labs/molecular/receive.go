package molecular

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"slices"
	"time"

	"github.com/aliquot-labs/aliquot/labs"
)

// Authenticate lists the accounts whose credentials a webhook presents: MTL presents those that we show it, as Basic user name and
// password. It compares both parts with all pairs in constant time, so that the time it takes tells nothing about any of them. A
// pair with an empty part counts as not configured (molecular-api#d3, molecular-api#d14).
func Authenticate(r *http.Request, _ []byte, pairs []labs.Credentials, _ time.Time) ([]string, error) {
	user, token, given := r.BasicAuth()
	configured := false
	var accounts []string
	for _, pair := range pairs {
		if pair.User == "" || pair.Token == "" {
			continue
		}
		configured = true
		same := equalDigest(user, pair.User) & equalDigest(token, pair.Token)
		if same == 1 && !slices.Contains(accounts, pair.AccountID) {
			accounts = append(accounts, pair.AccountID)
		}
	}
	if !configured {
		return nil, labs.ErrNoCredentials
	}
	if !given || len(accounts) == 0 {
		return nil, labs.ErrWrongCredentials
	}
	return accounts, nil
}

// equalDigest compares digests, so that not even the lengths show.
func equalDigest(given, want string) int {
	a, b := sha256.Sum256([]byte(given)), sha256.Sum256([]byte(want))
	return subtle.ConstantTimeCompare(a[:], b[:])
}
