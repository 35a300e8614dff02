package main

import (
	"errors"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/internal/settings"
	"github.com/aliquot-labs/aliquot/internal/testservers/postgrestest"
)

// composeDatabase is a server as in docker/compose.yaml: with its roles, databases, certificate and rules of access.
type composeDatabase struct {
	t       *testing.T
	secrets string // the directory of the secrets
	host    string
}

// startComposeDatabase makes the secrets and sets a new server up with the files of docker/postgres.
func startComposeDatabase(t *testing.T) *composeDatabase {
	t.Helper()
	dir := t.TempDir()
	d := &composeDatabase{t: t, secrets: filepath.Join(dir, "secrets")}
	script := d.dockerFile("secrets.sh")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "secrets.sh"), script, 0o700))
	for range 2 { // it can be run again
		out, err := exec.CommandContext(t.Context(), filepath.Join(dir, "secrets.sh")).CombinedOutput()
		require.NoError(t, err, string(out))
	}
	require.Empty(t, strings.TrimSpace(d.secret("courier_key")), "no parcel is tracked until EasyPost has issued a key")

	server, err := postgrestest.Start(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Stop()) })
	u, err := url.Parse(server.URL)
	require.NoError(t, err)
	d.host = "localhost:" + u.Port()

	databases := strings.ReplaceAll(string(d.dockerFile("postgres/databases.sql")), "/run/secrets", d.secrets)
	psql := exec.CommandContext(t.Context(), "psql", "-v", "ON_ERROR_STOP=1", "--no-psqlrc", server.URL)
	psql.Stdin = strings.NewReader(databases)
	out, err := psql.CombinedOutput()
	require.NoError(t, err, string(out))
	d.restrictAccess(server.URL)
	return d
}

// restrictAccess makes the server use the certificate and the rules of access, as docker/postgres/server.sh does.
func (d *composeDatabase) restrictAccess(superuser string) {
	d.t.Helper()
	conn, err := pgx.Connect(d.t.Context(), superuser)
	require.NoError(d.t, err)
	defer func() { require.NoError(d.t, conn.Close(d.t.Context())) }()
	var data string
	require.NoError(d.t, conn.QueryRow(d.t.Context(), `SHOW data_directory`).Scan(&data))
	info, err := os.Stat(data)
	require.NoError(d.t, err)
	owner := info.Sys().(*syscall.Stat_t)
	for name, content := range map[string][]byte{
		"server.crt": []byte(d.secret("database_certificate")), "server.key": []byte(d.secret("database_key")),
		"pg_hba.conf": d.dockerFile("postgres/pg_hba.conf"),
	} {
		path := filepath.Join(data, name)
		require.NoError(d.t, os.WriteFile(path, content, 0o600))
		require.NoError(d.t, os.Chown(path, int(owner.Uid), int(owner.Gid)))
	}
	for _, statement := range []string{`ALTER SYSTEM SET ssl = on`, `SELECT pg_reload_conf()`} {
		_, err = conn.Exec(d.t.Context(), statement)
		require.NoError(d.t, err)
	}
	require.Eventually(d.t, func() bool {
		again, err := pgx.Connect(d.t.Context(), superuser)
		if err == nil {
			require.NoError(d.t, again.Close(d.t.Context()))
		}
		return err != nil
	}, time.Minute, 20*time.Millisecond, "the rules have no effect")
}

func (d *composeDatabase) dockerFile(name string) []byte {
	d.t.Helper()
	content, err := os.ReadFile(filepath.Join("..", "..", "docker", name))
	require.NoError(d.t, err)
	return content
}

func (d *composeDatabase) secret(name string) string {
	d.t.Helper()
	content, err := os.ReadFile(filepath.Join(d.secrets, name))
	require.NoError(d.t, err)
	return strings.TrimSpace(string(content)) + "\n"
}

// url returns the URL of a secret, changed to where the server and its certificate are in the test.
func (d *composeDatabase) url(secret string) string {
	d.t.Helper()
	text := strings.TrimSpace(d.secret(secret))
	require.Contains(d.t, text, "@postgres:5432/aliquot?sslmode=verify-full&sslrootcert=/run/secrets/")
	return strings.NewReplacer("postgres:5432", d.host, "/run/secrets", d.secrets).Replace(text)
}

// try connects and runs a statement.
func (d *composeDatabase) try(raw, statement string) error {
	d.t.Helper()
	conn, err := pgx.Connect(d.t.Context(), raw)
	if err != nil {
		return err
	}
	defer func() { require.NoError(d.t, conn.Close(d.t.Context())) }()
	_, err = conn.Exec(d.t.Context(), statement)
	return err
}

// The files of docker/compose.yaml make a database whose schema belongs to the owner, in which the application works
// with rows only, and which nobody reaches without TLS and a password.
func TestTheComposeDatabaseHasRolesAndTLS(t *testing.T) {
	t.Parallel()
	d := startComposeDatabase(t)
	owner, application := d.url("migration_database_url"), d.url("database_url")
	environ := []string{"ALIQUOT_ENCRYPTION_KEYS=" + strings.TrimSpace(d.secret("encryption_keys")),
		"ALIQUOT_DATABASE_URL=" + application, "ALIQUOT_MIGRATION_DATABASE_URL=" + owner,
		"ALIQUOT_DATABASE_APP_ROLE=aliquot", "ALIQUOT_DATABASE_READ_ROLE=aliquot_read"}
	for range 2 { // a second time is harmless
		_, err := migrate(t.Context(), environ)
		require.NoError(t, err)
	}

	set, err := settings.LoadCommon(environ)
	require.NoError(t, err)
	db, err := openStore(t.Context(), set, 0)
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	require.NoError(t, db.CheckEncryptionKeys(t.Context()), "it writes a row")
	excess, err := db.ExcessPrivileges(t.Context())
	require.NoError(t, err)
	require.Empty(t, excess)

	reader := strings.Replace(application, url.UserPassword("aliquot", strings.TrimSpace(d.secret("database_password"))).
		String(), url.UserPassword("aliquot_read", strings.TrimSpace(d.secret("database_read_password"))).String(), 1)
	require.NoError(t, d.try(reader, `SELECT id FROM orders`))
	for name, tt := range map[string]struct{ url, statement, want string }{
		"application makes a table":     {application, `CREATE TABLE mine (id TEXT)`, "permission denied"},
		"application makes a temporary": {application, `CREATE TEMPORARY TABLE mine (id TEXT)`, "permission denied"},
		"application drops the audit":   {application, `DROP TABLE audit`, "must be owner"},
		"reader reads hashes of keys":   {reader, `SELECT hash FROM api_keys`, "permission denied"},
		"reader writes":                 {reader, `DELETE FROM orders`, "permission denied"},
		"application reaches Temporal's": {strings.Replace(application, "/aliquot?", "/temporal?", 1), ``,
			"permission denied"},
		"no TLS": {strings.Replace(application, "sslmode=verify-full", "sslmode=disable", 1), ``, "no encryption"},
		"wrong password": {strings.Replace(application, "aliquot:", "aliquot:x", 1), ``,
			"password authentication failed"},
		"superuser without a password": {strings.Replace(application, "aliquot:"+strings.TrimSpace(
			d.secret("database_password")), "postgres", 1), ``, "password authentication failed"},
	} {
		err := d.try(tt.url, tt.statement)
		require.ErrorContains(t, err, tt.want, name)
		_, refused := errors.AsType[*pgconn.PgError](err)
		require.True(t, refused, name)
	}
	// The processes refuse to start without TLS, if the database is elsewhere.
	_, err = settings.LoadCommon(append(environ, "ALIQUOT_DATABASE_URL="+strings.NewReplacer("localhost", "postgres",
		"verify-full", "require").Replace(application)))
	require.ErrorContains(t, err, "sslmode=verify-full")
}
