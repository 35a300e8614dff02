// Package sqlitetest gives each test its own SQLite database. The database is copied from one that is created once,
// because migrations are slow under the race detector.
package sqlitetest

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// Template is a database that is created when it is first copied.
type Template struct {
	content func() ([]byte, error)
}

// NewTemplate returns a template whose content the function create writes to the database at the URL. The function must
// close the database before it returns.
func NewTemplate(create func(url string) error) *Template {
	return &Template{content: sync.OnceValues(func() ([]byte, error) {
		dir, err := os.MkdirTemp("", "aliquot-sqlite-")
		if err != nil {
			return nil, err
		}
		defer func() { _ = os.RemoveAll(dir) }() // the system removes temporary files otherwise
		file := filepath.Join(dir, "template.db")
		if err := create("sqlite:" + file); err != nil {
			return nil, fmt.Errorf("making a database to copy: %w", err)
		}
		return os.ReadFile(file)
	})}
}

// Copy writes a copy of the template to a file that is removed when the test ends. The URL of the copy is "sqlite:"
// followed by the path.
func (c *Template) Copy(t testing.TB) (file string) {
	t.Helper()
	content, err := c.content()
	if err != nil {
		t.Fatalf("sqlitetest: %v", err)
	}
	file = filepath.Join(t.TempDir(), "store.db")
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatalf("sqlitetest: %v", err)
	}
	return file
}
