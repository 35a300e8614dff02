package sqldb

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
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
	case path == ":memory:":
		return errors.New("names no file: what is in memory is lost, and each connection has its own")
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
// the files that are there. Files of another user stay as they are. If there is no file and none can be made, the error
// says why.
func makePrivate(path string) error {
	makingPrivate.Lock()
	defer makingPrivate.Unlock()
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err == nil {
		err = file.Close()
	}
	if err == nil {
		return nil
	}
	if !errors.Is(err, fs.ErrExist) {
		return unusableFile(path, err)
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return fmt.Errorf("%w: %s is a folder: the URL needs the name of a file in it", ErrUnusableFile,
			absolutePath(path))
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

// ErrUnusableFile means that the path of a SQLite database names no file that exists or can be made. The error says
// why.
var ErrUnusableFile = errors.New("opening SQLite")

// unusableFile returns an error that says why a file could not be made: SQLite says only that it cannot be opened.
func unusableFile(path string, cause error) error {
	folder := filepath.Dir(absolutePath(path))
	info, err := os.Stat(folder)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w: there is no folder %s: create it, or correct the URL", ErrUnusableFile, folder)
	case err == nil && !info.IsDir(), errors.Is(err, syscall.ENOTDIR):
		return fmt.Errorf("%w: %s is no folder: correct the URL", ErrUnusableFile, folder)
	}
	return fmt.Errorf("%w: the database's file cannot be made in the folder %s: %w", ErrUnusableFile, folder, cause)
}

// absolutePath returns the path from the root, where the working folder is known.
func absolutePath(path string) string {
	if absolute, err := filepath.Abs(path); err == nil {
		return absolute
	}
	return path
}
