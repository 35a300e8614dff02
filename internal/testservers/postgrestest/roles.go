package postgrestest

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// The roles of a test's database, as in production. They exist on every server that has a database of this package, and
// have the password of the server's URL, if any.
const (
	// OwnerRole owns the database and, after a migration, the tables.
	OwnerRole = "aliquot_owner"
	// ApplicationRole and ReadingRole can do nothing until something is granted to them.
	ApplicationRole = "aliquot"
	ReadingRole     = "aliquot_read"
)

// AsRole returns the URL of a database with another role. The URL is one that this package has returned.
func AsRole(dsn, role string) string {
	u, err := url.Parse(dsn)
	if err != nil {
		panic("postgrestest: not a URL of this package") // the error would contain the password
	}
	if password, ok := u.User.Password(); ok {
		u.User = url.UserPassword(role, password)
	} else {
		u.User = url.User(role)
	}
	return u.String()
}

// serversWithRoles are the URLs of the servers that have the roles.
var serversWithRoles sync.Map

// createRoles creates the roles on a server that does not have them. Other processes may do the same meanwhile.
func createRoles(server string) error {
	if _, ok := serversWithRoles.Load(server); ok {
		return nil
	}
	config, err := pgx.ParseConfig(server)
	if err != nil {
		return errors.New(ServerVariable + " is not a URL of a server")
	}
	for _, role := range []string{OwnerRole, ApplicationRole, ReadingRole} {
		statement := "CREATE ROLE " + role + " LOGIN"
		if config.Password != "" {
			statement += " PASSWORD " + "'" + strings.ReplaceAll(config.Password, "'", "''") + "'"
		}
		err := execute(server, statement)
		if pg, ok := errors.AsType[*pgconn.PgError](err); ok && (pg.Code == "42710" || pg.Code == "23505") {
			err = nil // it exists, or another process has just created it
		}
		if err != nil {
			return fmt.Errorf("creating role %s: %w", role, err)
		}
	}
	serversWithRoles.Store(server, true)
	return nil
}
