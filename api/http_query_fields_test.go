package api

import (
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/stretchr/testify/require"
)

// queryTexts are query strings, and what the original API's server (urllib.parse.parse_qsl) reads in them.
var queryTexts = []struct {
	raw  string
	want []queryField
}{
	{"", nil},
	{"a=1", []queryField{{"a", "1"}}},
	{"a=100%", []queryField{{"a", "100%"}}},
	{"a=100%&b=2", []queryField{{"a", "100%"}, {"b", "2"}}},
	{"a=%zz%4", []queryField{{"a", "%zz%4"}}},
	{"a=%2", []queryField{{"a", "%2"}}},
	{"a=%%41", []queryField{{"a", "%A"}}},
	{"a=%e2%80%99%C3%A9", []queryField{{"a", "’é"}}},
	{"a=%ff", []queryField{{"a", "\xff"}}},
	{"a=Roe;Jane", []queryField{{"a", "Roe;Jane"}}},
	{"a=1;b=2", []queryField{{"a", "1;b=2"}}},
	{"a=Ann+Lee%2B", []queryField{{"a", "Ann Lee+"}}},
	{"a=b=c", []queryField{{"a", "b=c"}}},
	{"a", []queryField{{"a", ""}}},
	{"&&a=1&", []queryField{{"a", "1"}}},
	{"a%5B=1&%61=2", []queryField{{"a[", "1"}, {"a", "2"}}},
	{"=1", []queryField{{"", "1"}}},
}

func TestSplitQuery(t *testing.T) {
	t.Parallel()
	for _, c := range queryTexts {
		require.Equal(t, c.want, splitQuery(c.raw), c.raw)
	}
}

func TestReadParameter(t *testing.T) {
	t.Parallel()
	text, boolean := &huma.Schema{Type: huma.TypeString}, &huma.Schema{Type: huma.TypeBoolean}
	optional := &huma.Schema{Type: huma.TypeString, Enum: []any{"true", "false"}}
	integer := &huma.Schema{Type: huma.TypeInteger}
	list := func(of *huma.Schema) *huma.Schema { return &huma.Schema{Type: huma.TypeArray, Items: of} }
	for _, c := range []struct {
		schema     *huma.Schema
		have, want []string
	}{
		{text, []string{""}, []string{}},
		{text, []string{"a", "b"}, []string{"b"}},
		{text, []string{"a", ""}, []string{"a"}},
		{text, []string{"", "a"}, []string{"a"}},
		{text, []string{" True "}, []string{" True "}},
		{list(text), []string{"", "a", "", "b"}, []string{"a", "b"}},
		{list(text), []string{""}, []string{}},
		{list(integer), []string{"1.0", "2"}, []string{"1", "2"}},
		{boolean, []string{"false", "Yes"}, []string{"true"}},
		{integer, []string{"1", "+2.00"}, []string{"+2"}},
		{integer, []string{"1_000"}, []string{"1000"}},
		{integer, []string{" 7 "}, []string{"7"}},
		{integer, []string{"1.5"}, []string{"1.5"}},
		{integer, []string{"1__0"}, []string{"1__0"}},
		{integer, []string{"1e3"}, []string{"1e3"}},
		{optional, []string{"True"}, []string{"true"}},
		{optional, []string{"OFF"}, []string{"false"}},
		{optional, []string{"maybe"}, []string{"maybe"}},
	} {
		require.Equal(t, c.want, readParameter(c.schema, append([]string{}, c.have...)), "%s %q", c.schema.Type, c.have)
	}
}

func TestReadBoolean(t *testing.T) {
	t.Parallel()
	for want, texts := range map[string][]string{
		"true":  {"true", "True", "TRUE", "t", "T", "yes", "Yes", "y", "Y", "on", "On", "1"},
		"false": {"false", "False", "FALSE", "f", "F", "no", "No", "n", "N", "off", "OFF", "0"},
	} {
		for _, text := range texts {
			require.Equal(t, want, readBoolean(text), text)
		}
	}
	for _, text := range []string{"2", "truth", "nope", "-1", "null"} {
		require.Equal(t, text, readBoolean(text))
	}
}
