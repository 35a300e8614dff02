// Package apicontract checks responses of an HTTP API against its OpenAPI 3.1 document: the operation, the status and
// the content type must be documented, and the body must match the schema.
package apicontract

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

const documentURL = "openapi.json"

// Contract is an OpenAPI document. It is safe for concurrent use.
type Contract struct {
	operations []operation

	mu                 sync.Mutex
	compiler           *jsonschema.Compiler
	schemas            map[string]*jsonschema.Schema // by JSON pointer in the document
	answeredOperations map[string]bool               // operation ids
}

// operation is one method of one path.
type operation struct {
	id, method, path string
	segments         []string
	responses        map[string]response
}

type response struct {
	Content map[string]struct{} `json:"content"`
}

// New parses a document.
func New(document []byte) (*Contract, error) {
	var read struct {
		Paths map[string]map[string]struct {
			ID        string              `json:"operationId"`
			Responses map[string]response `json:"responses"`
		} `json:"paths"`
	}
	if err := json.Unmarshal(document, &read); err != nil {
		return nil, fmt.Errorf("reading an OpenAPI document: %w", err)
	}
	tree, err := jsonschema.UnmarshalJSON(bytes.NewReader(document))
	if err != nil {
		return nil, fmt.Errorf("reading an OpenAPI document: %w", err)
	}
	c := &Contract{compiler: jsonschema.NewCompiler(), schemas: map[string]*jsonschema.Schema{},
		answeredOperations: map[string]bool{}}
	c.compiler.AssertFormat()
	if err := c.compiler.AddResource(documentURL, tree); err != nil {
		return nil, fmt.Errorf("reading an OpenAPI document: %w", err)
	}
	for path, methods := range read.Paths {
		for method, o := range methods {
			c.operations = append(c.operations, operation{o.ID, strings.ToUpper(method), path, segmentsOf(path), o.Responses})
		}
	}
	return c, nil
}

func segmentsOf(path string) []string { return strings.Split(strings.Trim(path, "/"), "/") }

// findOperation returns the operation for the escaped path of a request. If several match, it returns the one with the
// longest literal beginning.
func (c *Contract) findOperation(method, path string) *operation {
	segments := segmentsOf(path)
	var best *operation
	for i := range c.operations {
		o := &c.operations[i]
		if o.method == method && o.serves(segments) && (best == nil || o.isMoreSpecific(best)) {
			best = o
		}
	}
	return best
}

func (o *operation) serves(segments []string) bool {
	if len(segments) != len(o.segments) {
		return false
	}
	for i, s := range o.segments {
		if !isParameter(s) && s != segments[i] {
			return false
		}
	}
	return true
}

// isMoreSpecific reports whether, at the first segment where only one of the two matching paths is literal, this one
// is.
func (o *operation) isMoreSpecific(other *operation) bool {
	for i, s := range o.segments {
		if isParameter(s) != isParameter(other.segments[i]) {
			return !isParameter(s)
		}
	}
	return false
}

func isParameter(segment string) bool { return strings.HasPrefix(segment, "{") }

// CheckAnswer checks a response to a request for the escaped path. An operation that is not documented must be refused
// with 404 or 405.
func (c *Contract) CheckAnswer(method, path string, status int, header http.Header, body []byte) error {
	o := c.findOperation(method, path)
	if o == nil {
		if status == http.StatusNotFound || status == http.StatusMethodNotAllowed {
			return nil
		}
		return fmt.Errorf("%s %s: %d: the operation is not documented", method, path, status)
	}
	if err := c.checkAnswer(o, status, header, body); err != nil {
		return fmt.Errorf("%s %s (%s): %d: %w: %.500s", method, path, o.id, status, err, body)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answeredOperations[o.id] = true
	return nil
}

func (c *Contract) checkAnswer(o *operation, status int, header http.Header, body []byte) error {
	code := strconv.Itoa(status)
	documented, ok := o.responses[code]
	if !ok {
		return errors.New("the status is not documented")
	}
	if len(documented.Content) == 0 {
		if len(body) > 0 {
			return errors.New("a body is not documented")
		}
		return nil
	}
	kind, _, err := mime.ParseMediaType(header.Get("Content-Type"))
	if err != nil {
		return fmt.Errorf("the content type %q: %w", header.Get("Content-Type"), err)
	}
	if _, ok := documented.Content[kind]; !ok {
		return fmt.Errorf("the content type %s is not documented", kind)
	}
	if kind != "application/json" {
		return nil
	}
	schema, err := c.schema("/paths/" + escapePointer(o.path) + "/" + strings.ToLower(o.method) + "/responses/" + code +
		"/content/" + escapePointer(kind) + "/schema")
	if err != nil {
		return err
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("the body is not JSON: %w", err)
	}
	return schema.Validate(value)
}

// escapePointer escapes a key for a JSON pointer.
func escapePointer(key string) string {
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(key)
}

func (c *Contract) schema(pointer string) (*jsonschema.Schema, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if known := c.schemas[pointer]; known != nil {
		return known, nil
	}
	compiled, err := c.compiler.Compile(documentURL + "#" + (&url.URL{Path: pointer}).EscapedPath())
	if err != nil {
		return nil, fmt.Errorf("reading the schema: %w", err)
	}
	c.schemas[pointer] = compiled
	return compiled, nil
}

// UnansweredOperations lists, sorted, the ids of the operations without a checked response.
func (c *Contract) UnansweredOperations() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var ids []string
	for _, o := range c.operations {
		if !c.answeredOperations[o.id] {
			ids = append(ids, o.id)
		}
	}
	slices.Sort(ids)
	return ids
}

// OperationCount returns the number of documented operations.
func (c *Contract) OperationCount() int { return len(c.operations) }
