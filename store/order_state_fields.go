package store

import (
	"encoding/json"
	"fmt"
	"strings"
)

// keepUnknownFields returns the state that a recording writes, with the fields of the stored one that this build does
// not know. Another build wrote them, and will read them when it runs again: during a rollout both write the same order.
// Fields of objects in lists are not kept, because the entries of lists come and go.
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
	unknown := fieldsWithout(was, understood)
	if len(unknown) == 0 {
		return next, nil
	}
	addFields(will, unknown)
	merged, err := json.Marshal(will)
	if err != nil {
		return "", fmt.Errorf("encoding a state with unknown fields: %w", err)
	}
	return string(merged), nil
}

// fieldsWithout returns the fields of an object that another one does not have, also in the objects within it.
func fieldsWithout(object, other map[string]any) map[string]any {
	rest := map[string]any{}
	for name, value := range object {
		counterpart, has := other[name]
		inner, isObject := value.(map[string]any)
		innerOther, bothObjects := counterpart.(map[string]any)
		switch {
		case !has:
			rest[name] = value
		case isObject && bothObjects:
			if innerRest := fieldsWithout(inner, innerOther); len(innerRest) > 0 {
				rest[name] = innerRest
			}
		}
	}
	return rest
}

// addFields adds fields to an object where it does not have them. A part of an object that is gone is not added.
func addFields(object, fields map[string]any) {
	for name, value := range fields {
		present, has := object[name]
		inner, isObject := present.(map[string]any)
		innerFields, fieldsAreObject := value.(map[string]any)
		switch {
		case has && isObject && fieldsAreObject:
			addFields(inner, innerFields)
		case !has:
			object[name] = value
		}
	}
}
