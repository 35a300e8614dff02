package postgrestest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"

	"github.com/aliquot-labs/aliquot/internal/childprocess"
)

// copyAndFollowScript copies the server on the port $3 into the directory $2 and serves the copy on the port $1. The
// copy follows the server by streaming replication and answers reads.
const copyAndFollowScript = `
"$0/pg_basebackup" --host=127.0.0.1 --port="$3" --username=postgres --no-password --pgdata="$2" \
	--write-recovery-conf --wal-method=stream --checkpoint=fast --no-sync || exit
exec "$0/postgres" -D "$2" -p "$1" -c listen_addresses=127.0.0.1 -c unix_socket_directories= \
	-c max_connections=300 -c fsync=off -c full_page_writes=off -c hot_standby=on
`

// Standby is a replica of a persistent server, which it follows by streaming replication. It ends at the latest with
// the process that started it.
type Standby struct{ server *Server }

// StartStandby starts a standby of the server and returns when it answers reads.
func (k *PersistentServer) StartStandby(ctx context.Context) (*Standby, error) {
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	bin, err := findBinaries("pg_basebackup", "postgres")
	if err != nil {
		return nil, err
	}
	port, err := childprocess.FreePort(ctx)
	if err != nil {
		return nil, err
	}
	process, err := childprocess.Start(childprocess.Command{
		Name: "postgres-standby", Path: "/bin/sh",
		Args:   []string{"-c", copyAndFollowScript, bin, strconv.Itoa(port), "data", strconv.Itoa(k.port)},
		Signal: "INT", User: k.owner,
	})
	if err != nil {
		return nil, err
	}
	server := &Server{URL: fmt.Sprintf("postgres://postgres@127.0.0.1:%d/postgres?sslmode=disable", port),
		process: process}
	if err := server.waitReady(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("starting a standby: %w", err), server.Stop())
	}
	return &Standby{server: server}, nil
}

// DatabaseURL returns the URL of the standby's copy of a database of its server.
func (s *Standby) DatabaseURL(dsn string) (string, error) {
	u, err := url.Parse(dsn)
	if err != nil {
		return "", fmt.Errorf("reading the URL of a database: %w", err)
	}
	return withDatabase(s.server.URL, u.Path[1:])
}

// PauseReplay makes the standby fall behind: it receives changes and shows none of them.
func (s *Standby) PauseReplay() error { return execute(s.server.URL, "SELECT pg_wal_replay_pause()") }

// ResumeReplay is the opposite of PauseReplay.
func (s *Standby) ResumeReplay() error { return execute(s.server.URL, "SELECT pg_wal_replay_resume()") }

// Promote makes the standby a server of its own, which accepts writes. It returns when the server does.
func (s *Standby) Promote() error { return execute(s.server.URL, "SELECT pg_promote(wait => true)") }

// Kill ends the standby immediately, as a crash would.
func (s *Standby) Kill() error { return s.server.process.Kill() }

// Stop ends the standby and removes its data. After Kill it does nothing.
func (s *Standby) Stop() error { return s.server.Stop() }
