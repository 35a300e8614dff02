package postgrestest

import (
	"errors"
	"fmt"
	"sync"
	"testing"
)

// Template is a database that is made when it is first copied: migrations take
// seconds under the race detector, a copy takes a fraction of one.
type Template struct {
	made func(url string) error

	mu           sync.Mutex
	server, name string // empty until it is made
}

// NewTemplate is a database as made leaves it, at the URL that it is given. It
// has to be closed by then.
func NewTemplate(made func(url string) error) *Template { return &Template{made: made} }

// Copy returns the URL of a copy, which is dropped when the test ends. The test
// fails if there is no server.
func (c *Template) Copy(t testing.TB) string {
	t.Helper()
	name, err := c.ready()
	if err != nil {
		t.Fatalf("pgtest: making a database to copy: %v", err)
	}
	return copied(t, name)
}

// ready makes the template unless it is made already, and returns its name.
func (c *Template) ready() (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.name != "" {
		return c.name, nil
	}
	server, err := serverURL()
	if err != nil {
		return "", err
	}
	name, dsn, err := create(server, "template0")
	if err != nil {
		return "", err
	}
	if err := c.made(dsn); err != nil {
		return "", errors.Join(err, drop(server, name))
	}
	// The server copies a database only while nobody is connected to it.
	if err := execute(server, "ALTER DATABASE "+name+" ALLOW_CONNECTIONS false"); err != nil {
		return "", errors.Join(fmt.Errorf("closing database %s: %w", name, err), drop(server, name))
	}
	c.server, c.name = server, name
	return name, nil
}

// Drop removes the template, after all tests of the process.
func (c *Template) Drop() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.name == "" {
		return nil
	}
	err := drop(c.server, c.name)
	c.name = ""
	return err
}
