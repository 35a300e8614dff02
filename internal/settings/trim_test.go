package settings

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/store/keyring"
)

func TestTextsAreTrimmed(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"":                                 "",
		" \t\r\n":                          "",
		"sqlite:/data/a.db\n":              "sqlite:/data/a.db",
		"sqlite:/data/a.db\r\n":            "sqlite:/data/a.db",
		"\ufeffsqlite:/data/a.db":          "sqlite:/data/a.db",
		"\ufeff \u00a0x\u2028\u200b\u3000": "x",
		"a b":                              "a b",
		"new, old":                         "new, old",
	} {
		require.Equal(t, want, trimText(given), "%q", given)
	}
	for given, want := range map[string]string{
		"new, old":             "new,old",
		" new ,\told\n":        "new,old",
		"\ufeffnew\n,\n\nold ": "new,old",
		"a b, c":               "a b,c",
		"new,":                 "new,",
		"":                     "",
	} {
		require.Equal(t, want, trimList(given), "%q", given)
	}
}

// TestEverySettingIsTrimmed tries each setting of each process, and its file.
func TestEverySettingIsTrimmed(t *testing.T) {
	t.Parallel()
	tried := 0
	for _, process := range []any{API{}, Worker{}, Migrate{}, Rollout{}, SimulatedLab{}, Client{}} {
		for _, f := range allFields(reflect.TypeOf(process)) {
			environment := map[string]string{f.variable: "\ufeff a , b\r\n", f.variable + fileSuffix: " /run/secret\n"}
			trimSettings(environment, []field{f})
			want := "a , b"
			if f.list {
				want = "a,b"
			}
			require.Equal(t, want, environment[f.variable], f.variable)
			require.Equal(t, "/run/secret", environment[f.variable+fileSuffix], f.variable)
			tried++
		}
	}
	require.Greater(t, tried, 60)
}

func TestSettingsOfAProcessAreTrimmed(t *testing.T) {
	t.Parallel()
	key, err := keyring.NewEncryptionKey("k1")
	require.NoError(t, err)
	file := func(content string) string {
		path := filepath.Join(t.TempDir(), "secret")
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
		return path
	}
	set, err := LoadAPI([]string{
		"ALIQUOT_DATABASE_URL=sqlite:/data/lab.db\n", "ALIQUOT_ENCRYPTION_KEYS_FILE=" + file("\ufeff"+key+"\r\n") + "\n",
		"ALIQUOT_COURIER_SECRETS=new, old\n", "ALIQUOT_TRUSTED_PROXIES= 10.0.0.0/8 , 192.168.0.0/16",
		"ALIQUOT_DRAIN_DELAY= 7s\n",
		"ALIQUOT_TEMPORAL_TLS=\tfalse ", "ALIQUOT_TIME_ZONE=America/Phoenix\r", "ALIQUOT_METRICS=127.0.0.1:9090 ",
		"ALIQUOT_WEBHOOK_NETWORKS=127.0.0.0/8, ::1/128", "ALIQUOT_PUBLIC_URL= https://lab.example\n",
		"ALIQUOT_TRACE_HEADERS=a=b , c=d",
	})
	require.NoError(t, err)
	require.Equal(t, "sqlite:/data/lab.db", set.DatabaseURL.Reveal())
	require.Equal(t, key, set.EncryptionKeys.Reveal())
	require.Equal(t, []string{"new", "old"}, RevealAll(set.CourierSecrets))
	require.Equal(t, []string{"10.0.0.0/8", "192.168.0.0/16"}, set.TrustedProxies)
	require.Equal(t, "America/Phoenix", set.TimeZone)
	require.Equal(t, []string{"a=b", "c=d"}, RevealAll(set.TraceHeaders))

	set, err = LoadAPI([]string{"ALIQUOT_ENCRYPTION_KEYS=" + key,
		"ALIQUOT_COURIER_SECRETS_FILE=" + file("\ufeffnew ,\nold\n")})
	require.NoError(t, err)
	require.Equal(t, []string{"new", "old"}, RevealAll(set.CourierSecrets))

	for content, problem := range map[string]string{
		"\xff\xfek\x001\x00": "ALIQUOT_ENCRYPTION_KEYS: is read from a file that is UTF-16",
		"\xfe\xff\x00k\x001": "ALIQUOT_ENCRYPTION_KEYS: is read from a file that is UTF-16",
	} {
		_, err = LoadAPI([]string{"ALIQUOT_ENCRYPTION_KEYS_FILE=" + file(content)})
		require.ErrorContains(t, err, problem)
	}
	_, err = LoadAPI([]string{"ALIQUOT_ENCRYPTION_KEYS=" + key, "ALIQUOT_COURIER_SECRETS=new,"})
	require.ErrorContains(t, err, "ALIQUOT_COURIER_SECRETS: holds an empty secret")
}

func TestPathsOfSQLiteFilesAreChecked(t *testing.T) {
	t.Parallel()
	for _, good := range []string{"sqlite:a.db", "sqlite:/data/lab #2/a?b%25.db", "sqlite:///data/a.db",
		"sqlite:./a b.db"} {
		require.NoError(t, checkDatabase(good, false), good)
	}
	for bad, problem := range map[string]string{
		"sqlite:":               "names no file",
		"sqlite: /data/a.db":    "a blank before or after",
		"sqlite:/data/a\n.db":   "a control character",
		"sqlite:/data/\x00a.db": "a control character",
		"sqlite://data/a.db":    "names a host",

		"postgres://u#1@localhost/db":                "has a #",
		"postgres://u@localhost/db?sslrootcert=/a#b": "has a #",
		"postgres://u@localhost/lab%zz":              "is neither postgres://",
	} {
		require.ErrorContains(t, checkDatabase(bad, false), problem, "%q", bad)
	}
}
