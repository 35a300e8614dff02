// Package keyring seals and opens values, makes the keyed hashes by which sealed values are found, and signs texts. It
// does so with several encryption keys: the first one, the primary key, is used for what is new, and all are used for
// what exists. Encryption keys may be wrapped by a master key (KMS). The package knows no database.
package keyring

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

// keySize is the key size of AES-256 in bytes.
const keySize = 32

// Keyring seals and opens what the store encrypts (AES-256-GCM), makes search hashes of names and dates, and signs
// texts. A sealed value and a hash name the key that made them, so several keys can be in use.
type Keyring struct {
	encryptionKeys []encryptionKey // the first is the primary key
	byID           map[string]*encryptionKey
}

// encryptionKey is one key and what is derived from it.
type encryptionKey struct {
	id         string
	aead       cipher.AEAD
	hashKey    []byte // of search hashes
	signKey    []byte
	hashPrefix string // the first characters of its search hashes
}

// keyIDPattern matches the id of a key. In a list of keys, a colon follows the id.
var keyIDPattern = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// NewEncryptionKey returns the text form of a new random key, "<id>:<base64 of 32 bytes>".
func NewEncryptionKey(id string) (string, error) {
	if !keyIDPattern.MatchString(id) {
		return "", fmt.Errorf("the id %q of a key is not 1 to 64 letters, digits, points, hyphens and underscores", id)
	}
	raw := make([]byte, keySize)
	if _, err := rand.Read(raw); err != nil {
		return "", fmt.Errorf("generating an API key: %w", err)
	}
	return id + ":" + base64.StdEncoding.EncodeToString(raw), nil
}

// Parse parses comma-separated keys in the form of NewEncryptionKey. The first one is the primary key, which
// seals, hashes and signs; all keys open, find and verify. Errors never contain a key.
func Parse(text string) (*Keyring, error) {
	return Load(context.Background(), text, nil)
}

func (k *Keyring) add(id string, raw []byte) error {
	if k.byID[id] != nil {
		return fmt.Errorf("encryption key %s is given twice", id)
	}
	key := encryptionKey{id: id}
	block, err := aes.NewCipher(raw)
	if err != nil {
		return fmt.Errorf("reading encryption key %s: %w", id, err)
	}
	if key.aead, err = cipher.NewGCMWithRandomNonce(block); err != nil {
		return fmt.Errorf("reading encryption key %s: %w", id, err)
	}
	if key.hashKey, err = hkdf.Key(sha256.New, raw, nil, "aliquot search hashes", keySize); err != nil {
		return fmt.Errorf("deriving the hash key: %w", err)
	}
	if key.signKey, err = hkdf.Key(sha256.New, raw, nil, "aliquot signatures", keySize); err != nil {
		return fmt.Errorf("deriving the signing key: %w", err)
	}
	key.hashPrefix = hex.EncodeToString(hmacSHA256(key.hashKey, []byte("key\x00")))[:HashPrefixSize]
	k.encryptionKeys = append(k.encryptionKeys, key)
	k.byID[id] = &key
	return nil
}

// primary returns the primary key, the first one.
func (k *Keyring) primary() *encryptionKey { return &k.encryptionKeys[0] }

// KeyInfo says how to recognize the values and hashes that an encryption key has made.
type KeyInfo struct {
	ID           string
	SealedPrefix []byte // the first bytes of every value that the key has sealed
	HashPrefix   string // the first HashPrefixSize characters of every search hash of the key
}

// Keys describes the keys, the primary key first.
func (k *Keyring) Keys() []KeyInfo {
	keys := make([]KeyInfo, len(k.encryptionKeys))
	for i := range k.encryptionKeys {
		key := &k.encryptionKeys[i]
		keys[i] = KeyInfo{ID: key.id, SealedPrefix: key.sealedPrefix(), HashPrefix: key.hashPrefix}
	}
	return keys
}

// Seal encrypts plain for a seal context such as "orders/<id>". The value opens with the same seal context only, so it
// cannot be moved to another row.
func (k *Keyring) Seal(sealContext string, plain []byte) []byte {
	key := k.primary()
	out := append(make([]byte, 0, 1+len(key.id)+len(plain)+32), key.sealedPrefix()...)
	return key.aead.Seal(out, nil, plain, []byte(sealContext)) //nolint:gosec // the cipher makes a random nonce itself
}

// sealedPrefix is the beginning of every value that the key sealed: the length of its id, and the id.
func (key *encryptionKey) sealedPrefix() []byte {
	return append([]byte{byte(len(key.id))}, key.id...) //nolint:gosec // at most 255, see Load
}

// ErrNotOpened means that no key opens a value with its seal context.
var ErrNotOpened = errors.New("opening a sealed value")

// Open decrypts what Seal made with the same seal context. An empty value opens as nil.
func (k *Keyring) Open(sealContext string, sealed []byte) ([]byte, error) {
	if len(sealed) == 0 {
		return nil, nil
	}
	n := int(sealed[0])
	if len(sealed) < 1+n {
		return nil, fmt.Errorf("%w: it is cut short", ErrNotOpened)
	}
	id := string(sealed[1 : 1+n])
	key := k.byID[id]
	if key == nil {
		return nil, fmt.Errorf("%w: no key %q", ErrNotOpened, id)
	}
	plain, err := key.aead.Open(nil, nil, sealed[1+n:], []byte(sealContext))
	if err != nil {
		return nil, fmt.Errorf("%w with key %q: %w", ErrNotOpened, id, err)
	}
	return plain, nil
}

// HashPrefixSize is the number of characters of a search hash that name the key that made it.
const HashPrefixSize = 8

// SearchHash returns the keyed hash of a search term, in hex, by the primary key. Equal terms of different fields have
// different hashes.
func (k *Keyring) SearchHash(field, term string) string { return k.primary().searchHash(field, term) }

// SearchHashes returns the hashes of a term by each key. A search looks for all of them, because rows may have been
// written with an older key.
func (k *Keyring) SearchHashes(field, term string) []string {
	hashes := make([]string, len(k.encryptionKeys))
	for i := range k.encryptionKeys {
		hashes[i] = k.encryptionKeys[i].searchHash(field, term)
	}
	return hashes
}

func (key *encryptionKey) searchHash(field, term string) string {
	return key.hashPrefix + hex.EncodeToString(hmacSHA256(key.hashKey, []byte(field+"\x00"+term)))
}

func hmacSHA256(key []byte, parts ...[]byte) []byte {
	mac := hmac.New(sha256.New, key)
	for _, part := range parts {
		mac.Write(part)
	}
	return mac.Sum(nil)
}

// SealJSON seals the JSON of a value, bound to its seal context.
func (k *Keyring) SealJSON(sealContext string, v any) ([]byte, error) {
	plain, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encoding a document: %w", err)
	}
	return k.Seal(sealContext, plain), nil
}

// OpenJSON opens what SealJSON sealed and decodes it into v. Nothing sealed leaves v as it is.
func (k *Keyring) OpenJSON(sealContext string, sealed []byte, v any) error {
	plain, err := k.Open(sealContext, sealed)
	if err != nil || plain == nil {
		return err
	}
	return DecodeOpened(plain, v)
}

// DecodeOpened decodes the JSON of an opened value. Its error does not wrap the cause, because the cause may quote what
// was sealed.
func DecodeOpened(plain []byte, v any) error {
	if json.Unmarshal(plain, v) != nil {
		return errors.New("decoding a sealed document: it does not have the expected form")
	}
	return nil
}
