package store

import (
	"encoding/json"
	"sync"

	"github.com/aliquot-labs/aliquot/order"
)

// maxCachedDocuments is how many texts are remembered at most. A deployment has about as many as it has lab tests and policies.
const maxCachedDocuments = 1000

// jsonCache remembers what JSON documents mean that many orders share: the lab test as it was when ordered, the policy. Decoding those is
// half of what reading an order costs. The same text always means the same; nobody may change what it means.
type jsonCache[T any] struct {
	mu     sync.RWMutex
	byText map[string]T
}

func newJSONCache[T any]() *jsonCache[T] { return &jsonCache[T]{byText: map[string]T{}} }

// decode decodes a document, or knows it.
func (d *jsonCache[T]) decode(text string) (T, error) {
	d.mu.RLock()
	v, known := d.byText[text]
	d.mu.RUnlock()
	if known {
		return v, nil
	}
	if err := decodeJSON(text, &v); err != nil {
		return v, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.byText) >= maxCachedDocuments {
		clear(d.byText)
	}
	d.byText[text] = v
	return v, nil
}

// decodeState decodes the column of that name.
func (s *Store) decodeState(text string) (order.State, error) {
	var stored struct {
		order.State
		Policy json.RawMessage `json:"policy"`
	}
	if err := decodeJSON(text, &stored); err != nil || stored.Policy == nil {
		return stored.State, err
	}
	var err error
	stored.State.Policy, err = s.policyCache.decode(string(stored.Policy))
	return stored.State, err
}
