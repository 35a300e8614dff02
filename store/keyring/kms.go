package keyring

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

// KMS wraps and unwraps encryption keys, so that they are not stored in clear. A key management service implements it
// with a key that never leaves the service, LocalKMS with a key from a file. The id is that of the wrapped key and is
// authenticated with it.
type KMS interface {
	Wrap(ctx context.Context, id string, key []byte) ([]byte, error)
	Unwrap(ctx context.Context, id string, wrapped []byte) ([]byte, error)
}

// LocalKMS wraps encryption keys with master keys.
type LocalKMS struct{ keys *Keyring }

// NewLocalKMS parses master keys in the form of Parse: The first one wraps; all unwrap.
func NewLocalKMS(text string) (*LocalKMS, error) {
	keys, err := Parse(text)
	if err != nil {
		return nil, fmt.Errorf("reading the master key: %w", err)
	}
	return &LocalKMS{keys: keys}, nil
}

// wrapContext returns the seal context of a wrapped key.
func wrapContext(id string) string { return "keys/" + id + "/key" }

// Wrap implements KMS.
func (l *LocalKMS) Wrap(_ context.Context, id string, key []byte) ([]byte, error) {
	return l.keys.Seal(wrapContext(id), key), nil
}

// Unwrap implements KMS.
func (l *LocalKMS) Unwrap(_ context.Context, id string, wrapped []byte) ([]byte, error) {
	return l.keys.Open(wrapContext(id), wrapped)
}

// wrappedPrefix precedes the base64 of a wrapped key.
const wrappedPrefix = "wrapped:"

// WrapEncryptionKey wraps a key in the form of NewEncryptionKey and returns "<id>:wrapped:<base64>", which only the KMS
// can unwrap.
func WrapEncryptionKey(ctx context.Context, kms KMS, text string) (string, error) {
	id, raw, err := parseKey(ctx, text, nil)
	if err != nil {
		return "", err
	}
	wrapped, err := kms.Wrap(ctx, id, raw)
	if err != nil {
		return "", fmt.Errorf("wrapping encryption key %s: %w", id, err)
	}
	return id + ":" + wrappedPrefix + base64.StdEncoding.EncodeToString(wrapped), nil
}

// Load is Parse for keys of which some or all are wrapped by the KMS. A nil KMS allows no wrapped keys.
// Each key is unwrapped once, at this call.
func Load(ctx context.Context, text string, kms KMS) (*Keyring, error) {
	k := &Keyring{byID: map[string]*encryptionKey{}}
	for i, part := range strings.Split(text, ",") {
		id, raw, err := parseKey(ctx, strings.TrimSpace(part), kms)
		if errors.Is(err, errMalformedKey) {
			return nil, fmt.Errorf("encryption key %d is not <id>:<base64 of %d bytes>, nor <id>:%s<base64>", i+1, keySize,
				wrappedPrefix)
		}
		if err != nil {
			return nil, err
		}
		if err := k.add(id, raw); err != nil {
			return nil, err
		}
	}
	return k, nil
}

var errMalformedKey = errors.New("not the form of a key")

func parseKey(ctx context.Context, text string, kms KMS) (id string, raw []byte, err error) {
	id, encoded, ok := strings.Cut(text, ":")
	encoded, wrapped := strings.CutPrefix(encoded, wrappedPrefix)
	raw, err = base64.StdEncoding.DecodeString(encoded)
	if !ok || id == "" || len(id) > 255 || err != nil {
		return "", nil, errMalformedKey
	}
	if wrapped {
		if kms == nil {
			return "", nil, fmt.Errorf("encryption key %s is wrapped, and there is no master key to unwrap it with", id)
		}
		if raw, err = kms.Unwrap(ctx, id, raw); err != nil {
			return "", nil, fmt.Errorf("unwrapping encryption key %s: %w", id, err)
		}
	}
	if len(raw) != keySize {
		return "", nil, errMalformedKey
	}
	return id, raw, nil
}
