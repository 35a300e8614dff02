package sqldb

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// filesOf lists the files below a folder with their modes.
func filesOf(t *testing.T, folder string) map[string]fs.FileMode {
	t.Helper()
	found := map[string]fs.FileMode{}
	require.NoError(t, filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		name, _ := filepath.Rel(folder, path)
		found[name] = info.Mode().Perm()
		return err
	}))
	return found
}

// writeOne opens a database, writes a row and reads it.
func writeOne(t *testing.T, url string) *DB {
	t.Helper()
	db, err := Open(url, 2)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	_, err = db.Writer.ExecContext(t.Context(), `CREATE TABLE IF NOT EXISTS things (size INTEGER)`)
	require.NoError(t, err)
	_, err = db.Writer.ExecContext(t.Context(), `INSERT INTO things VALUES (1)`)
	require.NoError(t, err)
	n, err := QueryOne(t.Context(), db.Reader, ScanInt, `SELECT count(*) FROM things`)
	require.NoError(t, err)
	require.Positive(t, n)
	return db
}

func TestAPathIsTakenAsItIs(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"a.db", "lab #2/a.db", "lab?mode=memory/a.db", "lab%25/a.db", "lab%23/a.db",
		"a#b?c%d.db",
		"a.db?cache=shared", "a b.db", "ä.db", "a&b=c;d.db", "%00.db", `quo'te".db`} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			path := filepath.Join(folder, name)
			require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
			writeOne(t, "sqlite:"+path)
			require.Equal(t, map[string]fs.FileMode{name: 0o600, name + "-wal": 0o600, name + "-shm": 0o600},
				filesOf(t, folder))
		})
	}
}

func TestTheFilesOfADatabaseAreForTheirOwner(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path := filepath.Join(folder, "a.db")
	writeOne(t, "sqlite:"+path)
	for _, end := range []string{"", "-wal", "-shm"} { // as a build made them that did not care
		require.NoError(t, os.Chmod(path+end, 0o664))
	}
	writeOne(t, "sqlite:"+path)
	require.Equal(t, map[string]fs.FileMode{"a.db": 0o600, "a.db-wal": 0o600, "a.db-shm": 0o600}, filesOf(t, folder))
}

func TestTheFilesBehindALinkAreForTheirOwner(t *testing.T) {
	t.Parallel()
	folder, links := t.TempDir(), t.TempDir()
	path := filepath.Join(folder, "a.db")
	writeOne(t, "sqlite:"+path)
	for _, end := range []string{"", "-wal", "-shm"} {
		require.NoError(t, os.Chmod(path+end, 0o666))
	}
	require.NoError(t, os.Symlink(path, filepath.Join(links, "link.db")))
	writeOne(t, "sqlite:"+filepath.Join(links, "link.db"))
	require.Equal(t, map[string]fs.FileMode{"a.db": 0o600, "a.db-wal": 0o600, "a.db-shm": 0o600}, filesOf(t, folder))
}

func TestPathsThatNameNoFileAreRefused(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"", " a.db", "a.db\n", "a\n.db", "//host/a.db", ":memory:"} {
		_, err := Open("sqlite:"+path, 1)
		require.Error(t, err, "%q", path)
	}
}

func TestAFileThatCannotBeMadeIsExplained(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(folder, "file"), nil, 0o600))
	require.NoError(t, os.Symlink(filepath.Join(folder, "gone"), filepath.Join(folder, "link")))
	for path, want := range map[string]string{
		"missing/a.db":      "there is no folder " + filepath.Join(folder, "missing") + ": create it",
		"missing/deep/a.db": "there is no folder " + filepath.Join(folder, "missing/deep"),
		"link/a.db":         "there is no folder " + filepath.Join(folder, "link"),
		"file/a.db":         filepath.Join(folder, "file") + " is no folder",
		"file/deep/a.db":    filepath.Join(folder, "file/deep") + " is no folder",
		".":                 folder + " is a folder: the URL needs the name of a file",
	} {
		db, err := Open("sqlite:"+filepath.Join(folder, path), 1)
		require.NoError(t, err)
		require.ErrorContains(t, db.Ping(t.Context()), want)
		require.NoError(t, db.Close())
	}
	require.Equal(t, map[string]fs.FileMode{"file": 0o600, "link": 0o777}, filesOf(t, folder), "nothing was made")
}
