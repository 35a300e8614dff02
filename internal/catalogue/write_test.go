package catalogue_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/internal/catalogue"
	"github.com/aliquot-labs/aliquot/order"
)

// Read returns the catalogue that was written.
func TestFileOf(t *testing.T) {
	t.Parallel()
	demo, err := catalogue.DemoCatalogue()
	require.NoError(t, err)
	demo.Markers[0].Inactive, demo.Sites[0].Inactive = true, true
	demo.LabTests[0].Markers[0].Inactive = true
	text, err := json.Marshal(catalogue.FileOf(demo))
	require.NoError(t, err)
	again, problems := catalogue.Read([]catalogue.NamedFile{{Name: "again.json", File: file(t, string(text))}},
		order.Catalogue{})
	require.Empty(t, problems)
	require.Equal(t, demo.Markers, again.Markers)
	require.Equal(t, demo.LabTests, again.LabTests)
	require.Equal(t, demo, again)
}
