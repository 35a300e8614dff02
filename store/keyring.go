package store

import (
	"context"
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
	"regexp"
)

// keySize is AES-256's.
const keySize = 32

// Keyring seals and opens what the store encrypts (AES-256-GCM), makes the keyed hashes by which names and dates are found, and signs
// texts. A sealed value and a hash say which key made them, so that several keys can be in use.
type Keyring struct {
	keys []ringKey // the first makes, all recognise
	byID map[string]*ringKey
}

// ringKey is one key and what is derived from it.
type ringKey struct {
	id    string
	seal  cipher.AEAD
	index []byte // of search hashes
	sign  []byte
	mark  string // with which its search hashes begin
}

// keyID is what the ids of keys look like: they stand in a list, before a colon.
var keyID = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// NewKey makes the text form of a fresh key, "<id>:<base64 of 32 bytes>".
func NewKey(id string) (string, error) {
	if !keyID.MatchString(id) {
		return "", fmt.Errorf("the id %q of a key is not 1 to 64 letters, digits, points, hyphens and underscores", id)
	}
	raw := make([]byte, keySize)
	if _, err := rand.Read(raw); err != nil {
		return "", fmt.Errorf("making a key: %w", err)
	}
	return id + ":" + base64.StdEncoding.EncodeToString(raw), nil
}

// ParseKeyring reads comma-separated keys as NewKey writes them. The first seals, hashes and signs; all open, find and verify.
// Errors never quote a key.
func ParseKeyring(text string) (*Keyring, error) {
	return OpenKeyring(context.Background(), text, nil)
}

func (k *Keyring) add(id string, raw []byte) error {
	if k.byID[id] != nil {
		return fmt.Errorf("encryption key %s is given twice", id)
	}
	key := ringKey{id: id}
	block, err := aes.NewCipher(raw)
	if err != nil {
		return fmt.Errorf("reading encryption key %s: %w", id, err)
	}
	if key.seal, err = cipher.NewGCMWithRandomNonce(block); err != nil {
		return fmt.Errorf("reading encryption key %s: %w", id, err)
	}
	if key.index, err = hkdf.Key(sha256.New, raw, nil, "aliquot search hashes", keySize); err != nil {
		return fmt.Errorf("deriving the hash key: %w", err)
	}
	if key.sign, err = hkdf.Key(sha256.New, raw, nil, "aliquot signatures", keySize); err != nil {
		return fmt.Errorf("deriving the signing key: %w", err)
	}
	key.mark = hex.EncodeToString(authenticate(key.index, []byte("key\x00")))[:markSize]
	k.keys = append(k.keys, key)
	k.byID[id] = &key
	return nil
}

// current is the key in front.
func (k *Keyring) current() *ringKey { return &k.keys[0] }

// Seal encrypts plain for one place (a table and row, say "orders/<id>"), so that a sealed value moved elsewhere does not open.
func (k *Keyring) Seal(place string, plain []byte) []byte {
	key := k.current()
	out := append(make([]byte, 0, 1+len(key.id)+len(plain)+32), key.prefix()...)
	return key.seal.Seal(out, nil, plain, []byte(place)) //nolint:gosec // the cipher makes a random nonce itself
}

// prefix is what every value that the key sealed begins with: the length of its id, and the id.
func (key *ringKey) prefix() []byte {
	return append([]byte{byte(len(key.id))}, key.id...) //nolint:gosec // at most 255, see OpenKeyring
}

// errUnopened says that no key opens a value, or not in its place.
var errUnopened = errors.New("opening a sealed value")

// Open decrypts what Seal made for the same place. An empty value opens as nil.
func (k *Keyring) Open(place string, sealed []byte) ([]byte, error) {
	if len(sealed) == 0 {
		return nil, nil
	}
	n := int(sealed[0])
	if len(sealed) < 1+n {
		return nil, fmt.Errorf("%w: it is cut short", errUnopened)
	}
	id := string(sealed[1 : 1+n])
	key := k.byID[id]
	if key == nil {
		return nil, fmt.Errorf("%w: no key %q", errUnopened, id)
	}
	plain, err := key.seal.Open(nil, nil, sealed[1+n:], []byte(place))
	if err != nil {
		return nil, fmt.Errorf("%w with key %q: %w", errUnopened, id, err)
	}
	return plain, nil
}

// markSize is how many characters of a hash say which key made it.
const markSize = 8

// Hash is the keyed hash of a search term, in hex, as it is written. The field keeps equal terms of different fields apart.
func (k *Keyring) Hash(field, term string) string { return k.current().hash(field, term) }

// Hashes are what a search looks for: the hash of the term by each key, for what was written before a key was changed.
func (k *Keyring) Hashes(field, term string) []string {
	hashes := make([]string, len(k.keys))
	for i := range k.keys {
		hashes[i] = k.keys[i].hash(field, term)
	}
	return hashes
}

func (key *ringKey) hash(field, term string) string {
	return key.mark + hex.EncodeToString(authenticate(key.index, []byte(field+"\x00"+term)))
}

func authenticate(key []byte, parts ...[]byte) []byte {
	mac := hmac.New(sha256.New, key)
	for _, part := range parts {
		mac.Write(part)
	}
	return mac.Sum(nil)
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
