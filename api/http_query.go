package api

import (
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humagin"
)

// maxQueryFields is how many fields a query may have. The longest list of a parameter has 500 values.
const maxQueryFields = 5000

// queryField is one name and value of a query string.
type queryField struct{ name, value string }

// readQuery reads the query as the original API's server does (client-api#1-transport) and puts it back in a form that
// net/url reads in full. net/url drops a field with a percent sign that begins no escape, and one with a semicolon, so
// that a filter would be lost. Of a parameter that is given several times and is no list, the last value counts. An
// empty value counts as none.
func readQuery(ctx huma.Context, next func(huma.Context)) {
	c := humagin.Unwrap(ctx)
	if c.Request.URL.RawQuery == "" {
		next(ctx)
		return
	}
	fields := splitQuery(c.Request.URL.RawQuery)
	if len(fields) > maxQueryFields {
		abortWithError(c, validationError(newProblem("too_long", "The query has too many fields", "query")))
		return
	}
	values := url.Values{}
	for _, f := range fields {
		values[f.name] = append(values[f.name], f.value)
	}
	for _, p := range ctx.Operation().Parameters {
		if p.In == "query" && values[p.Name] != nil {
			values[p.Name] = readParameter(p.Schema, values[p.Name])
		}
	}
	c.Request.URL.RawQuery = values.Encode()
	next(ctx)
}

// readParameter returns the values of a query parameter that count, as huma reads them.
func readParameter(schema *huma.Schema, values []string) []string {
	given := slices.DeleteFunc(values, func(v string) bool { return v == "" })
	if len(given) == 0 || schema == nil {
		return given
	}
	if schema.Type == huma.TypeArray {
		for i, v := range given {
			given[i] = readScalar(schema.Items, v)
		}
		return given
	}
	return []string{readScalar(schema, given[len(given)-1])}
}

// readScalar writes a boolean or an integer in the one form that huma reads. It returns any other value unchanged.
func readScalar(schema *huma.Schema, value string) string {
	switch {
	case schema == nil:
		return value
	case schema.Type == huma.TypeBoolean || isBooleanEnum(schema):
		return readBoolean(value)
	case schema.Type == huma.TypeInteger:
		return readInteger(value)
	}
	return value
}

// isBooleanEnum reports whether a schema is a boolean that can be absent: the texts true and false.
func isBooleanEnum(schema *huma.Schema) bool {
	return len(schema.Enum) == 2 && slices.Contains(schema.Enum, any("true")) && slices.Contains(schema.Enum, any("false"))
}

// readBoolean returns true or false for the texts that the original API takes for a boolean, in any case of letters,
// and any other text unchanged.
func readBoolean(value string) string {
	switch strings.ToLower(strings.TrimSpace(value)) {
	case "true", "t", "yes", "y", "on", "1":
		return "true"
	case "false", "f", "no", "n", "off", "0":
		return "false"
	}
	return value
}

// integerText matches the texts that the original API takes for an integer: with a sign, with underscores between
// digits, and with a fraction of zeros.
var integerText = regexp.MustCompile(`^([+-]?\d+(?:_\d+)*)(?:\.0*)?$`)

// readInteger returns an integer without underscores and fraction, and a text that is no integer unchanged.
func readInteger(value string) string {
	found := integerText.FindStringSubmatch(strings.TrimSpace(value))
	if found == nil {
		return value
	}
	return strings.ReplaceAll(found[1], "_", "")
}

// splitQuery returns the fields of a query string. Only & separates them. A percent sign that begins no escape stands
// for itself.
func splitQuery(raw string) []queryField {
	var fields []queryField
	for part := range strings.SplitSeq(raw, "&") {
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		fields = append(fields, queryField{unescapeLeniently(name), unescapeLeniently(value)})
	}
	return fields
}

// unescapeLeniently decodes the escapes of a query's text, and + as a blank. It keeps a percent sign that is followed
// by anything but two hexadecimal digits.
func unescapeLeniently(text string) string {
	if !strings.ContainsAny(text, "%+") {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '+':
			b.WriteByte(' ')
		case text[i] == '%' && i+2 < len(text):
			escaped, err := strconv.ParseUint(text[i+1:i+3], 16, 8)
			if err != nil {
				b.WriteByte('%')
				continue
			}
			b.WriteByte(byte(escaped))
			i += 2
		default:
			b.WriteByte(text[i])
		}
	}
	return b.String()
}

// refuseUnstorableTexts refuses texts in the path and the query that PostgreSQL does not store. jsonFormat does the
// same for bodies. It runs after readQuery.
func refuseUnstorableTexts(ctx huma.Context, next func(huma.Context)) {
	const text = "Texts with NUL characters, or that are not UTF-8, are not allowed"
	c := humagin.Unwrap(ctx)
	broken := func(v string) bool { return !utf8.ValidString(v) || strings.ContainsRune(v, 0) }
	for _, p := range c.Params {
		if broken(p.Value) {
			abortWithError(c, validationError(newProblem("value_error", text, "path."+p.Key)))
			return
		}
	}
	for name, values := range c.Request.URL.Query() {
		if broken(name) || slices.ContainsFunc(values, broken) {
			abortWithError(c, validationError(newProblem("value_error", text, queryLocation(ctx.Operation(), name))))
			return
		}
	}
	next(ctx)
}

// queryLocation returns where a problem with a field of the query is. It names known parameters only, because any other
// name is the caller's text.
func queryLocation(op *huma.Operation, name string) string {
	known := slices.ContainsFunc(op.Parameters, func(p *huma.Param) bool { return p.In == "query" && p.Name == name })
	if known {
		return "query." + name
	}
	return "query"
}
