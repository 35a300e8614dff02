package settings_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/internal/settings"
	"github.com/aliquot-labs/aliquot/internal/testservers/certtest"
)

// What decides is which connections the driver would try, with all forms of URLs and its variables.
func TestADatabaseElsewhereIsVerified(t *testing.T) { //nolint:paralleltest // it sets variables that the driver reads
	authority := certtest.NewAuthority(t).File
	const refused = "without checking its certificate: add sslmode=verify-full"
	for _, tt := range []struct {
		url       string
		variables string // NAME=value, by spaces
		host      string // the host that is refused; empty: none
	}{
		{"postgres://u:hunter2@127.0.0.1/db", "", ""},
		{"postgres://u:hunter2@127.8.9.1:5433/db?sslmode=disable", "", ""},
		{"postgres://u@[::1]/db", "", ""},
		{"postgres://u@[::ffff:127.0.0.1]/db", "", ""},
		{"postgresql://u@localhost/db", "", ""},
		{"postgres://u@LOCALHOST./db", "", ""},
		{"postgres:///db?host=/var/run/postgresql", "", ""},
		{"postgres://u@db/aliquot?sslmode=verify-full", "", ""},
		{"postgres://u@10.0.0.7/db?sslmode=verify-full&sslrootcert=" + authority, "", ""},
		{"postgres://u@db/aliquot?sslmode=verify-full&sslsni=0", "", ""},
		{"postgres://u@db/aliquot?sslmode=disable&sslrootcert=system", "", ""}, // which implies verify-full
		{"postgres://u@one,two:5433/db?sslmode=verify-full", "", ""},
		{"postgres://u@localhost,two/db?sslmode=verify-full", "", ""},
		{"postgres://u@db/aliquot", "PGSSLMODE=verify-full", ""},
		{"postgres:///aliquot?user=u", "PGHOST=db PGSSLMODE=verify-full", ""},

		{"postgres://u:hunter2@db/aliquot", "", "db"}, // sslmode=prefer, the default
		{"postgres://u:hunter2@db/aliquot?sslmode=disable", "", "db"},
		{"postgres://u:hunter2@db/aliquot?sslmode=allow", "", "db"},
		{"postgres://u:hunter2@db/aliquot?sslmode=prefer&sslrootcert=" + authority, "", "db"},
		{"postgres://u:hunter2@db/aliquot?sslmode=require", "", "db"},
		{"postgres://u:hunter2@db/aliquot?sslmode=require&sslrootcert=" + authority, "", "db"},
		{"postgres://u:hunter2@db/aliquot?sslmode=verify-ca&sslrootcert=" + authority, "", "db"},
		{"postgres://u@db/aliquot?sslnegotiation=direct", "", "db"},
		{"postgres://u@10.0.0.7/db", "", "10.0.0.7"},
		{"postgres://u@0.0.0.0/db", "", "0.0.0.0"},
		{"postgres://u@[fd00::7]/db", "", "fd00::7"},
		{"postgres://u@localhost.example/db", "", "localhost.example"},
		{"postgres://u@127.0.0.1.example/db", "", "127.0.0.1.example"},
		{"postgres://u@localhost,two:5433/db", "", "two"},
		{"postgres://u@127.0.0.1/db?host=db", "", "db"}, // the parameter is what is used
		{"postgres:///db?host=/var/run/postgresql,two", "", "two"},
		{"postgres:///aliquot?user=u", "PGHOST=db", "db"},
		{"postgres://u@db/aliquot", "PGSSLMODE=require", "db"},
		{"postgres://u@db/aliquot?sslmode=disable", "PGSSLMODE=verify-full", "db"},
	} {
		name := tt.url + " " + tt.variables
		t.Run(name, func(t *testing.T) {
			for variable := range strings.FieldsSeq("PGHOST= PGSSLMODE= PGSSLROOTCERT= " + tt.variables) {
				name, value, _ := strings.Cut(variable, "=")
				t.Setenv(name, value)
			}
			environ := []string{"ALIQUOT_ENCRYPTION_KEYS=" + newKey(t), "ALIQUOT_DATABASE_URL=" + tt.url}
			_, err := settings.LoadWorker(environ)
			if tt.host == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, "ALIQUOT_DATABASE_URL: reaches "+tt.host+" "+refused)
			require.NotContains(t, err.Error(), "hunter2")
			_, err = settings.LoadWorker(append(environ, "ALIQUOT_DATABASE_INSECURE=true"))
			require.NoError(t, err, "it is allowed explicitly")
			_, err = settings.LoadMigrate([]string{environ[0], "ALIQUOT_MIGRATION_DATABASE_URL=" + tt.url})
			require.ErrorContains(t, err, "ALIQUOT_MIGRATION_DATABASE_URL: reaches "+tt.host)
		})
	}
}

func TestDatabaseRolesNeedPostgres(t *testing.T) {
	t.Parallel()
	key := "ALIQUOT_ENCRYPTION_KEYS=" + newKey(t)
	_, err := settings.LoadMigrate([]string{key, "ALIQUOT_DATABASE_APP_ROLE=a", "ALIQUOT_DATABASE_READ_ROLE=a"})
	require.ErrorContains(t, err, "ALIQUOT_DATABASE_APP_ROLE: needs PostgreSQL")
	require.ErrorContains(t, err, "ALIQUOT_DATABASE_READ_ROLE: is the same as")

	set, err := settings.LoadMigrate([]string{key, "ALIQUOT_DATABASE_APP_ROLE=a", "ALIQUOT_DATABASE_READ_ROLE=b",
		"ALIQUOT_MIGRATION_DATABASE_URL=postgres://owner@127.0.0.1/db"})
	require.NoError(t, err)
	require.Equal(t, "postgres://owner@127.0.0.1/db", set.OwnerURL().Reveal())
}
