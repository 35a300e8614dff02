package postgrestest

import (
	"errors"
	"fmt"
	"sync"
	"testing"
)

// Template is a database that is created when it is first copied. Migrations take seconds under the race detector, a
// copy takes a fraction of a second.
type Template struct {
	create func(url string) error

	mu           sync.Mutex
	server, name string // empty until the database is created
}

// NewTemplate returns a template whose content the function create writes in the database at the URL, with the role
// OwnerRole. The function must close its connections before it returns.
func NewTemplate(create func(url string) error) *Template { return &Template{create: create} }

// Copy creates a copy for the test and returns its URL, with the role OwnerRole. The copy is dropped when the test
// ends. The test fails if there is no server.
func (c *Template) Copy(t testing.TB) string {
	t.Helper()
	name, err := c.createIfMissing()
	if err != nil {
		t.Fatalf("postgrestest: making a database to copy: %v", err)
	}
	return copyDatabase(t, name)
}

// createIfMissing creates the template if it does not exist yet, and returns its name.
func (c *Template) createIfMissing() (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.name != "" {
		return c.name, nil
	}
	server, err := serverURL()
	if err != nil {
		return "", err
	}
	name, dsn, err := createDatabase(server, "template0")
	if err != nil {
		return "", err
	}
	if err := c.create(dsn); err != nil {
		return "", errors.Join(err, dropDatabase(server, name))
	}
	// PostgreSQL copies a database only while no client is connected to it.
	if err := execute(server, "ALTER DATABASE "+name+" ALLOW_CONNECTIONS false"); err != nil {
		return "", errors.Join(fmt.Errorf("closing database %s: %w", name, err), dropDatabase(server, name))
	}
	c.server, c.name = server, name
	return name, nil
}

// Drop removes the template. It is called after all tests of the process.
func (c *Template) Drop() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.name == "" {
		return nil
	}
	err := dropDatabase(c.server, c.name)
	c.name = ""
	return err
}
