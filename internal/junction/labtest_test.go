package junction_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/internal/junction"
	"github.com/aliquot-labs/aliquot/order"
)

func TestFromLabTest(t *testing.T) {
	t.Parallel()
	test := testkitOrder().LabTest
	b, err := json.Marshal(junction.FromLabTest(test))
	require.NoError(t, err)
	m := decode(t, b)
	require.Equal(t, true, m["is_active"])
	require.Equal(t, false, m["has_collection_instructions"])
	require.NotContains(t, m, "description")
	require.Equal(t, "mtl", m["lab"].(map[string]any)["slug"])
	require.Equal(t, []any{}, m["lab"].(map[string]any)["collection_methods"])
	marker := m["markers"].([]any)[0].(map[string]any)
	require.Equal(t, "hdl", marker["slug"])
	require.Contains(t, marker, "aoe")
	require.Nil(t, marker["aoe"])

	test.Status, test.Lab = "inactive", nil
	inactive := junction.FromLabTest(test)
	require.False(t, inactive.IsActive)
	require.Nil(t, inactive.Lab)
}

func TestUserHasEveryKey(t *testing.T) {
	t.Parallel()
	b, err := json.Marshal(junction.ClientFacingUser{ConnectedSources: []junction.ConnectedSource{},
		IngestionStart: &order.Date{Year: 2026, Month: 1, Day: 2}})
	require.NoError(t, err)
	m := decode(t, b)
	for _, key := range []string{
		"user_id", "team_id", "client_user_id", "created_on", "connected_sources", "fallback_time_zone",
		"fallback_birth_date",
		"ingestion_start", "ingestion_end",
	} {
		require.Contains(t, m, key)
	}
	require.Equal(t, []any{}, m["connected_sources"])
	require.Equal(t, "2026-01-02", m["ingestion_start"])
}
