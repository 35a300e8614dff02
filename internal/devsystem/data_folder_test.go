package devsystem

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/store/keyring"
	"github.com/aliquot-labs/aliquot/webhooks"
)

func TestAFolderHasOneSystem(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "new", "data")
	f, err := openFolder(path)
	require.NoError(t, err)
	require.NoError(t, f.write(EnvFile, nil))

	_, err = openFolder(path)
	require.ErrorContains(t, err, "another aliquot dev (process "+strconv.Itoa(os.Getpid())+") runs on "+path)
	require.FileExists(t, f.pathOf(EnvFile), "the second one has changed nothing")

	require.NoError(t, f.release())
	require.NoFileExists(t, f.pathOf(EnvFile), "nothing runs any more")
	again, err := openFolder(path)
	require.NoError(t, err)
	require.NoError(t, again.release())
}

func TestRunFilesOfAKilledSystemAreRemoved(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	for _, name := range []string{EnvFile, PIDFile} {
		require.NoError(t, os.WriteFile(filepath.Join(path, name), []byte("old"), 0o600))
	}
	f, err := openFolder(path)
	require.NoError(t, err)
	require.NoFileExists(t, f.pathOf(EnvFile))
	require.NoFileExists(t, f.pathOf(PIDFile))
	require.NoError(t, f.release())
}

func TestTheLastLogIsKept(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	for _, text := range []string{"first", "second"} {
		file, err := f.openLog("api")
		require.NoError(t, err)
		_, err = file.WriteString(text)
		require.NoError(t, err)
		require.NoError(t, file.Close())
	}
	require.Equal(t, "second", readLog(t, f, "api"))
	kept, err := os.ReadFile(f.pathOf("logs/api.log.1"))
	require.NoError(t, err)
	require.Equal(t, "first", string(kept))
}

func TestSecretsAreMadeOnceAndKept(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	s, err := loadSecrets(f)
	require.NoError(t, err)
	_, err = keyring.Parse(s.EncryptionKeys)
	require.NoError(t, err)
	_, err = webhooks.ParseSecret(s.EndpointSecret)
	require.NoError(t, err)
	require.NotEqual(t, s.ClientKey, s.OperationsKey)

	info, err := os.Stat(f.pathOf(secretsFile))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	again, err := loadSecrets(f)
	require.NoError(t, err)
	require.Equal(t, s, again)

	require.NoError(t, f.write(secretsFile, []byte("{")))
	_, err = loadSecrets(f)
	require.ErrorContains(t, err, "reading secrets.json",
		"secrets that cannot be read are not generated again: the data would be lost")
}

func TestAReceiverElsewhereIsAnotherEndpoint(t *testing.T) {
	t.Parallel()
	s, err := loadSecrets(newFolder(t))
	require.NoError(t, err)
	id, secret := s.EndpointID, s.EndpointSecret
	move := func(url string) string {
		old, err := s.replaceMovedEndpoint(url)
		require.NoError(t, err)
		return old
	}
	require.Empty(t, move("http://127.0.0.1:1/webhooks"), "the first address is no move")
	require.Empty(t, move("http://127.0.0.1:1/webhooks"))
	require.Equal(t, id, s.EndpointID)
	require.Equal(t, id, move("http://127.0.0.1:2/webhooks"))
	require.NotEqual(t, id, s.EndpointID)
	require.NotEqual(t, secret, s.EndpointSecret)
}
