package api_test

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/api"
	"github.com/aliquot-labs/aliquot/internal/apicontract"
)

// FuzzRequests sends random requests to every documented operation. Most paths, queries, headers and bodies follow the
// document, some are hostile. No request panics, no answer is 500, and each answer matches the document.
func FuzzRequests(f *testing.F) {
	document, err := api.Document()
	require.NoError(f, err)
	judge, err := apicontract.New(document)
	require.NoError(f, err)
	routes := routesOf(f, document)
	x := newFixture(f)
	for i := range routes {
		f.Add(append([]byte{byte(i), 0}, bytes.Repeat([]byte{byte(3 * i), byte(i)}, 64)...))
	}
	request := newRequester(x, judge, routes)
	f.Fuzz(func(t *testing.T, data []byte) { request(t, data) })
}

// Every run of the tests sends the same number of the same random requests.
func TestDrawnRequests(t *testing.T) {
	t.Parallel()
	document, err := api.Document()
	require.NoError(t, err)
	judge, err := apicontract.New(document)
	require.NoError(t, err)
	routes := routesOf(t, document)
	request := newRequester(newFixture(t), judge, routes)
	random := rand.NewChaCha8([32]byte{1})
	for i := range 15 * len(routes) {
		data := make([]byte, 1024)
		_, _ = random.Read(data) // it never fails
		data[0], data[1] = byte(i%len(routes)), 0
		request(t, data)
	}
	require.Less(t, len(judge.UnansweredOperations()), len(routes)/4, "most operations have answered: %v",
		judge.UnansweredOperations())
}

// newRequester returns a function that sends the request that the bytes determine, and checks the answer.
func newRequester(x *fixture, judge *apicontract.Contract, routes []route) func(t *testing.T, data []byte) {
	executed := 0
	return func(t *testing.T, data []byte) {
		t.Helper()
		if executed%64 == 0 { // earlier requests may have ended or deleted the objects
			y := *x
			y.t = t
			y.user = y.newUser(y.team)
			x.known = []string{y.user, y.labTest, y.account, y.team, y.createOrder(nil), newID()}
		}
		executed++
		d := &fuzzDraws{data: data, known: x.known}
		req := d.request(t, routes[d.upTo(len(routes))], x.url, x.key, x.opsKey)
		res, err := x.client.Do(req)
		require.NoError(t, err)
		body, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		unavailable := res.StatusCode == http.StatusServiceUnavailable // there is no provider of appointments
		require.True(t, res.StatusCode < 500 || unavailable, "%s %s: %d %s", req.Method, req.URL, res.StatusCode, body)
		require.NoError(t, judge.CheckAnswer(req.Method, req.URL.EscapedPath(), res.StatusCode, res.Header, body), req.URL)
	}
}

// route is an operation of the document, with what is needed for random requests.
type route struct {
	method, path string
	parameters   []parameter
	body         map[string]any
	all          map[string]any // every schema, by its reference
}

// parameter is a parameter of an operation.
type parameter struct {
	In, Name string
	Schema   map[string]any
}

func routesOf(t testing.TB, document []byte) (routes []route) {
	t.Helper()
	var doc struct {
		Paths map[string]map[string]struct {
			Parameters  []parameter
			RequestBody struct {
				Content map[string]struct{ Schema map[string]any }
			}
		}
		Components struct{ Schemas map[string]any }
	}
	require.NoError(t, json.Unmarshal(document, &doc))
	all := map[string]any{}
	for name, schema := range doc.Components.Schemas {
		all["#/components/schemas/"+name] = schema
	}
	for _, path := range slices.Sorted(maps.Keys(doc.Paths)) {
		for _, method := range slices.Sorted(maps.Keys(doc.Paths[path])) {
			o := doc.Paths[path][method]
			routes = append(routes, route{strings.ToUpper(method), path, o.Parameters,
				o.RequestBody.Content["application/json"].Schema, all})
		}
	}
	require.NotEmpty(t, routes)
	return routes
}

// fuzzDraws makes decisions by the fuzzer's bytes. After the last byte every decision is the first choice.
type fuzzDraws struct {
	data  []byte
	known []string // ids of what there is
}

func (d *fuzzDraws) byte() byte {
	if len(d.data) == 0 {
		return 0
	}
	b := d.data[0]
	d.data = d.data[1:]
	return b
}

func (d *fuzzDraws) upTo(n int) int { return (int(d.byte()) | int(d.byte())<<8) % n }

// odd returns true in one of n cases.
func (d *fuzzDraws) odd(n int) bool { return int(d.byte())%n == n-1 }

// hostile are texts that may break code.
var hostile = []string{
	"", " ", "null", "0", "-1", "1e999", "9223372036854775808", "\x00", "\u202e", "ſ", "é\u0301",
	"'; DROP TABLE orders; --", "../../etc/passwd", "%00", "%2F",
	"\ud7ff", "1990-02-30", "0000-00-00", "9999-12-31T23:59:60Z", "-0001-01-01", "00000000-0000-0000-0000-000000000000",
	strings.Repeat("a", 300),
	"sandbox:", "sandbox:silent", "true", "[]", "{}", "1990-03-01", "2026-03-05", "84004", "+16025550123", "a b", "\t",
	"\n",
}

func (d *fuzzDraws) text() string {
	if d.odd(4) {
		n := int(d.byte()) % 32
		n = min(n, len(d.data))
		text := string(d.data[:n])
		d.data = d.data[n:]
		return text
	}
	return hostile[d.upTo(len(hostile))]
}

func (d *fuzzDraws) request(t *testing.T, r route, base, key, opsKey string) *http.Request {
	t.Helper()
	path, query := r.path, url.Values{}
	header := http.Header{"X-Vital-Api-Key": {key}, "Content-Type": {"application/json"}}
	if !strings.HasPrefix(r.path, "/v3/") && !strings.HasPrefix(r.path, "/v2/") {
		header.Set("x-vital-api-key", opsKey)
	}
	for _, p := range r.parameters {
		switch p.In {
		case "path":
			value := d.scalar(r, p.Schema)
			if value == "" || value == "." || value == ".." {
				value = "x" // another path
			}
			path = strings.ReplaceAll(path, "{"+p.Name+"}", url.PathEscape(value))
		case "query":
			for range d.upTo(3) {
				query.Add(p.Name, d.scalar(r, p.Schema))
			}
		case "header":
			if d.odd(4) {
				header.Set(p.Name, strings.Map(printable, d.scalar(r, p.Schema)))
			}
		}
	}
	var body io.Reader
	if r.body != nil && !d.odd(16) {
		content, err := json.Marshal(d.value(r, r.body, 0))
		require.NoError(t, err)
		if d.odd(8) && len(content) > 0 { // truncated, with a hostile text at the end
			at := d.upTo(len(content))
			content = append(slices.Clone(content[:at]), d.text()...)
		}
		body = bytes.NewReader(content)
	}
	req, err := http.NewRequestWithContext(t.Context(), r.method, base+path, body)
	require.NoError(t, err)
	req.URL.RawQuery = query.Encode()
	req.Header = header
	return req
}

func printable(c rune) rune {
	if c < ' ' || c > '~' {
		return -1
	}
	return c
}

// scalar returns the text of a parameter.
func (d *fuzzDraws) scalar(r route, schema map[string]any) string {
	switch v := d.value(r, schema, 0).(type) {
	case string:
		return v
	case []any:
		if len(v) > 0 {
			if text, ok := v[0].(string); ok {
				return text
			}
		}
		return d.text()
	default:
		text, err := json.Marshal(v)
		if err != nil {
			return ""
		}
		return string(text)
	}
}

// value returns a value of a schema, or in some cases another value.
func (d *fuzzDraws) value(r route, schema map[string]any, depth int) any {
	if ref, ok := schema["$ref"].(string); ok {
		schema, _ = r.all[ref].(map[string]any)
	}
	for _, of := range []string{"anyOf", "oneOf"} {
		if some, ok := schema[of].([]any); ok && len(some) > 0 {
			one, _ := some[d.upTo(len(some))].(map[string]any)
			return d.value(r, one, depth+1)
		}
	}
	if depth > 8 || d.odd(12) {
		return []any{nil, true, -1, 1.5, 1e300, d.text(), []any{}, map[string]any{d.text(): nil},
			[]any{[]any{d.text()}}}[d.upTo(9)]
	}
	if choices, ok := schema["enum"].([]any); ok {
		return choices[d.upTo(len(choices))]
	}
	switch typeOf(d, schema["type"]) {
	case "object":
		return d.object(r, schema, depth)
	case "array":
		items, _ := schema["items"].(map[string]any)
		list := make([]any, d.upTo(4))
		for i := range list {
			list[i] = d.value(r, items, depth+1)
		}
		return list
	case "integer":
		return []int64{1, 0, 50, -1, 1 << 40, int64(d.byte())}[d.upTo(6)]
	case "number":
		return []float64{0, 1.5, -1, 1e18}[d.upTo(4)]
	case "boolean":
		return d.odd(2)
	case "null":
		return nil
	default:
		return d.string(schema)
	}
}

// typeOf returns one of the types that a schema allows.
func typeOf(d *fuzzDraws, kind any) string {
	if several, ok := kind.([]any); ok && len(several) > 0 {
		kind = several[d.upTo(len(several))]
	}
	name, _ := kind.(string)
	return name
}

func (d *fuzzDraws) object(r route, schema map[string]any, depth int) any {
	properties, _ := schema["properties"].(map[string]any)
	required, _ := schema["required"].([]any)
	out := map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		if slices.Contains(required, any(name)) != d.odd(16) {
			property, _ := properties[name].(map[string]any)
			out[name] = d.value(r, property, depth+1)
		}
	}
	if d.odd(16) {
		out[d.text()] = d.text()
	}
	return out
}

func (d *fuzzDraws) string(schema map[string]any) string {
	if d.odd(8) {
		return d.text()
	}
	switch schema["format"] {
	case "uuid":
		return d.known[d.upTo(len(d.known))]
	case "date":
		return []string{"1990-03-01", "2026-03-05", "2010-01-01"}[d.upTo(3)]
	case "date-time":
		return "2026-03-04T15:30:00Z"
	case "email":
		return "ann@example.com"
	}
	least, _ := schema["minLength"].(float64)
	return []string{"Ann", "85004", "AZ", "+16025550123", "mtl", "10", strings.Repeat("a", int(least)),
		strconv.Itoa(d.upTo(1000))}[d.upTo(8)]
}
