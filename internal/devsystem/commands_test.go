package devsystem

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// The API and the workers render orders, whose link to the requisition needs the address of the API.
func TestTheProcessesThatRenderOrdersKnowTheAPIsAddress(t *testing.T) {
	t.Parallel()
	s := &system{options: Options{Program: "aliquot"}, folder: newFolder(t),
		addresses: addresses{api: "127.0.0.1:8080", lab: "127.0.0.1:8090", temporal: "127.0.0.1:7233",
			temporalUI: "127.0.0.1:8233"}}
	found := 0
	for _, c := range s.newCommands() {
		if c.name == temporalName || c.name == labName {
			continue
		}
		found++
		require.Contains(t, c.env, "ALIQUOT_PUBLIC_URL=http://127.0.0.1:8080", c.name)
	}
	require.Equal(t, 1+workerCount, found)
}
