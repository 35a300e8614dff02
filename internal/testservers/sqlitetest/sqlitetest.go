// Package sqlitetest gives each test a database of SQLite of its own, copied
// from one that is made once: the race detector makes migrations slow.
package sqlitetest

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// Template is a database that is made when it is first copied.
type Template struct {
	content func() ([]byte, error)
}

// NewTemplate is a database as made leaves it, at the URL that it is given. It has to be closed by then.
func NewTemplate(create func(url string) error) *Template {
	return &Template{content: sync.OnceValues(func() ([]byte, error) {
		dir, err := os.MkdirTemp("", "aliquot-sqlite-")
		if err != nil {
			return nil, err
		}
		defer func() { _ = os.RemoveAll(dir) }() // the system does so otherwise
		file := filepath.Join(dir, "template.db")
		if err := create("sqlite:" + file); err != nil {
			return nil, fmt.Errorf("making a database to copy: %w", err)
		}
		return os.ReadFile(file)
	})}
}

// Copy returns the file of a copy, which goes with the test. Its URL is "sqlite:" and that.
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
