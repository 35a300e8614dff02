package store

import (
	"encoding/json"
	"sync"

	"github.com/aliquot-labs/aliquot/order"
)

// maxDecoded is how many texts are remembered at most. A deployment has about as many as it has lab tests and policies.
const maxDecoded = 1000

// decoded remembers what JSON documents mean that many orders share: the lab test as it was when ordered, the policy. Decoding those is
// half of what reading an order costs. The same text always means the same; nobody may change what it means.
type decoded[T any] struct {
	mu     sync.RWMutex
	byText map[string]T
}

func newDecoded[T any]() *decoded[T] { return &decoded[T]{byText: map[string]T{}} }

// of decodes a document, or knows it.
func (d *decoded[T]) of(text string) (T, error) {
	d.mu.RLock()
	v, known := d.byText[text]
	d.mu.RUnlock()
	if known {
		return v, nil
	}
	if err := decode(text, &v); err != nil {
		return v, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.byText) >= maxDecoded {
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
	if err := decode(text, &stored); err != nil || stored.Policy == nil {
		return stored.State, err
	}
	var err error
	stored.State.Policy, err = s.policies.of(string(stored.Policy))
	return stored.State, err
}
