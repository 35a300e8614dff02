package settings

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"

	"golang.org/x/net/http/httpguts"
)

// renewed reads something that is renewed on disk while the process runs. It returns the last good value if the new one
// cannot be read.
type renewed[T any] struct {
	read func() (T, error)
	name string
	log  *slog.Logger

	mu      sync.Mutex
	last    T
	known   bool   // last holds a value
	problem string // the error of the last reading, logged once
}

func newRenewed[T any](read func() (T, error), name string, log *slog.Logger) *renewed[T] {
	return &renewed[T]{read: read, name: name, log: log}
}

func (r *renewed[T]) get() (T, error) {
	value, err := r.read()
	r.mu.Lock()
	defer r.mu.Unlock()
	if err == nil {
		if r.problem != "" {
			r.log.Info("a renewed key or certificate can be read again", "what", r.name)
		}
		r.last, r.known, r.problem = value, true, ""
		return value, nil
	}
	if !r.known {
		return value, err
	}
	if r.problem != err.Error() {
		r.problem = err.Error()
		r.log.Error("a renewed key or certificate cannot be read: the one before is used", "what", r.name, "error", err)
	}
	return r.last, nil
}

// HasAPIKey reports whether calls to Temporal have an API key.
func (t Temporal) HasAPIKey() bool { return t.APIKey != "" }

// APIKeySource returns a function that returns the API key of a call to Temporal. A key from a file is read again for
// each call, so that it can be rotated while processes run. A file that holds no key is logged, and the last good key
// is used.
func (t Temporal) APIKeySource(log *slog.Logger) func(context.Context) (string, error) {
	if t.apiKeyFile == "" {
		return func(context.Context) (string, error) { return t.APIKey.Reveal(), nil }
	}
	key := newRenewed(t.readAPIKey, "ALIQUOT_TEMPORAL_API_KEY_FILE", log)
	key.last, key.known = t.APIKey, true
	return func(context.Context) (string, error) {
		current, err := key.get()
		return current.Reveal(), err
	}
}

func (t Temporal) readAPIKey() (Secret, error) {
	content, err := os.ReadFile(t.apiKeyFile)
	if err != nil {
		return "", fmt.Errorf("reading the API key: %w", err)
	}
	key, err := readText(content)
	if err != nil {
		return "", err
	}
	return Secret(key), checkAPIKey(Secret(key))
}

// checkAPIKey checks that a key can be sent. Its error does not contain the key.
func checkAPIKey(key Secret) error {
	if key == "" {
		return errors.New("is empty")
	}
	if strings.ContainsAny(key.Reveal(), " \t\r\n") || !httpguts.ValidHeaderFieldValue(key.Reveal()) {
		return errors.New("holds something that is not one API key")
	}
	return nil
}

// keepFiles stores the paths of files that are read again while the process runs.
func (t *Temporal) keepFiles(environment map[string]string) {
	t.apiKeyFile = environment["ALIQUOT_TEMPORAL_API_KEY"+fileSuffix]
}
