package deploycheck

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestNothingConnectsAsTheSuperuser checks that in the compose file each process has the database role that it needs,
// and that only PostgreSQL itself has the superuser's password.
func TestNothingConnectsAsTheSuperuser(t *testing.T) {
	t.Parallel()
	p := loadProject(t)
	users := map[string][]string{} // the services that have a secret
	for name, s := range p.Services {
		for _, secret := range s.Secrets {
			users[secret.Source] = append(users[secret.Source], name)
		}
		for variable, value := range s.Environment {
			if strings.HasSuffix(variable, "_USER") && value != nil {
				require.NotEqual(t, "postgres", *value, "%s: %s", name, variable)
			}
		}
	}
	for secret, want := range map[string][]string{
		"postgres_password": {"postgres"}, "database_owner_password": {"postgres"}, "database_key": {"postgres"},
		"migration_database_url": {"migrate"}, "database_url": {"migrate", "api", "worker"},
		"temporal_password":    {"postgres", "temporal", "temporal-schema"},
		"database_certificate": {"postgres", "migrate", "api", "worker", "temporal", "temporal-schema"},
	} {
		require.ElementsMatch(t, want, users[secret], secret)
	}
	roles := read(t, "docker/postgres/databases.sql")
	require.NotContains(t, strings.ToUpper(regexp.MustCompile(`--.*`).ReplaceAllString(roles, "")), "SUPERUSER")
	migrate := p.Services["migrate"].Environment
	for _, variable := range []string{"ALIQUOT_DATABASE_APP_ROLE", "ALIQUOT_DATABASE_READ_ROLE"} {
		require.Contains(t, roles, "CREATE ROLE "+*migrate[variable]+" LOGIN")
	}
	secrets := read(t, "docker/secrets.sh")
	require.Contains(t, secrets, `database_url_of `+*migrate["ALIQUOT_DATABASE_APP_ROLE"]+` database_password`)
	require.Contains(t, secrets, `database_url_of aliquot_owner database_owner_password`)
}

// plainText matches what connects to PostgreSQL without TLS, or without checking its certificate.
var plainText = regexp.MustCompile(`sslmode=(disable|allow|prefer|require|verify-ca)|(?m)^\s*host(nossl)?\s|` +
	`SQL_TLS(_ENABLED)?: "false"|ALIQUOT_DATABASE_INSECURE`)

// TestTheDatabaseIsReachedByTLS checks that nothing in docker/ connects to the database in plain text. A test of
// cmd/aliquot runs a server with these files.
func TestTheDatabaseIsReachedByTLS(t *testing.T) {
	t.Parallel()
	for _, name := range repositoryFiles(t, "docker") {
		if filepath.Base(name) == "compose.yaml" || !strings.HasPrefix(name, "docker/grafana") {
			require.Empty(t, plainText.FindString(read(t, name)), name)
		}
	}
	for _, bad := range []string{"postgres://a@b/c?sslmode=disable", "host all all all trust", `SQL_TLS: "false"`} {
		require.NotEmpty(t, plainText.FindString(bad), "the control")
	}
	p := loadProject(t)
	for name, variables := range map[string][]string{
		"temporal":        {"SQL_TLS_ENABLED", "SQL_HOST_VERIFICATION"},
		"temporal-schema": {"SQL_TLS"},
	} {
		for _, variable := range variables {
			require.Equal(t, "true", *p.Services[name].Environment[variable], name)
		}
	}
	tool, err := os.ReadFile(filepath.Join(temporalModule(t, "{{.Dir}}"), "tools/sql/main.go"))
	require.NoError(t, err)
	for variable := range p.Services["temporal-schema"].Environment {
		inTool := strings.Contains(string(tool), `"`+variable+`"`)
		require.True(t, inTool, "the tool does not read %s", variable)
	}
}

// TestOnlyTheMigrationHasTheOwner checks that in the chart only the job that migrates gets the owner's database URL.
func TestOnlyTheMigrationHasTheOwner(t *testing.T) {
	t.Parallel()
	for _, values := range []string{"", allFeaturesValues} {
		owners := 0
		for name, pod := range podTemplates(t, values) {
			has, secrets := false, map[string]bool{}
			for _, e := range pod.Spec.Containers[0].Env {
				has = has || e.Name == "ALIQUOT_MIGRATION_DATABASE_URL_FILE"
			}
			for _, source := range pod.Spec.Volumes[0].Projected.Sources {
				secrets[source.Secret.Name] = true
			}
			migrates := pod.Spec.Containers[0].Name == "migrate"
			require.Equal(t, migrates, has, name)
			require.Equal(t, migrates, secrets["aliquot-owner"], name)
			require.Equal(t, values != "", secrets["database-ca"], name)
			if migrates {
				owners++
			}
		}
		require.Equal(t, 1, owners)
	}
}
