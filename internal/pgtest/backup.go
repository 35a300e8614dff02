package pgtest

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
)

// Backup writes a database to a file, as docs/operations.md says, while others work on it.
func Backup(ctx context.Context, dsn, file string) error {
	return run(ctx, "pg_dump", "--format=custom", "--file="+file, dsn)
}

// Restore brings a file that Backup wrote into an empty database.
func Restore(ctx context.Context, dsn, file string) error {
	return run(ctx, "pg_restore", "--exit-on-error", "--no-owner", "--dbname="+dsn, file)
}

// run runs one of PostgreSQL's programs.
func run(ctx context.Context, program string, args ...string) error {
	bin, err := binaries(program)
	if err != nil {
		return err
	}
	if out, err := exec.CommandContext(ctx, filepath.Join(bin, program), args...).CombinedOutput(); err != nil {
		return fmt.Errorf("running %s: %w: %s", program, err, out)
	}
	return nil
}
