// Package postgrestest gives tests PostgreSQL databases on a real server.
//
// The server is the one that ALIQUOT_TEST_POSTGRES names by URL (`make test`
// starts one for the whole run), else a temporary one which the first test of a
// process starts and which ends with the process.
package postgrestest

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// ServerVariable is the environment variable that holds the URL of a server to
// use, as a user who may create databases.
const ServerVariable = "ALIQUOT_TEST_POSTGRES"

// queryPatience bounds the creation and the removal of one database.
const queryPatience = 60 * time.Second

// processServer is this process's server. Nobody stops it: it ends with the process.
var processServer = sync.OnceValues(func() (*Server, error) {
	return Start(context.Background())
})

// NewDatabase returns the URL of a new, empty database of the test's own, which is
// dropped when the test ends. The test fails if there is no server.
func NewDatabase(t testing.TB) string {
	t.Helper()
	// template0 takes no connections, so that tests can copy it at the same time.
	return copied(t, "template0")
}

// copied returns the URL of a database with the content of another, which is
// dropped when the test ends.
func copied(t testing.TB, template string) string {
	t.Helper()
	server, err := serverURL()
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	name, dsn, err := create(server, template)
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	t.Cleanup(func() {
		if err := drop(server, name); err != nil {
			t.Errorf("pgtest: %v", err)
		}
	})
	return dsn
}

// serverURL is the server that the environment names, else this process's own.
func serverURL() (string, error) {
	if server := os.Getenv(ServerVariable); server != "" {
		return server, nil
	}
	s, err := processServer()
	if err != nil {
		return "", err
	}
	return s.URL, nil
}

// create makes a database with the content of another.
func create(server, template string) (name, dsn string, err error) {
	name = "test_" + strings.ToLower(rand.Text())
	dsn, err = withDatabase(server, name)
	if err != nil {
		return "", "", err
	}
	if err := execute(server, "CREATE DATABASE "+name+" TEMPLATE "+template); err != nil {
		return "", "", fmt.Errorf("creating database %s: %w", name, err)
	}
	return name, dsn, nil
}

func drop(server, name string) error {
	if err := execute(server, "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
		return fmt.Errorf("dropping database %s: %w", name, err)
	}
	return nil
}

// execute runs one statement on a connection of its own. It takes no context
// from the test, whose own has ended when cleanups run.
func execute(server, statement string) error {
	ctx, cancel := context.WithTimeout(context.Background(), queryPatience)
	defer cancel()
	conn, err := pgx.Connect(ctx, server)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, statement)
	return err
}
