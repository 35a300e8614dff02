package store

import (
	"encoding/json"
	"fmt"
	"strings"
)

// keepUnknownFields returns the state that a recording writes, with the fields of the stored one that this build does
// not know. Another build wrote them, and will read them when it runs again: during a rollout both write the same
// order. Fields of objects in lists are not kept, because the entries of lists come and go.
func (s *Store) keepUnknownFields(stored, next string) (string, error) {
	decoded, err := s.decodeState(stored)
	if err != nil {
		return "", err
	}
	known, err := encodeJSON(decoded)
	if err != nil || known == stored {
		return next, err // the usual case: a build with the same fields wrote it
	}
	var was, understood, will map[string]any
	for _, o := range []struct {
		text string
		into *map[string]any
	}{{stored, &was}, {known, &understood}, {next, &will}} {
		decoder := json.NewDecoder(strings.NewReader(o.text))
		decoder.UseNumber() // large numbers stay exact
		if err := decoder.Decode(o.into); err != nil {
			return "", fmt.Errorf("decoding a state: %w", err)
		}
	}
	if !keepFields(was, understood, will) {
		return next, nil
	}
	merged, err := json.Marshal(will)
	if err != nil {
		return "", fmt.Errorf("encoding a state with unknown fields: %w", err)
	}
	return string(merged), nil
}

// keepFields adds to an object the fields of the stored one that are not understood, also in the objects within it, and
// reports whether it added any. Nothing is added to an object that is gone, or that has another id now.
func keepFields(was, understood, will map[string]any) (added bool) {
	for name, value := range was {
		known, isKnown := understood[name]
		present, isPresent := will[name]
		if !isKnown && !isPresent {
			will[name], added = value, true
			continue
		}
		inner, _ := value.(map[string]any)
		innerKnown, _ := known.(map[string]any)
		innerPresent, _ := present.(map[string]any)
		if inner != nil && innerKnown != nil && innerPresent != nil && inner["id"] == innerPresent["id"] {
			added = keepFields(inner, innerKnown, innerPresent) || added
		}
	}
	return added
}
