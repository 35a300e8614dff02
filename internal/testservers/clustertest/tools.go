package clustertest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
)

// ToolsVariable names the directory of temporal-server and temporal-sql-tool.
// Defaults to bin/tools of the repository.
const ToolsVariable = "ALIQUOT_TEST_CLUSTER"

// ErrNoTools is returned when the programs of a Temporal server are missing on this machine.
var ErrNoTools = errors.New("no temporal-server and temporal-sql-tool in " + ToolsVariable +
	" or bin/tools: run `make cluster`")

// tools are the paths of a cluster's programs.
type tools struct{ server, sqlTool string }

func findTools() (tools, error) {
	dir := os.Getenv(ToolsVariable)
	if dir == "" {
		root, err := RepositoryRoot()
		if err != nil {
			return tools{}, err
		}
		dir = filepath.Join(root, "bin", "tools")
	}
	found := tools{server: filepath.Join(dir, "temporal-server"), sqlTool: filepath.Join(dir, "temporal-sql-tool")}
	for _, path := range []string{found.server, found.sqlTool} {
		if _, err := exec.LookPath(path); err != nil {
			return tools{}, errors.Join(ErrNoTools, err)
		}
	}
	return found, nil
}

// RepositoryRoot returns the nearest directory above the test's working directory that has a go.mod.
func RepositoryRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("no go.mod above the working directory")
		}
		dir = parent
	}
}

// migrate creates the schema of a database. The SQL tool contains the schema.
func (t tools) migrate(ctx context.Context, server, database string) error {
	schema := "postgresql/v12/temporal"
	if database == visibilityDatabase {
		schema = "postgresql/v12/visibility"
	}
	for _, args := range [][]string{{"setup-schema", "-v", "0.0"}, {"update-schema", "--schema-name", schema}} {
		if err := t.runSQLTool(ctx, server, database, args...); err != nil {
			return err
		}
	}
	return nil
}

func (t tools) runSQLTool(ctx context.Context, server, database string, args ...string) error {
	address, err := url.Parse(server)
	if err != nil {
		return fmt.Errorf("reading the address of PostgreSQL: %w", err)
	}
	args = append([]string{
		"--plugin", "postgres12", "--endpoint", address.Hostname(), "--port", address.Port(), "--user", "postgres",
		"--password", "x",
		"--database", database,
	}, args...)
	out, err := exec.CommandContext(ctx, t.sqlTool, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("setting up the database %s: %w: %s", database, err, out)
	}
	return nil
}
