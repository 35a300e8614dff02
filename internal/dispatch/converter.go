package dispatch

import (
	"fmt"
	"reflect"
	"slices"
	"sync"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"

	"github.com/aliquot-labs/aliquot/order"
)

// ConfidentialError says that a value with data of a patient was to be sent to Temporal.
type ConfidentialError struct{ Type reflect.Type }

func (e *ConfidentialError) Error() string {
	return fmt.Sprintf("%s must not enter Temporal: it may hold something about a patient", e.Type)
}

// NewConverter returns the data converter of Aliquot's Temporal clients. It is the SDK's own, but it refuses values
// that hold one of the confidential types of package order, and bytes, which may hold anything. The error is a
// *ConfidentialError. What a type can hold is computed once.
func NewConverter() converter.DataConverter {
	return &confidentialGuard{DataConverter: converter.GetDefaultDataConverter()}
}

type confidentialGuard struct {
	converter.DataConverter
	verdictByType sync.Map // reflect.Type → verdict
}

// ToPayload encodes one value.
func (g *confidentialGuard) ToPayload(value any) (*commonpb.Payload, error) {
	if found := g.findConfidential(reflect.ValueOf(value)); found != nil {
		return nil, &ConfidentialError{Type: found}
	}
	return g.DataConverter.ToPayload(value)
}

// ToPayloads encodes several values.
func (g *confidentialGuard) ToPayloads(values ...any) (*commonpb.Payloads, error) {
	for _, value := range values {
		if found := g.findConfidential(reflect.ValueOf(value)); found != nil {
			return nil, &ConfidentialError{Type: found}
		}
	}
	return g.DataConverter.ToPayloads(values...)
}

// verdict is what values of a type can hold.
type verdict struct {
	confidential reflect.Type // nil: no confidential type
	dynamic      bool         // it has a part of interface type, so each value has to be checked
}

// findConfidential returns the confidential type that a value holds; nil: none.
func (g *confidentialGuard) findConfidential(v reflect.Value) reflect.Type {
	if !v.IsValid() {
		return nil
	}
	known := g.cachedVerdict(v.Type())
	if known.confidential != nil || !known.dynamic {
		return known.confidential
	}
	for _, part := range valueParts(v) {
		if found := g.findConfidential(part); found != nil {
			return found
		}
	}
	return nil
}

// valueParts returns the parts of a value whose type is dynamic.
func valueParts(v reflect.Value) (all []reflect.Value) {
	switch v.Kind() { //nolint:exhaustive // the others have no parts
	case reflect.Pointer, reflect.Interface:
		return []reflect.Value{v.Elem()}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			all = append(all, v.Index(i))
		}
	case reflect.Map:
		for entries := v.MapRange(); entries.Next(); {
			all = append(all, entries.Key(), entries.Value())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if isEncoded(v.Type().Field(i)) {
				all = append(all, v.Field(i))
			}
		}
	}
	return all
}

func (g *confidentialGuard) cachedVerdict(t reflect.Type) verdict {
	if known, ok := g.verdictByType.Load(t); ok {
		return known.(verdict) //nolint:forcetypeassert // nothing else is put there
	}
	found := typeVerdict(t, map[reflect.Type]bool{})
	g.verdictByType.Store(t, found)
	return found
}

var bytesType = reflect.TypeFor[[]byte]()

func typeVerdict(t reflect.Type, seen map[reflect.Type]bool) verdict {
	if slices.Contains(order.ConfidentialTypes(), t) || t.ConvertibleTo(bytesType) && t.Kind() == reflect.Slice {
		return verdict{confidential: t}
	}
	if seen[t] {
		return verdict{}
	}
	seen[t] = true
	var all verdict
	for _, part := range partTypes(t) {
		v := typeVerdict(part, seen)
		if v.confidential != nil {
			return v
		}
		all.dynamic = all.dynamic || v.dynamic
	}
	all.dynamic = all.dynamic || t.Kind() == reflect.Interface
	return all
}

func partTypes(t reflect.Type) (all []reflect.Type) {
	switch t.Kind() { //nolint:exhaustive // the others have no parts
	case reflect.Pointer, reflect.Slice, reflect.Array:
		return []reflect.Type{t.Elem()}
	case reflect.Map:
		return []reflect.Type{t.Key(), t.Elem()}
	case reflect.Struct:
		for i := range t.NumField() {
			if isEncoded(t.Field(i)) {
				all = append(all, t.Field(i).Type)
			}
		}
	}
	return all
}

// isEncoded reports whether a field is encoded.
func isEncoded(f reflect.StructField) bool { return f.IsExported() || f.Anonymous }
