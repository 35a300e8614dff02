package sqldb

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"unicode"
)

// CheckSQLitePath returns an error if a text cannot be the path of a SQLite file. A path is taken as it is: no
// character of it is an escape or begins options.
func CheckSQLitePath(path string) error {
	switch {
	case path == "":
		return errors.New("names no file")
	case strings.TrimSpace(path) != path:
		return errors.New("names a file with a blank before or after its path")
	case strings.ContainsFunc(path, unicode.IsControl):
		return errors.New("names a file with a control character, such as a line feed")
	case strings.HasPrefix(path, "//") && !strings.HasPrefix(path, "///"):
		return errors.New("names a host: write sqlite:PATH, or sqlite:/PATH from the root")
	}
	return nil
}

// uriEscapes are the characters that mean something in SQLite's URIs.
var uriEscapes = strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23")

// fileURI returns the URI of a file for SQLite.
func fileURI(path string) string { return "file:" + uriEscapes.Replace(path) }

// sqliteFiles are the ends of the names of a database's files. SQLite gives those that it makes the mode of the first.
var sqliteFiles = []string{"", "-wal", "-shm", "-journal"}

// makingPrivate is held while a file is made and closed, because the closing of a file takes away the locks that the
// process has on it.
var makingPrivate sync.Mutex

// makePrivate makes the file of a database, if there is none, for its owner only, and takes the rights of others from
// the files that are there. Files of another user stay as they are. A path in no folder is an error of SQLite's.
func makePrivate(path string) error {
	if path == ":memory:" {
		return nil
	}
	makingPrivate.Lock()
	defer makingPrivate.Unlock()
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err == nil {
		err = file.Close()
	}
	if err == nil || !errors.Is(err, fs.ErrExist) {
		return nil // SQLite says what is wrong with the path
	}
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target // SQLite makes its other files there
	}
	for _, end := range sqliteFiles {
		info, err := os.Stat(path + end)
		if err != nil || !info.Mode().IsRegular() || info.Mode().Perm()&0o077 == 0 {
			continue
		}
		if err := os.Chmod(path+end, info.Mode().Perm()&0o700); err != nil && !errors.Is(err, fs.ErrPermission) &&
			!errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("making the database's file private: %w", err)
		}
	}
	return nil
}
