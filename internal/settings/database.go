package settings

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"net/url"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// OwnerURL returns the URL with which the schema is migrated: that of the owner, or else that of the processes.
func (m Migrate) OwnerURL() Secret { return cmp.Or(m.MigrationURL, m.DatabaseURL) }

func (m Migrate) check() problems {
	found := append(m.Common.check(), m.PartitionRetention.check()...)
	if m.MigrationURL != "" {
		found.add("ALIQUOT_MIGRATION_DATABASE_URL", checkDatabase(m.MigrationURL.Reveal(), m.DatabaseInsecure))
	}
	if m.ReadRole != "" && m.ReadRole == m.ApplicationRole {
		found.add("ALIQUOT_DATABASE_READ_ROLE", errors.New("is the same as ALIQUOT_DATABASE_APP_ROLE"))
	}
	if isSQLite(m.OwnerURL().Reveal()) {
		for variable, role := range map[string]string{
			"ALIQUOT_DATABASE_APP_ROLE": m.ApplicationRole, "ALIQUOT_DATABASE_READ_ROLE": m.ReadRole,
		} {
			if role != "" {
				found.add(variable, errors.New("needs PostgreSQL: SQLite has no roles"))
			}
		}
	}
	return found
}

func isSQLite(raw string) bool { return strings.HasPrefix(raw, "sqlite:") }

// checkDatabase checks a database URL. PostgreSQL on another machine has to prove its identity, unless insecure says
// otherwise. The error does not contain the URL, which may have a password.
func checkDatabase(raw string, insecure bool) error {
	if path, ok := strings.CutPrefix(raw, "sqlite:"); ok {
		return sqldb.CheckSQLitePath(path) //nolint:wrapcheck // it says what is wrong
	}
	return checkPostgres(raw, "is neither postgres://… nor sqlite:PATH", insecure)
}

// checkPostgres checks the URL of a PostgreSQL server: of the database or its replica. otherScheme is the error for
// other URLs.
func checkPostgres(raw, otherScheme string, insecure bool) error {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" && u.RawQuery == "" || (u.Scheme != "postgres" && u.Scheme != "postgresql") {
		return errors.New(otherScheme)
	}
	config, err := pgx.ParseConfig(raw)
	if file, ok := errors.AsType[*fs.PathError](err); ok {
		return fmt.Errorf("names a file that cannot be read: %w", file)
	}
	if err != nil {
		return errors.New("has a part that PostgreSQL does not know, or a certificate that cannot be read")
	}
	if insecure {
		return nil
	}
	return checkConnections(&config.Config)
}

// checkConnections checks every connection that the driver would try. The list is the driver's own: it has all hosts,
// what variables such as PGSSLMODE add, and the attempt without TLS of sslmode=prefer, the driver's default.
func checkConnections(c *pgconn.Config) error {
	attempts := append([]*pgconn.FallbackConfig{{Host: c.Host, Port: c.Port, TLSConfig: c.TLSConfig}}, c.Fallbacks...)
	for _, a := range attempts {
		// Only sslmode=verify-full leaves the check of the certificate and its name to the TLS library.
		verified := a.TLSConfig != nil && !a.TLSConfig.InsecureSkipVerify
		if !verified && !isLocalHost(a.Host, a.Port) {
			return fmt.Errorf("reaches %s without checking its certificate: add sslmode=verify-full and, for an authority "+
				"of your own, sslrootcert; in a private network ALIQUOT_DATABASE_INSECURE=true allows it", a.Host)
		}
	}
	return nil
}

// isLocalHost reports whether a host of the driver is this machine: a Unix socket, localhost or a loopback address.
func isLocalHost(host string, port uint16) bool {
	if network, _ := pgconn.NetworkAddress(host, port); network == "unix" {
		return true
	}
	address, err := netip.ParseAddr(host)
	if err != nil {
		return strings.EqualFold(strings.TrimSuffix(host, "."), "localhost")
	}
	return address.Unmap().IsLoopback()
}
