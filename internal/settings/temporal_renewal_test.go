package settings_test

import (
	"bytes"
	"log/slog"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/internal/settings"
)

func TestAnAPIKeyIsReadAgain(t *testing.T) {
	t.Parallel()
	file := t.TempDir() + "/key"
	write := func(content string) { require.NoError(t, os.WriteFile(file, []byte(content), 0o600)) }
	write("key-1\n")
	set, err := settings.LoadRollout([]string{"ALIQUOT_TEMPORAL_API_KEY_FILE=" + file})
	require.NoError(t, err)
	var logged bytes.Buffer
	read := set.APIKeySource(slog.New(slog.NewTextHandler(&logged, nil)))
	current := func() string {
		key, err := read(t.Context())
		require.NoError(t, err)
		return key
	}
	require.Equal(t, "key-1", current())
	write("key-2")
	require.Equal(t, "key-2", current())
	require.Empty(t, logged.String())
	for _, bad := range []string{"", "\n", "key-3 key-4", "key-3\nkey-4"} {
		write(bad)
		require.Equal(t, "key-2", current(), "%q", bad)
		require.Equal(t, "key-2", current(), "%q", bad)
	}
	require.NoError(t, os.Remove(file))
	require.Equal(t, "key-2", current())
	require.Equal(t, 3, strings.Count(logged.String(), "cannot be read"), "each problem is logged once: %s", &logged)
	write("key-5")
	require.Equal(t, "key-5", current())
	require.Contains(t, logged.String(), "can be read again")
	require.NotContains(t, logged.String(), "key-", "keys stay out of logs")
}

func TestAnAPIKeyOfAVariableStays(t *testing.T) {
	t.Parallel()
	set, err := settings.LoadRollout([]string{"ALIQUOT_TEMPORAL_API_KEY=key-1"})
	require.NoError(t, err)
	key, err := set.APIKeySource(slog.New(slog.DiscardHandler))(t.Context())
	require.NoError(t, err)
	require.Equal(t, "key-1", key)
}
