package sqldb

import (
	"net"
	"time"

	"github.com/jackc/pgx/v5"
)

// How long a connection to PostgreSQL waits for a server that says nothing.
const (
	// connectTimeout bounds the making of a connection, where the URL has no connect_timeout. database/sql also makes
	// connections in the background, where no context ends.
	connectTimeout = 5 * time.Second
	// pingTimeout bounds the question whether an idle connection still has its server. One that does not answer is closed,
	// and the statement takes another connection.
	pingTimeout = 2 * time.Second
	// unacknowledgedTimeout is how long what was sent may be without the acknowledgement of the server's machine.
	unacknowledgedTimeout = 20 * time.Second
)

// keepAlive finds a server's machine that is gone while a statement waits for its answer, after half a minute. A server
// that works on a long statement answers these probes.
var keepAlive = net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 5 * time.Second, Count: 3}

// parsePostgres reads the URL of a PostgreSQL server. Connections with the configuration notice a dead server.
func parsePostgres(url string) (*pgx.ConnConfig, error) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, err //nolint:wrapcheck // callers say which URL
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = connectTimeout
	}
	dialer := &net.Dialer{Timeout: config.ConnectTimeout, KeepAliveConfig: keepAlive, Control: limitUnacknowledged}
	config.DialFunc = dialer.DialContext
	return config, nil
}
