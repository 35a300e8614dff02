package postgrestest

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"testing"
)

// Backup writes a database to a file, as docs/operations.md describes it. Other connections may use the database
// meanwhile.
func Backup(ctx context.Context, dsn, file string) error {
	return runProgram(ctx, "pg_dump", "--format=custom", "--file="+file, dsn)
}

// Restore loads a file that Backup wrote into an empty database.
func Restore(ctx context.Context, dsn, file string) error {
	return runProgram(ctx, "pg_restore", "--exit-on-error", "--no-owner", "--dbname="+dsn, file)
}

// runProgram runs one of PostgreSQL's programs and returns its output in the error if it fails.
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

// Dump returns the whole content of a database as SQL, written by pg_dump. The test fails if pg_dump is missing or
// fails.
func Dump(t testing.TB, dsn string) []byte {
	t.Helper()
	bin, err := findBinaries("pg_dump")
	if err != nil {
		t.Fatalf("postgrestest: %v", err)
	}
	var dump, complaints bytes.Buffer
	cmd := exec.CommandContext(t.Context(), filepath.Join(bin, "pg_dump"), "--no-password", "--dbname="+dsn)
	cmd.Stdout, cmd.Stderr = &dump, &complaints
	if err := cmd.Run(); err != nil {
		t.Fatalf("postgrestest: dumping: %v: %s", err, complaints.Bytes())
	}
	return dump.Bytes()
}
