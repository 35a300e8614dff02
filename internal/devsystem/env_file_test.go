package devsystem

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEnvironmentOfScripts(t *testing.T) {
	t.Parallel()
	secrets, err := loadSecrets(newFolder(t))
	require.NoError(t, err)
	s := &system{
		options: Options{Postgres: "postgres://u:it's@127.0.0.1:5432/db?sslmode=disable&application_name=$HOME"},
		secrets: secrets,
		addresses: addresses{
			api: "0.0.0.0:8080", lab: "127.0.0.1:8090", temporal: "127.0.0.1:7233", temporalUI: "127.0.0.1:8233",
			metrics: [workerCount]string{"127.0.0.1:1", "127.0.0.1:2"},
		},
	}
	wanted := map[string]string{
		"ALIQUOT_URL": "http://127.0.0.1:8080", "ALIQUOT_API_KEY": secrets.ClientKey,
		"ALIQUOT_OPS_KEY": secrets.OperationsKey,
		"ALIQUOT_LAB_URL": "http://127.0.0.1:8090", "ALIQUOT_LAB_USER": secrets.LabUser,
		"ALIQUOT_LAB_TOKEN":      secrets.LabToken,
		"ALIQUOT_COURIER_SECRET": secrets.CourierSecret, "ALIQUOT_TEMPORAL": "127.0.0.1:7233",
		"ALIQUOT_TEMPORAL_NAMESPACE": "default", "ALIQUOT_TEMPORAL_UI": "http://127.0.0.1:8233",
		"ALIQUOT_DATABASE_URL": s.options.Postgres,
	}
	path := filepath.Join(t.TempDir(), EnvFile)
	require.NoError(t, os.WriteFile(path, formatEnvFile(s.envVariables()), 0o600))

	read, err := ReadEnvFile(filepath.Dir(path))
	require.NoError(t, err)
	for name, value := range wanted {
		require.Contains(t, read, name+"="+value)

		out, err := exec.CommandContext(t.Context(), "/bin/sh", "-c", `. "$0" && printf %s "$`+name+`"`,
			path).CombinedOutput()
		require.NoError(t, err, "%s", out)
		require.Equal(t, value, string(out), "a shell reads the same")
	}
}

func TestNoEnvironmentWithoutASystem(t *testing.T) {
	t.Parallel()
	_, err := ReadEnvFile(t.TempDir())
	require.ErrorIs(t, err, os.ErrNotExist)
	require.ErrorContains(t, err, "no system runs on")
}

func TestPartsGetTheirOwnSettingsOnly(t *testing.T) {
	t.Parallel()
	kept := withoutSettings([]string{"PATH=/bin", "ALIQUOT_DATABASE_URL=x", "ALIQUOT_LOG_LEVEL=debug",
		"ALIQUOT_TIME_ZONE=UTC", "ALIQUOT_METRICS=:1"})
	require.Equal(t, []string{"PATH=/bin", "ALIQUOT_LOG_LEVEL=debug", "ALIQUOT_TIME_ZONE=UTC"}, kept)

	s := &system{options: Options{Program: "/bin/aliquot", Speed: "max", Lab: "manual"}, folder: newFolder(t),
		addresses: addresses{api: ":8080"}}
	all := s.newCommands()
	require.Len(t, all, 3+workerCount)
	lab := all[slices.IndexFunc(all, func(c command) bool { return c.name == labName })]
	require.Equal(t, []string{"sandbox"}, lab.args)
	require.Contains(t, lab.env, "ALIQUOT_LAB_MODE=manual")
	require.Contains(t, lab.env, "ALIQUOT_LAB_SPEED=max")
	require.Contains(t, lab.env, "ALIQUOT_LAB_NEUTRAL_URL=http://127.0.0.1:8080/webhooks/labs/neutral")
	require.Contains(t, lab.env, "ALIQUOT_LAB_WEBHOOK_URL=http://127.0.0.1:8080/webhooks/labs/molecular")
}
