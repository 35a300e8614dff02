// Package postgrestest gives tests PostgreSQL databases on a real server.
//
// The server is the one whose URL is in ALIQUOT_TEST_POSTGRES (`make test` starts one for the whole run). Without it,
// the first test of a process starts a temporary server, which ends with the process.
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

// ServerVariable is the environment variable that holds the URL of a server to use. The user of the URL must be allowed
// to create databases and roles.
const ServerVariable = "ALIQUOT_TEST_POSTGRES"

// queryPatience bounds the creation or removal of one database.
const queryPatience = 60 * time.Second

// processServer starts the server of this process. It ends with the process.
var processServer = sync.OnceValues(func() (*Server, error) {
	return Start(context.Background())
})

// NewDatabase creates an empty database for the test and returns its URL, with the role OwnerRole. The
// database is dropped when the test ends.
// The test fails if there is no server.
func NewDatabase(t testing.TB) string {
	t.Helper()
	// template0 accepts no connections, so several tests can copy it at the same time.
	return copyDatabase(t, "template0")
}

// copyDatabase copies a database for the test and returns the copy's URL. The copy is dropped when the test ends.
func copyDatabase(t testing.TB, template string) string {
	t.Helper()
	server, err := serverURL()
	if err != nil {
		t.Fatalf("postgrestest: %v", err)
	}
	name, dsn, err := createDatabase(server, template)
	if err != nil {
		t.Fatalf("postgrestest: %v", err)
	}
	t.Cleanup(func() {
		if err := dropDatabase(server, name); err != nil {
			t.Errorf("postgrestest: %v", err)
		}
	})
	return dsn
}

// serverURL returns the URL of the server in ALIQUOT_TEST_POSTGRES, or else of the server of this process.
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

// createDatabase creates a database with the content of another and returns its name, and its URL with its owner.
func createDatabase(server, template string) (name, dsn string, err error) {
	name = "test_" + strings.ToLower(rand.Text())
	dsn, err = createNamedDatabase(server, name, template)
	return name, dsn, err
}

func createNamedDatabase(server, name, template string) (dsn string, err error) {
	dsn, err = withDatabase(server, name)
	if err != nil {
		return "", err
	}
	if err := createRoles(server); err != nil {
		return "", err
	}
	if err := execute(server, "CREATE DATABASE "+name+" OWNER "+OwnerRole+" TEMPLATE "+template); err != nil {
		return "", fmt.Errorf("creating database %s: %w", name, err)
	}
	return AsRole(dsn, OwnerRole), nil
}

func dropDatabase(server, name string) error {
	if err := execute(server, "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
		return fmt.Errorf("dropping database %s: %w", name, err)
	}
	return nil
}

// execute runs one statement on a new connection. It does not use the context of the test, which has ended when
// cleanups run.
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
