package store_test

import (
	"net/url"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/internal/testservers/certtest"
	"github.com/aliquot-labs/aliquot/internal/testservers/postgrestest"
	"github.com/aliquot-labs/aliquot/store"
	"github.com/aliquot-labs/aliquot/store/keyring"
)

// PostgreSQL is reached by TLS, where both sides prove their identity. A side that cannot is refused, and the error
// contains no secret.
func TestPostgresByTLS(t *testing.T) {
	t.Parallel()
	authority, stranger := certtest.NewAuthority(t), certtest.NewAuthority(t)
	pair, ours := authority.Issue(t, "postgres-server"), authority.Issue(t, "postgres")
	server, err := postgrestest.StartTLS(t.Context(), postgrestest.TLS{Cert: pair.Cert, Key: pair.Key, CA: authority.File,
		ClientCert: ours.Cert, ClientKey: ours.Key})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Stop()) })

	with := func(changes map[string]string) string {
		u, err := url.Parse(server.URL)
		require.NoError(t, err)
		u.User = url.UserPassword("postgres", "hunter2")
		q := u.Query()
		for name, value := range changes {
			q.Set(name, value)
			if value == "" {
				q.Del(name)
			}
		}
		u.RawQuery = q.Encode()
		return u.String()
	}
	open := func(url string) error {
		s, err := store.Open(t.Context(), store.Options{URL: url, Keys: tlsKeys(t)})
		if err != nil {
			return err
		}
		defer func() { require.NoError(t, s.Close()) }()
		return s.Migrate(t.Context())
	}
	require.NoError(t, open(with(nil)))
	connection, err := pgx.Connect(t.Context(), server.URL)
	require.NoError(t, err)
	defer func() { require.NoError(t, connection.Close(t.Context())) }()
	var secured bool
	require.NoError(t, connection.QueryRow(t.Context(),
		`SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()`).Scan(&secured))
	require.True(t, secured)

	theirs := stranger.Issue(t, "postgres")
	for name, changes := range map[string]map[string]string{
		"their authority":         {"sslrootcert": stranger.File},
		"no certificate":          {"sslcert": "", "sslkey": ""},
		"one of another's making": {"sslcert": theirs.Cert, "sslkey": theirs.Key},
		"without TLS":             {"sslmode": "disable", "sslrootcert": "", "sslcert": "", "sslkey": ""},
	} {
		err := open(with(changes))
		require.Error(t, err, name)
		require.NotContains(t, err.Error(), "hunter2", name)
	}
}

func tlsKeys(t *testing.T) *keyring.Keyring {
	t.Helper()
	key, err := keyring.NewEncryptionKey("k1")
	require.NoError(t, err)
	keys, err := keyring.Parse(key)
	require.NoError(t, err)
	return keys
}
