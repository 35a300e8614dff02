package postgrestest

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"testing"
)

// Backup writes a database to a file, as docs/operations.md says, while others work on it.
func Backup(ctx context.Context, dsn, file string) error {
	return runProgram(ctx, "pg_dump", "--format=custom", "--file="+file, dsn)
}

// Restore brings a file that Backup wrote into an empty database.
func Restore(ctx context.Context, dsn, file string) error {
	return runProgram(ctx, "pg_restore", "--exit-on-error", "--no-owner", "--dbname="+dsn, file)
}

// runProgram runs one of PostgreSQL's programs.
func runProgram(ctx context.Context, program string, args ...string) error {
	bin, err := findBinaries(program)
	if err != nil {
		return err
	}
	if out, err := exec.CommandContext(ctx, filepath.Join(bin, program), args...).CombinedOutput(); err != nil {
		return fmt.Errorf("running %s: %w: %s", program, err, out)
	}
	return nil
}

// Dump returns what pg_dump writes of a database: everything in it, as SQL. The test fails if there is no pg_dump, or if it does.
func Dump(t testing.TB, dsn string) []byte {
	t.Helper()
	bin, err := findBinaries("pg_dump")
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	var dump, complaints bytes.Buffer
	cmd := exec.CommandContext(t.Context(), filepath.Join(bin, "pg_dump"), "--no-password", "--dbname="+dsn)
	cmd.Stdout, cmd.Stderr = &dump, &complaints
	if err := cmd.Run(); err != nil {
		t.Fatalf("pgtest: dumping: %v: %s", err, complaints.Bytes())
	}
	return dump.Bytes()
}
