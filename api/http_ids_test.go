package api_test

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/api"
	"github.com/aliquot-labs/aliquot/internal/testservers/postgrestest"
	"github.com/aliquot-labs/aliquot/store"
)

// idName is what parameters with ids are called.
var idName = regexp.MustCompile(`(_|^)ids?$|_cursor$`)

// otherIDs are parameters that are called like ids and are none of ours, or have another form, by their names or by
// the operation and the name.
var otherIDs = map[string]string{
	"client_user_id":                "the client's own",
	"provider_id":                   "the lab's code of a marker",
	"provider_ids":                  "the lab's codes of markers",
	"provider_payor_id":             "a payor's, at its provider",
	"marker_ids":                    "numbers",
	"lab_id":                        "a number",
	"GET /ops/messages next_cursor": "a time and an id; ops_messages_test.go",
	"webhook_id":                    "any text of a webhook that does not exist answers 404",
}

// idParameter is a parameter of a route that holds an id.
type idParameter struct {
	route route
	in    string
	name  string
	many  bool
}

// idParametersOf lists the parameters with ids of all routes, and those that are called like ids but neither have the
// format of ids nor are in otherIDs.
func idParametersOf(routes []route) (ids []idParameter, unexplained []string) {
	for _, r := range routes {
		for _, p := range r.parameters {
			items, many := p.Schema["items"].(map[string]any)
			switch {
			case p.In != "path" && p.In != "query":
			case p.Schema["format"] == "uuid" || many && items["format"] == "uuid":
				ids = append(ids, idParameter{r, p.In, p.Name, many})
			case !idName.MatchString(p.Name) || p.Schema["type"] == "integer":
			case otherIDs[p.Name] != "" || otherIDs[r.method+" "+r.path+" "+p.Name] != "":
			default:
				unexplained = append(unexplained, r.method+" "+r.path+" "+p.Name)
			}
		}
	}
	return ids, unexplained
}

// noIDs are texts that are no ids; all of them have to be refused.
var noIDs = map[string]string{
	"nonsense":            "42",
	"braces":              "{0195d3c0-7e1a-7c3d-8f00-00a1b2c3d4e5}",
	"a URN":               "urn:uuid:0195d3c0-7e1a-7c3d-8f00-00a1b2c3d4e5",
	"no hyphens":          "0195d3c07e1a7c3d8f0000a1b2c3d4e5",
	"one character wrong": "0195d3c0-7e1a-7c3d-8f00-00a1b2c3d4eg",
	"very long":           strings.Repeat("0195d3c0-", 500),
}

// requestIDs sends each probe of every parameter with an id, and returns the answers by the parameter and the probe.
func (f *fixture) requestIDs(ids []idParameter, own map[string]string) map[string]string {
	f.t.Helper()
	unknown := "0195d3c0-7e1a-7c3d-8f00-00a1b2c3d4e5"
	answers := map[string]string{}
	for _, p := range ids {
		send := func(text string) reply {
			at := f.addressWithIDs(p, text, own)
			r := f.sendWithKey(p.route.method, at, f.opsKey, sampleBodyOf(p.route))
			require.Less(f.t, r.status, http.StatusInternalServerError, "%s %s: %s", p.route.method, at, r.body)
			return r
		}
		key := fmt.Sprintf("%s %s %s ", p.route.method, p.route.path, p.name)
		for name, text := range noIDs {
			r := send(text)
			loc := p.in + "." + p.name
			if p.many {
				loc += ".0"
			}
			require.Equal(f.t, http.StatusUnprocessableEntity, r.status, "%s%s: %s", key, name, r.body)
			require.Contains(f.t, problemsOf(f.t, r), loc+" uuid_parsing", key)
			answers[key+name] = fmt.Sprint(r.status, string(r.body))
		}
		none := send(unknown)
		for name, text := range map[string]string{"nil": uuid.Nil.String(), "unknown, upper case": strings.ToUpper(unknown)} {
			r := send(text)
			require.Equal(f.t, none.status, r.status, "%s%s: %s", key, name, r.body)
			answers[key+name] = fmt.Sprint(r.status)
		}
		if id := own[p.name]; id != "" && p.route.method == http.MethodGet {
			lower, upper := send(id), send(strings.ToUpper(id))
			require.Equal(f.t, lower.status, upper.status, "%s: %s", key, upper.body)
			if !strings.HasPrefix(p.route.path, "/ops/") { // each read adds to the audit
				require.Equal(f.t, string(lower.body), string(upper.body), key)
			}
			answers[key+"own, upper case"] = fmt.Sprint(upper.status)
		}
	}
	return answers
}

// sampleBodyOf returns a body with which a request gets as far as reading the named object; nil for a GET.
func sampleBodyOf(r route) any {
	if r.method == http.MethodGet {
		return nil
	}
	pattern := regexp.MustCompile(`\{([a-z_]+)\}`).ReplaceAllString(r.path, ":$1")
	if text := sampleBodies[r.method+" "+pattern]; text != "" {
		return text
	}
	return "{}"
}

// addressWithIDs returns the path of a route in which one parameter is the text, and the others are of the fixture.
func (f *fixture) addressWithIDs(at idParameter, text string, own map[string]string) string {
	path, query := at.route.path, url.Values{}
	for _, p := range at.route.parameters {
		value := own[p.Name]
		switch {
		case p.Name == at.name:
			value = text
		case p.Name == "environment":
			value = store.Sandbox
		case p.Name == "reason":
			value = "tell_lab"
		case value == "":
			value = uuid.Nil.String()
		}
		if p.In == "path" {
			path = strings.ReplaceAll(path, "{"+p.Name+"}", url.PathEscape(value))
		} else if p.Name == at.name {
			query.Set(p.Name, value)
		}
	}
	return path + "?" + query.Encode()
}

// TestIDsAreParsedAtTheDoors sends ids in every form to every parameter with an id. Both engines of the store answer
// alike, and a text that is no id is refused before it reaches the store.
func TestIDsAreParsedAtTheDoors(t *testing.T) {
	t.Parallel()
	document, err := api.Document()
	require.NoError(t, err)
	routes := routesOf(t, document)
	ids, unexplained := idParametersOf(routes)
	require.Empty(t, unexplained)
	require.Greater(t, len(ids), 80)

	var answers [2]map[string]string
	for i, f := range []*fixture{newFixture(t), newFixtureOn(t, postgrestest.NewDatabase(t))} {
		own := f.ownIDs()
		own["team_id"], own["lab_account_id"] = f.team, f.account
		answers[i] = f.requestIDs(ids, own)
	}
	require.Equal(t, answers[0], answers[1])
	own := 0
	for key := range answers[0] {
		if strings.HasSuffix(key, "own, upper case") {
			own++
		}
	}
	require.Greater(t, own, 20)

	// Controls: a parameter that is not validated is found, and so is a route that the walk leaves out.
	for _, in := range []string{"path", "query"} {
		left := routesOf(t, document)
		i := slices.IndexFunc(left, func(r route) bool {
			return slices.ContainsFunc(r.parameters, func(p parameter) bool {
				return p.In == in && p.Schema["format"] == "uuid"
			})
		})
		for j, p := range left[i].parameters {
			if p.In == in {
				delete(left[i].parameters[j].Schema, "format")
			}
		}
		_, unexplained := idParametersOf(left)
		require.NotEmpty(t, unexplained, in)
	}
	require.Empty(t, missingFrom(ids))
	first := ids[slices.IndexFunc(ids, func(p idParameter) bool { return p.in == "path" })].route
	fewer := slices.DeleteFunc(slices.Clone(ids), func(p idParameter) bool {
		return p.route.method == first.method && p.route.path == first.path
	})
	require.NotEmpty(t, missingFrom(fewer))
}

// missingFrom lists the routes of the hand-written table of scopes whose path has an id that the parameters leave out.
func missingFrom(ids []idParameter) (missing []string) {
	inPath := regexp.MustCompile(`:[a-z_]*_id`)
	anyName := regexp.MustCompile(`(\{|:)[a-z_]+\}?`)
	for _, some := range scopesOfRoutes {
		for _, at := range some {
			method, pattern, _ := strings.Cut(at, " ")
			names := slices.DeleteFunc(inPath.FindAllString(pattern, -1), func(name string) bool {
				return otherIDs[name[1:]] != ""
			})
			if len(names) == 0 || strings.HasSuffix(pattern, "/markers/:provider_id") {
				continue
			}
			shape := anyName.ReplaceAllString(pattern, "*")
			if !slices.ContainsFunc(ids, func(p idParameter) bool {
				return p.in == "path" && p.route.method == method && anyName.ReplaceAllString(p.route.path, "*") == shape
			}) {
				missing = append(missing, at)
			}
		}
	}
	return missing
}

// TestIDsInBodiesAreParsedAtTheDoors sends texts that are no ids in every field of a body with an id.
func TestIDsInBodiesAreParsedAtTheDoors(t *testing.T) {
	t.Parallel()
	document, err := api.Document()
	require.NoError(t, err)
	f := newFixture(t)
	fields := 0
	for _, r := range routesOf(t, document) {
		schema := r.body
		if ref, ok := schema["$ref"].(string); ok {
			schema, _ = r.all[ref].(map[string]any)
		}
		properties, _ := schema["properties"].(map[string]any)
		for name, p := range properties {
			property, _ := p.(map[string]any)
			items, _ := property["items"].(map[string]any)
			if property["format"] != "uuid" && items["format"] != "uuid" {
				continue
			}
			fields++
			for _, text := range noIDs {
				var value any = text
				loc := "body." + name
				if items != nil {
					value, loc = []any{text}, loc+".0"
				}
				at := f.addressWithIDs(idParameter{route: r}, "", nil)
				got := f.sendWithKey(r.method, at, f.opsKey, map[string]any{name: value})
				require.Equal(t, http.StatusUnprocessableEntity, got.status, "%s %s: %s", r.method, at, got.body)
				require.Contains(t, problemsOf(t, got), loc+" uuid_parsing", "%s %s: %s", r.method, at, text)
			}
		}
	}
	require.Greater(t, fields, 15)
}
