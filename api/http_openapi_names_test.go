package api

import (
	"bufio"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Schema names and operation ids are part of the API: SDKs name their types and methods after them. The names derive
// from Go types, so this test finds a name that was lost by a rename. publishedSchemaNames keeps it.
func TestPublishedNamesAreInTheDocument(t *testing.T) {
	t.Parallel()
	text, err := Document()
	require.NoError(t, err)
	var doc struct {
		Components struct {
			Schemas map[string]any `json:"schemas"`
		} `json:"components"`
		Paths map[string]map[string]struct {
			OperationID string `json:"operationId"`
		} `json:"paths"`
	}
	require.NoError(t, json.Unmarshal(text, &doc))
	published := map[string]bool{}
	for name := range doc.Components.Schemas {
		published["schema "+name] = true
	}
	for _, operations := range doc.Paths {
		for _, op := range operations {
			published["operation "+op.OperationID] = true
		}
	}
	file, err := os.Open("testdata/openapi_names.txt")
	require.NoError(t, err)
	t.Cleanup(func() { _ = file.Close() })
	lines, checked := bufio.NewScanner(file), 0
	for lines.Scan() {
		name := strings.TrimSpace(lines.Text())
		require.True(t, published[name], "the document has no %s", name)
		checked++
	}
	require.NoError(t, lines.Err())
	require.Greater(t, checked, 200, "the list of names is complete")
}
