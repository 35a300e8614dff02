package main

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/internal/settings"
	"github.com/aliquot-labs/aliquot/store/keyring"
)

// A process is ready once its database has the schema. After that it does not ask, so that it stays ready while the
// database is away.
func TestAProcessIsReadyWithItsSchema(t *testing.T) {
	t.Parallel()
	key, err := keyring.NewEncryptionKey("k1")
	require.NoError(t, err)
	set, err := settings.LoadCommon([]string{"ALIQUOT_ENCRYPTION_KEYS=" + key,
		"ALIQUOT_DATABASE_URL=sqlite:" + filepath.Join(t.TempDir(), "a.db")})
	require.NoError(t, err)
	db, err := openStore(t.Context(), set, apiStatementLimit)
	require.NoError(t, err)
	notReadyBy := schemaReadiness(db)
	require.Equal(t, "migration_missing", notReadyBy())
	require.NoError(t, db.Migrate(t.Context()))
	require.Empty(t, notReadyBy())
	require.NoError(t, db.Close())
	require.Empty(t, notReadyBy())
}
