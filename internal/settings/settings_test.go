package settings_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/internal/settings"

	"github.com/aliquot-labs/aliquot/store/keyring"
)

func newKey(t *testing.T) string {
	t.Helper()
	key, err := keyring.NewEncryptionKey("k1")
	require.NoError(t, err)
	return key
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	key := newKey(t)
	environ := []string{"ALIQUOT_ENCRYPTION_KEYS=" + key, "ALIQUOT_METRICS="}

	api, err := settings.LoadAPI(environ)
	require.NoError(t, err)
	require.Equal(t, "sqlite:.aliquot/aliquot.db", api.DatabaseURL.Reveal())
	require.Equal(t, key, api.EncryptionKeys.Reveal())
	require.Equal(t, "127.0.0.1:7233", api.HostPort)
	require.Equal(t, "default", api.Namespace)
	require.Equal(t, "127.0.0.1:8080", api.Addr)
	require.Equal(t, "UTC", api.TimeZone)
	require.Equal(t, int64(4<<20), api.MaxBody)
	require.Equal(t, slog.LevelInfo, api.Level())
	require.Empty(t, api.MetricsAddr)
	require.Empty(t, api.CourierSecrets)
	require.Empty(t, api.AllowedNetworks, "public addresses only")
	require.Empty(t, api.PartnerNetworks, "public addresses only")
	require.Empty(t, api.ReplicaURL.Reveal(), "no replica")
	require.Equal(t, 5*time.Second, api.ReplicaLag)

	worker, err := settings.LoadWorker(environ)
	require.NoError(t, err)
	require.Empty(t, worker.CourierAPIKey.Reveal(), "no trackers")
	require.Equal(t, 20*time.Second, worker.StopTimeout)
	require.Equal(t, 2*time.Second, worker.CheckInterval)

	sandbox, err := settings.LoadSimulatedLab([]string{"ALIQUOT_LAB_USER=u", "ALIQUOT_LAB_TOKEN=t"})
	require.NoError(t, err)
	require.Equal(t, settings.LabModeAuto, sandbox.Mode)
	require.Equal(t, "86400", sandbox.Speed)

	client, err := settings.LoadClient(nil)
	require.NoError(t, err)
	require.Empty(t, client.URL)

	migrate, err := settings.LoadMigrate(environ)
	require.NoError(t, err)
	require.Equal(t, api.DatabaseURL, migrate.OwnerURL())
	require.False(t, migrate.DatabaseInsecure)
	require.Empty(t, migrate.ApplicationRole+migrate.ReadRole, "nothing is granted")
}

func TestEveryProblemIsReportedOnce(t *testing.T) {
	t.Parallel()
	_, err := settings.LoadAPI([]string{
		"ALIQUOT_DATABASE_URL=mysql://u:hunter2@h/db", "ALIQUOT_ENCRYPTION_KEYS=k1:hunter3", "ALIQUOT_TEMPORAL=nowhere",
		"ALIQUOT_LOG_LEVEL=loud", "ALIQUOT_METRICS=9090", "ALIQUOT_WEBHOOK_NETWORKS=10.0.0.0/8,ten",
		"ALIQUOT_API_ADDR=:", "ALIQUOT_TIME_ZONE=Mars/Base", "ALIQUOT_MAX_BODY=lots", "ALIQUOT_PARTNER_NETWORKS=lan",
	})
	require.Error(t, err)
	lines := strings.Split(err.Error(), "\n")
	for _, variable := range []string{
		"ALIQUOT_DATABASE_URL", "ALIQUOT_ENCRYPTION_KEYS", "ALIQUOT_TEMPORAL", "ALIQUOT_LOG_LEVEL", "ALIQUOT_METRICS",
		"ALIQUOT_WEBHOOK_NETWORKS", "ALIQUOT_API_ADDR", "ALIQUOT_TIME_ZONE", "ALIQUOT_MAX_BODY",
		"ALIQUOT_PARTNER_NETWORKS",
	} {
		require.Equal(t, 1, strings.Count(err.Error(), variable+": "), variable)
	}
	require.Len(t, lines, 10)
	require.NotContains(t, err.Error(), "hunter", "secrets stay out of errors")
}

func TestWebhookProblems(t *testing.T) {
	t.Parallel()
	worker := func(environ []string) error { _, err := settings.LoadWorker(environ); return err }
	sandbox := func(environ []string) error { _, err := settings.LoadSimulatedLab(environ); return err }
	client := func(environ []string) error { _, err := settings.LoadClient(environ); return err }
	api := func(environ []string) error { _, err := settings.LoadAPI(environ); return err }
	key := "ALIQUOT_ENCRYPTION_KEYS=" + newKey(t)
	lab := []string{"ALIQUOT_LAB_USER=u", "ALIQUOT_LAB_TOKEN=t"}
	tests := map[string]struct {
		load    func([]string) error
		environ []string
		want    []string
	}{
		"missing key": {worker, nil, []string{"ALIQUOT_ENCRYPTION_KEYS: is required"}},
		"empty key":   {worker, []string{"ALIQUOT_ENCRYPTION_KEYS="}, []string{"ALIQUOT_ENCRYPTION_KEYS: is required"}},
		"no database": {worker, []string{key, "ALIQUOT_DATABASE_URL=sqlite:"},
			[]string{"ALIQUOT_DATABASE_URL: names no file"}},
		"time-outs": {worker, []string{key, "ALIQUOT_STOP_TIMEOUT=-1s", "ALIQUOT_PARTNER_TIMEOUT=soon"},
			[]string{"ALIQUOT_STOP_TIMEOUT: is not positive", "ALIQUOT_PARTNER_TIMEOUT: unable to parse duration"}},
		"check interval": {worker, []string{key, "ALIQUOT_CHECK_INTERVAL=99ms"},
			[]string{"ALIQUOT_CHECK_INTERVAL: is less than 100ms"}},
		"no past interval": {worker, []string{key, "ALIQUOT_CHECK_INTERVAL=-2s"},
			[]string{"ALIQUOT_CHECK_INTERVAL: is less than 100ms"}},
		"retention": {worker, []string{key, "ALIQUOT_RESULT_RETENTION=1h", "ALIQUOT_INBOX_RETENTION=-1s",
			"ALIQUOT_AUDIT_RETENTION=52559h"}, []string{"ALIQUOT_RESULT_RETENTION: is less than 720h",
			"ALIQUOT_INBOX_RETENTION: is less than", "ALIQUOT_AUDIT_RETENTION: is less than 52560h"}},
		"courier URL": {worker, []string{key, "ALIQUOT_COURIER_URL=ftp://x"},
			[]string{"ALIQUOT_COURIER_URL: is not an http"}},
		"traces": {worker, []string{key, "ALIQUOT_TRACE_URL=collector:4317", "ALIQUOT_TRACE_SAMPLE=NaN",
			"ALIQUOT_TRACE_HEADERS=x-key=hunter2,hunter3"}, []string{
			"ALIQUOT_TRACE_URL: is not an http", "ALIQUOT_TRACE_SAMPLE: is not between 0 and 1",
			"ALIQUOT_TRACE_HEADERS: holds something that is not name=value",
		}},
		"lab": {sandbox, nil, []string{"ALIQUOT_LAB_USER: is required", "ALIQUOT_LAB_TOKEN: is required"}},
		"lab mode": {sandbox,
			append([]string{"ALIQUOT_LAB_MODE=half", "ALIQUOT_LAB_SPEED=0.5", "ALIQUOT_LAB_SPACING=-1s"}, lab...),
			[]string{"ALIQUOT_LAB_MODE: is not auto or manual", "ALIQUOT_LAB_SPEED: speed must be",
				"ALIQUOT_LAB_SPACING: is negative"}},
		"neutral": {sandbox, append([]string{"ALIQUOT_LAB_NEUTRAL_URL=http://x"}, lab...),
			[]string{"ALIQUOT_LAB_NEUTRAL_ACCOUNT: is required with", "ALIQUOT_LAB_NEUTRAL_SECRETS: is required with"}},
		"neutral parts": {sandbox,
			append([]string{"ALIQUOT_LAB_NEUTRAL_URL=x", "ALIQUOT_LAB_NEUTRAL_ACCOUNT=a:b",
				"ALIQUOT_LAB_NEUTRAL_SECRETS=c2VjcmV0"}, lab...),
			[]string{"ALIQUOT_LAB_NEUTRAL_URL: is not", "ALIQUOT_LAB_NEUTRAL_ACCOUNT: is required",
				"ALIQUOT_LAB_NEUTRAL_SECRETS: "}},
		"courier": {sandbox, append([]string{"ALIQUOT_LAB_COURIER_URL=http://x"}, lab...),
			[]string{"ALIQUOT_COURIER_SECRET: is required with", "ALIQUOT_COURIER_KEY: is required with"}},
		"client's URL": {client, []string{"ALIQUOT_URL=here"}, []string{"ALIQUOT_URL: is not an http"}},
		"empty API key file": {worker, []string{key, "ALIQUOT_TEMPORAL_API_KEY_FILE=/dev/null"},
			[]string{"ALIQUOT_TEMPORAL_API_KEY: is empty"}},
		"API keys": {worker, []string{key, "ALIQUOT_TEMPORAL_API_KEY=hunter2 hunter3"},
			[]string{"ALIQUOT_TEMPORAL_API_KEY: holds something that is not one API key"}},
		"certificates": {worker, []string{key, "ALIQUOT_TEMPORAL_CERT_FILE=/nowhere/cert",
			"ALIQUOT_TEMPORAL_CA_FILE=/nowhere/ca"}, []string{"ALIQUOT_TEMPORAL_KEY_FILE: is required with",
			"ALIQUOT_TEMPORAL_CA_FILE: open /nowhere/ca"}},
		"unread pair": {worker, []string{key, "ALIQUOT_TEMPORAL_CERT_FILE=/nowhere/cert",
			"ALIQUOT_TEMPORAL_KEY_FILE=/nowhere/key"}, []string{"ALIQUOT_TEMPORAL_CERT_FILE: reading the certificate"}},
		"database's": {worker,
			[]string{key, "ALIQUOT_DATABASE_URL=postgres://u:p@h/db?sslmode=verify-full&sslrootcert=/nowhere/ca"},
			[]string{"ALIQUOT_DATABASE_URL: names a file that cannot be read: open /nowhere/ca"}},
		"replica of SQLite": {api, []string{key, "ALIQUOT_DATABASE_REPLICA_URL=postgres://u:hunter2@localhost/db"},
			[]string{"ALIQUOT_DATABASE_REPLICA_URL: is set, but only a PostgreSQL"}},
		"replica": {api, []string{key, "ALIQUOT_DATABASE_URL=postgres://localhost/db", "ALIQUOT_DATABASE_REPLICA_LAG=999ms",
			"ALIQUOT_DATABASE_REPLICA_URL=sqlite:a.db"}, []string{"ALIQUOT_DATABASE_REPLICA_URL: is not postgres://",
			"ALIQUOT_DATABASE_REPLICA_LAG: is not between 1s and 5m"}},
		"replica itself": {api, []string{key, "ALIQUOT_DATABASE_URL=postgres://u:hunter2@localhost/db",
			"ALIQUOT_DATABASE_REPLICA_URL=postgres://u:hunter2@localhost/db"},
			[]string{"ALIQUOT_DATABASE_REPLICA_URL: is the same as ALIQUOT_DATABASE_URL"}},
		"replica's": {api, []string{key, "ALIQUOT_DATABASE_URL=postgres://localhost/db",
			"ALIQUOT_DATABASE_REPLICA_URL=postgres://u:p@h/db?sslmode=verify-full&sslrootcert=/nowhere/ca"},
			[]string{"ALIQUOT_DATABASE_REPLICA_URL: names a file that cannot be read: open /nowhere/ca"}},
		"version": {worker, []string{key, "ALIQUOT_DEPLOYMENT=a.b", "ALIQUOT_BUILD_ID=a b",
			"ALIQUOT_HELD_CHANGES=a,,b"}, []string{"ALIQUOT_DEPLOYMENT: must not hold", "ALIQUOT_BUILD_ID: must not hold spaces",
			"ALIQUOT_HELD_CHANGES: holds an empty"}},
		"queues": {worker, []string{key, "ALIQUOT_QUEUES=orders,mail"},
			[]string{`ALIQUOT_QUEUES: there is no queue "mail": they are orders, labs, deliveries`}},
		"queue twice": {worker, []string{key, "ALIQUOT_QUEUES=labs,labs"}, []string{"ALIQUOT_QUEUES: names labs twice"}},
		"unread file": {worker, []string{"ALIQUOT_ENCRYPTION_KEYS_FILE=/nowhere/key"},
			[]string{"ALIQUOT_ENCRYPTION_KEYS: open /nowhere/key"}},
		"file and text": {worker, []string{key, "ALIQUOT_ENCRYPTION_KEYS_FILE=/nowhere/key"},
			[]string{"ALIQUOT_ENCRYPTION_KEYS: is set together with ALIQUOT_ENCRYPTION_KEYS_FILE"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := test.load(test.environ)
			require.Error(t, err)
			for _, want := range test.want {
				require.ErrorContains(t, err, want)
			}
			require.Len(t, strings.Split(err.Error(), "\n"), len(test.want))
		})
	}
}

func TestASecretMayComeFromAFile(t *testing.T) {
	t.Parallel()
	key := newKey(t)
	path := filepath.Join(t.TempDir(), "keys")
	require.NoError(t, os.WriteFile(path, []byte(key+"\n"), 0o600))

	common, err := settings.LoadCommon([]string{"ALIQUOT_ENCRYPTION_KEYS_FILE=" + path})
	require.NoError(t, err)
	require.Equal(t, key, common.EncryptionKeys.Reveal())
}

// A file that cannot be read is reported for every secret.
func TestEverySecretMayComeFromAFile(t *testing.T) {
	t.Parallel()
	loaders := []func([]string) error{
		func(e []string) error { _, err := settings.LoadAPI(e); return err },
		func(e []string) error { _, err := settings.LoadMigrate(e); return err },
		func(e []string) error { _, err := settings.LoadWorker(e); return err },
		func(e []string) error { _, err := settings.LoadSimulatedLab(e); return err },
		func(e []string) error { _, err := settings.LoadClient(e); return err },
	}
	secrets := 0
	for line := range strings.Lines(settings.MarkdownTable()) {
		if !strings.HasSuffix(strings.TrimSpace(line), "Secret. |") {
			continue
		}
		secrets++
		variable := strings.Split(line, "`")[1]
		found := false
		for _, load := range loaders {
			err := load([]string{variable + "_FILE=/nowhere/secret"})
			found = found || err != nil && strings.Contains(err.Error(), variable+": open /nowhere/secret")
		}
		require.True(t, found, variable)
	}
	require.Greater(t, secrets, 8)
}

func TestEncryptionKeysMayBeWrapped(t *testing.T) {
	t.Parallel()
	master := "ALIQUOT_MASTER_KEY=" + newKey(t)
	loaded, err := settings.LoadMaster([]string{master})
	require.NoError(t, err)
	kms, err := loaded.KMS()
	require.NoError(t, err)
	wrapped, err := keyring.WrapEncryptionKey(t.Context(), kms, newKey(t))
	require.NoError(t, err)

	common, err := settings.LoadCommon([]string{master, "ALIQUOT_ENCRYPTION_KEYS=" + wrapped})
	require.NoError(t, err)
	_, err = common.Keyring(t.Context())
	require.NoError(t, err)
	for want, environ := range map[string][]string{
		"ALIQUOT_ENCRYPTION_KEYS: encryption key k1 is wrapped": {"ALIQUOT_ENCRYPTION_KEYS=" + wrapped},
		"ALIQUOT_ENCRYPTION_KEYS: unwrapping encryption key k1": {"ALIQUOT_ENCRYPTION_KEYS=" + wrapped,
			"ALIQUOT_MASTER_KEY=" + newKey(t)},
		"ALIQUOT_MASTER_KEY: reading the master key": {"ALIQUOT_ENCRYPTION_KEYS=" + wrapped,
			"ALIQUOT_MASTER_KEY=hunter2"},
	} {
		_, err := settings.LoadCommon(environ)
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), "hunter2")
		require.NotContains(t, err.Error(), "\n", "one problem is one line")
	}
}

func TestSecretsDoNotPrint(t *testing.T) {
	t.Parallel()
	api, err := settings.LoadAPI([]string{
		"ALIQUOT_ENCRYPTION_KEYS=" + newKey(t), "ALIQUOT_COURIER_SECRETS=hunter2,hunter3",
		"ALIQUOT_DATABASE_URL=postgres://u:hunter4@127.0.0.1/db",
	})
	require.NoError(t, err)
	require.Equal(t, []string{"hunter2", "hunter3"}, settings.RevealAll(api.CourierSecrets))

	var seen bytes.Buffer
	fmt.Fprintf(&seen, "%v %+v %#v %s %q", api, api, api, api.DatabaseURL, api.DatabaseURL)
	slog.New(slog.NewJSONHandler(&seen, nil)).Info("start", "settings", api, "url", api.DatabaseURL)
	require.NoError(t, json.NewEncoder(&seen).Encode(api))
	require.NotContains(t, seen.String(), "hunter")
	require.NotContains(t, seen.String(), api.EncryptionKeys.Reveal())
	require.Contains(t, seen.String(), "(secret)")
}

func TestTheDocumentIsCurrent(t *testing.T) {
	t.Parallel()
	found, err := os.ReadFile(filepath.Join("..", "..", "docs", "settings.md"))
	require.NoError(t, err)
	require.Equal(t, settings.MarkdownTable(), string(found), "run go generate ./internal/settings")
	require.NotContains(t, settings.MarkdownTable(), "|  |", "every setting says what it means")
}
