package api_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/api"
)

const committed = "../docs/openapi.json"

func TestDocumentIsCommitted(t *testing.T) {
	t.Parallel()
	want, err := api.Document()
	require.NoError(t, err)
	have, err := os.ReadFile(committed)
	require.NoError(t, err)
	require.True(t, bytes.Equal(have, want), "docs/openapi.json is out of date: run go generate ./api")
}

func TestDocumentIsServed(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	r := f.sendWithKey(http.MethodGet, "/openapi.json", "", nil)
	require.Equal(t, http.StatusOK, r.status)
	want, err := api.Document()
	require.NoError(t, err)
	require.Equal(t, string(want), string(r.body))
	require.Equal(t, "3.1.0", r.json(t)["openapi"])
}

// Every reference in the document resolves.
func TestDocumentReferences(t *testing.T) {
	t.Parallel()
	b, err := api.Document()
	require.NoError(t, err)
	var doc struct {
		Components struct {
			Schemas map[string]json.RawMessage `json:"schemas"`
		} `json:"components"`
	}
	require.NoError(t, json.Unmarshal(b, &doc))
	refs := regexp.MustCompile(`"\$ref": "#/components/schemas/([^"]+)"`).FindAllSubmatch(b, -1)
	require.NotEmpty(t, refs)
	for _, ref := range refs {
		require.Contains(t, doc.Components.Schemas, string(ref[1]))
	}
}

// The page loads nothing.
func TestDocsPage(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	r := f.sendWithKey(http.MethodGet, "/docs", "", nil)
	require.Equal(t, http.StatusOK, r.status)
	page := string(r.body)
	for _, want := range []string{"/v3/order", "Place an order", "X-Idempotency-Key", "/ops/orders/{order_id}/story",
		"patient_details"} {
		require.Contains(t, page, want)
	}
	require.NotContains(t, page, "<script")
	require.NotContains(t, page, "http://")
	require.NotContains(t, page, "https://")
	require.Contains(t, r.header.Get("Content-Security-Policy"), "default-src 'none'")
}
