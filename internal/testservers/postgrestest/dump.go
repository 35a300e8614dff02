package postgrestest

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"testing"
)

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
