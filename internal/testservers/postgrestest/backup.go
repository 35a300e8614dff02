package postgrestest

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
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
