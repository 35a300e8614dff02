package main

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/internal/testids"
	"github.com/aliquot-labs/aliquot/store"
)

// The steps of docs/security.md, on a database with one sealed value.
func TestAKeyIsRotatedAndTheOldOneRemoved(t *testing.T) {
	t.Setenv("ALIQUOT_DATABASE_URL", "sqlite:"+filepath.Join(t.TempDir(), "a.db"))
	older := strings.TrimSpace(mustCommand(t, "key", "new-encryption", "older"))
	t.Setenv("ALIQUOT_ENCRYPTION_KEYS", older)
	mustCommand(t, "migrate")
	require.NoError(t, withStore(t.Context(), func(db *store.Store) error {
		team := store.Team{ID: testids.Of("t"), Name: "T", Environment: store.Sandbox}
		return errors.Join(db.CreateTeam(t.Context(), team),
			db.CreateUser(t.Context(), store.User{ID: testids.Of("u"), TeamID: testids.Of("t"), ClientUserID: "c",
				FallbackBirthDate: new("1990-01-01")}))
	}))

	t.Setenv("ALIQUOT_MASTER_KEY", strings.TrimSpace(mustCommand(t, "key", "new-encryption", "master")))
	newer := strings.TrimSpace(mustCommand(t, "key", "new-encryption", "newer", "--wrap"))
	require.Contains(t, newer, "newer:wrapped:")
	t.Setenv("ALIQUOT_ENCRYPTION_KEYS", newer+","+older)
	checked := mustCommand(t, "key", "rotate", "--check")
	require.Contains(t, checked, "key newer: 0 values, 0 search hashes (in front)")
	require.Contains(t, checked, "key older: 1 values, 0 search hashes\n", "and no word of removing it")

	rotated := mustCommand(t, "key", "rotate")
	require.Contains(t, rotated, "users.fallback_birth_date: 1 replaced")
	require.Contains(t, rotated, "key newer: 1 values, 0 search hashes (in front)")
	require.Contains(t, rotated, "key older: 0 values, 0 search hashes: can be removed")
	require.NotContains(t, mustCommand(t, "key", "rotate"), "replaced")

	t.Setenv("ALIQUOT_ENCRYPTION_KEYS", newer)
	require.NoError(t, withStore(t.Context(), func(db *store.Store) error {
		u, err := db.User(t.Context(), testids.Of("t"), testids.Of("u"))
		require.Equal(t, "1990-01-01", *u.FallbackBirthDate)
		return err
	}))

	// A value that no key of the settings opens is reported, and the command fails.
	t.Setenv("ALIQUOT_ENCRYPTION_KEYS", older)
	out, err := runInProcess(t, "key", "rotate")
	require.ErrorContains(t, err, "not readable")
	require.Contains(t, out, "users.fallback_birth_date: 0 replaced, 1 UNREADABLE")
	require.Contains(t, out, "keys that are not in the settings: 1 values")
}

func TestWrappingNeedsAMasterKey(t *testing.T) {
	t.Setenv("ALIQUOT_MASTER_KEY", "")
	_, err := runInProcess(t, "key", "new-encryption", "--wrap")
	require.ErrorContains(t, err, "ALIQUOT_MASTER_KEY")
}
