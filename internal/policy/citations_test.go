package policy

import (
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// specFolder holds the specifications that code and documents cite (docs/spec/README.md explains how).
const specFolder = "docs/spec"

var (
	heading    = regexp.MustCompile(`(?m)^#{1,6} +(.*?) *#*$`)
	explicitID = regexp.MustCompile(`<a id="([^"]+)"></a>`)
	codeBlock  = regexp.MustCompile("(?ms)^ *```.*?^ *```")
	codeSpan   = regexp.MustCompile("`[^`\n]*`")
	markup     = regexp.MustCompile(`<[^>]*>`)
	linkInText = regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`)
	notInSlug  = regexp.MustCompile(`[^\p{L}\p{N}_ -]`)

	// citation is the name of a specification, with or without its folder and extension, and an anchor.
	citation = regexp.MustCompile(`\b(?:docs/spec/|spec/)?(order-lifecycle|client-api|molecular-api)` +
		`(?:\.md)?\b(?:#([\w-]*))?`)
	// link is the target of a Markdown link.
	link = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	// loose matches mentions of a specification without its name or its section. Line breaks of comments may separate the
	// words.
	loose = regexp.MustCompile(`(?i)\b(?:` +
		`(?:molecular|lifecycle|client[ \n/\t]+api)(?:'s)?[ \n/\t]+contracts?` +
		`|(?:the|current)[ \n/\t]+contracts?(?:'s)?` +
		`)\b|(?-i:\bD(?:[1-9]|[12]\d|3[0-4])[bc]?\b)`)
)

// filesWithLooseMentions are files in which these words mean the OpenAPI document that responses are checked against.
var filesWithLooseMentions = []string{"internal/apicontract/", "e2e/openapi_test.go",
	"internal/policy/citations_test.go"}

// anchors returns the link targets of a Markdown document: explicit ids, and headings by GitHub's rules.
func anchors(document string) map[string]bool {
	found := map[string]bool{}
	for _, m := range explicitID.FindAllStringSubmatch(document, -1) {
		found[m[1]] = true
	}
	for _, m := range heading.FindAllStringSubmatch(codeBlock.ReplaceAllString(document, ""), -1) {
		text := linkInText.ReplaceAllString(markup.ReplaceAllString(m[1], ""), "$1")
		slug := strings.ReplaceAll(notInSlug.ReplaceAllString(strings.ToLower(text), ""), " ", "-")
		unique := slug
		for n := 1; found[unique]; n++ { // the document has several headings with that text
			unique = slug + "-" + string(rune('0'+n))
		}
		found[unique] = true
	}
	return found
}

// repository is the content in which citations are resolved.
type repository struct {
	files    map[string]bool
	anchors  map[string]map[string]bool // by Markdown document
	contents map[string]string          // of Go and TypeScript files and Markdown documents
}

func repositoryOf(t *testing.T) repository {
	t.Helper()
	r := repository{files: map[string]bool{}, anchors: map[string]map[string]bool{}, contents: map[string]string{}}
	for _, name := range repositoryFiles(t) {
		for dir := name; dir != "."; dir = path.Dir(dir) {
			r.files[dir] = true
		}
		switch path.Ext(name) {
		case ".md":
			r.contents[name] = string(readFile(t, name))
			r.anchors[name] = anchors(r.contents[name])
		case ".go", ".ts":
			r.contents[name] = string(readFile(t, name))
		}
	}
	return r
}

// faults lists the citations and links of a file that do not resolve, and its loose mentions.
func (r repository) faults(name, content string) []string {
	var found []string
	report := func(what, fault string) {
		found = append(found, name+": "+strings.Join(strings.Fields(what), " ")+": "+fault)
	}
	markdown := path.Ext(name) == ".md"
	specification := strings.HasPrefix(name, specFolder+"/")
	if markdown {
		prose := codeSpan.ReplaceAllString(codeBlock.ReplaceAllString(content, ""), "")
		for _, m := range link.FindAllStringSubmatch(prose, -1) {
			if fault := r.linkProblem(name, m[1]); fault != "" {
				report(m[1], fault)
			}
		}
		content = linkInText.ReplaceAllString(content, "")
	}
	for _, m := range citation.FindAllStringSubmatch(content, -1) {
		document := specFolder + "/" + m[1] + ".md"
		switch {
		case m[2] != "" && !r.anchors[document][m[2]]:
			report(m[0], "no such anchor")
		case m[2] == "" && !specification:
			report(m[0], "cites no anchor")
		}
	}
	exempt := slices.ContainsFunc(filesWithLooseMentions,
		func(prefix string) bool { return strings.HasPrefix(name, prefix) })
	if !specification && !exempt {
		for _, mention := range loose.FindAllString(content, -1) {
			report(mention, "says not where; cite an anchor, such as molecular-api#d25")
		}
	}
	return found
}

// linkProblem describes what is wrong with a link of a document. It returns "" for a correct link and for a link out of
// the repository.
func (r repository) linkProblem(from, target string) string {
	if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
		return ""
	}
	file, anchor, _ := strings.Cut(target, "#")
	if file == "" {
		file = from
	} else {
		file = path.Join(path.Dir(from), file)
	}
	switch {
	case !r.files[file] && file != ".":
		return "no such file"
	case anchor != "" && path.Ext(file) == ".md" && !r.anchors[file][anchor]:
		return "no such anchor"
	}
	return ""
}

func TestCitationsResolve(t *testing.T) {
	t.Parallel()
	r := repositoryOf(t)
	var found []string
	cited := 0
	for name, content := range r.contents {
		if strings.Contains(name, "testdata/") || strings.Contains(name, "node_modules/") ||
			name == filesWithLooseMentions[len(filesWithLooseMentions)-1] {
			continue
		}
		found = append(found, r.faults(name, content)...)
		cited += len(citation.FindAllString(content, -1))
	}
	slices.Sort(found)
	require.Empty(t, found)
	require.Greater(t, cited, 150, "citations are recognised")
}

// TestWrongCitationsAreFound is the control: wrong citations and links are found, and correct ones are not reported.
func TestWrongCitationsAreFound(t *testing.T) {
	t.Parallel()
	r := repositoryOf(t)
	for text, want := range map[string]int{
		"// Paced (molecular-api#d25).":                             0,
		"// Paced (docs/spec/molecular-api.md#d25).":                0,
		"// Sections: client-api#8-orders, order-lifecycle#lost.":   0,
		"// A price of null is by contract.":                        0,
		"// Paced (molecular-api#d35).":                             1,
		"// Paced (molecular-api).":                                 1,
		"// Paced (docs/spec/client-api.md#no-such-section).":       1,
		"// Paced (Molecular contract, section 11).":                1,
		"// As the lifecycle\n\t// contract has it.":                1,
		"// It follows the client API\n// contract.":                1,
		"// The contract's sample.":                                 1,
		`require.True(t, ok, "it is paced (D25)")`:                  1,
		"// Both: order-lifecycle#edge and molecular-api#d3, D4.\n": 2,
	} {
		require.Len(t, r.faults("order/planted.go", text), want, text)
	}
	for text, want := range map[string]int{
		"[D25](spec/molecular-api.md#d25) [why](architecture.md#time) [code](../order) [out](https://example.com/x#y)": 0,
		"`[not](a-link.md)`":              0,
		"[gone](spec/molecular-api.md#x)": 1,
		"[gone](gone.md)":                 1,
		"[gone](../order/gone.go)":        1,
		"[here](#nowhere)":                1,
	} {
		require.Len(t, r.faults("docs/operations.md", text), want, text)
	}
	require.Equal(t,
		map[string]bool{"82-lob-s3": true, "post-v3orderorder_idcancel": true, "a-b": true, "a-b-1": true, "d7b": true,
			"see-it": true},
		anchors("## 8.2 `lob` [S3]\n### POST /v3/order/{order_id}/cancel\n# A B\n# A B #\n"+
			"<a id=\"d7b\"></a>\n```\n# no heading\n```\n## See [it](x.md)\n"))
}
