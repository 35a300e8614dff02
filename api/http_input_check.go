package api

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// maxDocument is the longest JSON document in a field without a schema, such as a policy, in bytes.
const maxDocument = 64 << 10

// The longest key and the longest text in a map, such as the headers of an endpoint, in characters.
const (
	maxMapKey   = 255
	maxMapValue = 8192
)

// The years of times that JSON can hold (RFC 3339), in UTC.
const (
	firstYear = 1
	lastYear  = 9999
)

// layouts are those of the formats of texts that are times or dates.
var layouts = map[string]string{"date-time": time.RFC3339, "date": time.DateOnly}

// withInputCheck refuses, before the handler runs, what no schema expresses: times and dates outside the years 1 to
// 9999 in UTC, which no answer could hold or no client could read, and what is too long in maps and in documents
// without a schema.
func withInputCheck[I, O any](handler func(context.Context, *I) (*O, error)) func(context.Context, *I) (*O, error) {
	return func(ctx context.Context, in *I) (*O, error) {
		if problems := checkInput(in); len(problems) > 0 {
			return nil, validationError(problems...)
		}
		return handler(ctx, in)
	}
}

// checkInput returns the problems of an input, with their paths.
func checkInput(in any) []*problem {
	var found inputProblems
	found.check(reflect.ValueOf(in), "", nil)
	return found
}

type inputProblems []*problem

func (f *inputProblems) add(path []any, kind, msg string) {
	*f = append(*f, &problem{Loc: slices.Clone(path), Msg: msg, Type: kind})
}

// check looks for problems in a value, of a field with that format.
func (f *inputProblems) check(v reflect.Value, format string, path []any) {
	switch value := valueOf(v).(type) {
	case time.Time:
		f.checkTime(value, path)
		return
	case json.RawMessage:
		if len(value) > maxDocument {
			f.add(path, "too_long", fmt.Sprintf("Value should have at most %d bytes", maxDocument))
		}
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			f.check(v.Elem(), format, path)
		}
	case reflect.Struct:
		f.checkFields(v, path)
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return
		}
		for i := range v.Len() {
			f.check(v.Index(i), format, append(path, i))
		}
	case reflect.Map:
		for key, value := range v.Seq2() {
			f.checkEntry(key, value, path)
			f.check(value, format, append(path, key.String()))
		}
	case reflect.String:
		layout, isTime := layouts[format]
		if at, err := time.Parse(layout, v.String()); isTime && err == nil {
			f.checkTime(at, path)
		}
	default:
	}
}

// checkEntry checks the lengths of a map's key and of its value, which tags of a field do not bound.
func (f *inputProblems) checkEntry(key, value reflect.Value, path []any) {
	if value.Kind() == reflect.Pointer {
		value = value.Elem()
	}
	if utf8.RuneCountInString(key.String()) > maxMapKey {
		f.add(path, "string_too_long", fmt.Sprintf("Keys should have at most %d characters", maxMapKey))
		return
	}
	if value.Kind() == reflect.String && utf8.RuneCountInString(value.String()) > maxMapValue {
		f.add(append(path, key.String()), "string_too_long",
			fmt.Sprintf("Value should have at most %d characters", maxMapValue))
	}
}

// valueOf returns the value itself, or nil for one that cannot be read.
func valueOf(v reflect.Value) any {
	if !v.IsValid() || !v.CanInterface() {
		return nil
	}
	return v.Interface()
}

func (f *inputProblems) checkFields(v reflect.Value, path []any) {
	for i := range v.NumField() {
		field := v.Type().Field(i)
		if !field.IsExported() {
			continue
		}
		f.check(v.Field(i), field.Tag.Get("format"), append(slices.Clone(path), inputPath(field)...))
	}
}

// inputPath returns what a field of an input adds to the path: nothing for an embedded struct.
func inputPath(field reflect.StructField) []any {
	for _, part := range []string{"json", "query", "path", "header"} {
		name, _, _ := strings.Cut(field.Tag.Get(part), ",")
		switch {
		case name == "":
		case part == "json":
			return []any{name}
		default:
			return []any{part, name}
		}
	}
	if field.Anonymous {
		return nil
	}
	return []any{strings.ToLower(field.Name)} // the body
}

func (f *inputProblems) checkTime(at time.Time, path []any) {
	if !isWritable(at) {
		f.add(path, "value_error", outsideCalendar)
	}
}

// outsideCalendar is the text of the problem of a time that is not isWritable.
const outsideCalendar = "Value is outside the years 1 to 9999 in UTC"

// isWritable reports whether JSON can hold a time in UTC.
func isWritable(at time.Time) bool {
	year := at.UTC().Year()
	return year >= firstYear && year <= lastYear
}
