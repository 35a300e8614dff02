package store

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// keySize is AES-256's.
const keySize = 32

// Keyring seals and opens what the store encrypts (AES-256-GCM), and makes the keyed hashes by which names and dates are found.
// A sealed value begins with the id of its key, so that several keys can be in use.
type Keyring struct {
	current string
	seals   map[string]cipher.AEAD
	index   []byte
	sign    []byte
}

// NewKey makes the text form of a fresh key, "<id>:<base64 of 32 bytes>".
func NewKey(id string) (string, error) {
	raw := make([]byte, keySize)
	if _, err := rand.Read(raw); err != nil {
		return "", fmt.Errorf("making a key: %w", err)
	}
	return id + ":" + base64.StdEncoding.EncodeToString(raw), nil
}

// ParseKeyring reads comma-separated keys as NewKey writes them. The first seals; all open. The hash key and the signing key are
// derived from the last one, the oldest, so that hashes and signatures stay comparable when a key is added in front. So the last key
// stays even when nothing is sealed with it any more. Errors never quote a key.
func ParseKeyring(text string) (*Keyring, error) {
	k := &Keyring{seals: map[string]cipher.AEAD{}}
	for i, part := range strings.Split(text, ",") {
		id, encoded, ok := strings.Cut(strings.TrimSpace(part), ":")
		raw, err := base64.StdEncoding.DecodeString(encoded)
		if !ok || id == "" || len(id) > 255 || err != nil || len(raw) != keySize {
			return nil, fmt.Errorf("encryption key %d is not <id>:<base64 of %d bytes>", i+1, keySize)
		}
		block, err := aes.NewCipher(raw)
		if err != nil {
			return nil, fmt.Errorf("reading encryption key %s: %w", id, err)
		}
		if k.seals[id] != nil {
			return nil, fmt.Errorf("encryption key %s is given twice", id)
		}
		if k.seals[id], err = cipher.NewGCMWithRandomNonce(block); err != nil {
			return nil, fmt.Errorf("reading encryption key %s: %w", id, err)
		}
		if k.index, err = hkdf.Key(sha256.New, raw, nil, "aliquot search hashes", keySize); err != nil {
			return nil, fmt.Errorf("deriving the hash key: %w", err)
		}
		if k.sign, err = hkdf.Key(sha256.New, raw, nil, "aliquot signatures", keySize); err != nil {
			return nil, fmt.Errorf("deriving the signing key: %w", err)
		}
		if i == 0 {
			k.current = id
		}
	}
	return k, nil
}

// Seal encrypts plain for one place (a table and row, say "orders/<id>"), so that a sealed value moved elsewhere does not open.
func (k *Keyring) Seal(place string, plain []byte) []byte {
	out := make([]byte, 0, 1+len(k.current)+len(plain)+32)
	out = append(out, byte(len(k.current))) //nolint:gosec // at most 255, see ParseKeyring
	out = append(out, k.current...)
	return k.seals[k.current].Seal(out, nil, plain, []byte(place)) //nolint:gosec // the cipher makes a random nonce itself
}

// Open decrypts what Seal made for the same place. An empty value opens as nil.
func (k *Keyring) Open(place string, sealed []byte) ([]byte, error) {
	if len(sealed) == 0 {
		return nil, nil
	}
	n := int(sealed[0])
	if len(sealed) < 1+n {
		return nil, errors.New("opening a sealed value: it is cut short")
	}
	id := string(sealed[1 : 1+n])
	aead, ok := k.seals[id]
	if !ok {
		return nil, fmt.Errorf("opening a sealed value: no key %q", id)
	}
	plain, err := aead.Open(nil, nil, sealed[1+n:], []byte(place))
	if err != nil {
		return nil, fmt.Errorf("opening a sealed value with key %q: %w", id, err)
	}
	return plain, nil
}

// Hash is the keyed hash of a search term, in hex. The field keeps equal terms of different fields apart.
func (k *Keyring) Hash(field, term string) string {
	mac := hmac.New(sha256.New, k.index)
	mac.Write([]byte(field + "\x00" + term))
	return hex.EncodeToString(mac.Sum(nil))
}

func (k *Keyring) sealJSON(place string, v any) ([]byte, error) {
	plain, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encoding a document: %w", err)
	}
	return k.Seal(place, plain), nil
}

func (k *Keyring) openJSON(place string, sealed []byte, v any) error {
	plain, err := k.Open(place, sealed)
	if err != nil || plain == nil {
		return err
	}
	return decodeSealed(plain, v)
}

// decodeSealed keeps the cause to itself, because it may quote what was sealed.
func decodeSealed(plain []byte, v any) error {
	if json.Unmarshal(plain, v) != nil {
		return errors.New("decoding a sealed document: it does not have the expected form")
	}
	return nil
}
