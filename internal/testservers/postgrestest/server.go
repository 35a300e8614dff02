package postgrestest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/aliquot-labs/aliquot/internal/childprocess"
)

// startPatience bounds initdb and the server's start on a busy machine.
const startPatience = 60 * time.Second

// initAndServeScript creates a database cluster in the directory $2 unless there is one, and serves it on the port $1.
// Settings that protect data from a power cut are off, because the data is only needed during the tests. $3 is the
// value of synchronous_commit: with "on", a commit survives a kill of the server. With a certificate ($4), its key ($5)
// and a certificate authority ($6), connections have to use TLS with certificates on both sides. wal_keep_size keeps
// the log that a standby still has to copy while other tests write.
const initAndServeScript = `
{ [ -e "$2/PG_VERSION" ] ||
"$0/initdb" --pgdata="$2" --auth=trust --username=postgres --encoding=UTF8 --locale=C --no-sync; } || exit
if [ -n "$4" ]; then
	umask 077
	echo "$4" >"$2/server.crt" && echo "$5" >"$2/server.key" && echo "$6" >"$2/root.crt" || exit
	echo "hostssl all all 127.0.0.1/32 trust clientcert=verify-full" >"$2/pg_hba.conf"
	printf '%s\n' "ssl = on" "ssl_ca_file = 'root.crt'" >>"$2/postgresql.conf"
fi
exec "$0/postgres" -D "$2" -p "$1" -c listen_addresses=127.0.0.1 -c unix_socket_directories= \
	-c max_connections=300 -c fsync=off -c synchronous_commit="$3" -c full_page_writes=off -c wal_keep_size=512MB
`

// ErrNotInstalled is returned when PostgreSQL is missing on this machine.
var ErrNotInstalled = errors.New("no PostgreSQL server found on PATH or under /usr/lib/postgresql: " +
	"run the tests with `make test`, which installs it, or set " + ServerVariable)

// Server is a temporary, empty PostgreSQL server. It ends at the latest with the process that started it.
type Server struct {
	// URL connects to the database "postgres" as the superuser.
	URL     string
	process *childprocess.Process
}

// Start starts a server on a free port of 127.0.0.1 and returns when it accepts connections. PostgreSQL refuses to run
// as root, so if root calls Start, the server runs as the user postgres or nobody.
func Start(ctx context.Context) (*Server, error) { return StartTLS(ctx, TLS{}) }

// TLS names the files of a server that accepts TLS connections only. The zero value is a server without TLS.
type TLS struct {
	Cert, Key string // certificate and key of the server
	CA        string // certificate authority of the server and its clients
	// ClientCert and ClientKey are the certificate and key with which the URL connects as the user "postgres".
	ClientCert, ClientKey string
}

// StartTLS works like Start. If files are named, the server accepts TLS connections only.
func StartTLS(ctx context.Context, files TLS) (*Server, error) {
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()

	bin, err := findBinaries("initdb", "postgres")
	if err != nil {
		return nil, err
	}
	owner, err := unprivilegedUser()
	if err != nil {
		return nil, err
	}

	// Another process can take the port between the choice and its use.
	const attempts = 3
	for attempt := 1; ; attempt++ {
		port, err := childprocess.FreePort(ctx)
		if err != nil {
			return nil, err
		}
		s, err := startServer(ctx, bin, owner, port, "data", "off", files)
		if err == nil || attempt == attempts {
			return s, err
		}
	}
}

// urlQuery returns the query of the server's URL, which selects TLS or no TLS.
func (f TLS) urlQuery() string {
	if f.Cert == "" {
		return "sslmode=disable"
	}
	return url.Values{
		"sslmode": {"verify-full"}, "sslrootcert": {f.CA}, "sslcert": {f.ClientCert}, "sslkey": {f.ClientKey},
	}.Encode()
}

// Stop ends the server and removes its data.
func (s *Server) Stop() error { return s.process.Stop() }

func startServer(ctx context.Context, bin string, owner *syscall.Credential, port int, data, synchronousCommit string,
	files TLS) (*Server, error) {
	var content [3]string
	for i, file := range []string{files.Cert, files.Key, files.CA} {
		if file == "" {
			continue
		}
		read, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("reading the TLS files: %w", err)
		}
		content[i] = string(read)
	}
	process, err := childprocess.Start(childprocess.Command{
		Name: "postgres",
		Path: "/bin/sh",
		Args: []string{"-c", initAndServeScript, bin, strconv.Itoa(port), data, synchronousCommit, content[0], content[1],
			content[2]},
		Signal: "INT", // PostgreSQL disconnects its clients and shuts down
		User:   owner,
	})
	if err != nil {
		return nil, err
	}

	s := &Server{
		URL:     fmt.Sprintf("postgres://postgres@127.0.0.1:%d/postgres?%s", port, files.urlQuery()),
		process: process,
	}
	if err := s.waitReady(ctx); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	return s, nil
}

func (s *Server) waitReady(ctx context.Context) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if err := s.process.Err(); err != nil {
			return err
		}
		connErr := s.ping(ctx)
		if connErr == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for PostgreSQL: %w: %s", connErr, s.process.Log())
		case <-tick.C:
		}
	}
}

func (s *Server) ping(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, s.URL)
	if err != nil {
		return err
	}
	return conn.Close(ctx)
}

// findBinaries returns the directory that holds all of the programs. It prefers directories on PATH, then the newest
// version.
func findBinaries(programs ...string) (string, error) {
	candidates := filepath.SplitList(os.Getenv("PATH"))
	packaged, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil {
		return "", fmt.Errorf("looking for PostgreSQL: %w", err)
	}
	slices.Reverse(packaged)
	candidates = append(candidates, packaged...)
	candidates = append(candidates, "/usr/local/bin", "/opt/homebrew/bin")

	for _, dir := range candidates {
		missing := func(name string) bool { return !isProgram(filepath.Join(dir, name)) }
		if !slices.ContainsFunc(programs, missing) {
			return dir, nil
		}
	}
	return "", ErrNotInstalled
}

func isProgram(path string) bool {
	_, err := exec.LookPath(path)
	return err == nil
}

// unprivilegedUser returns the user to run PostgreSQL as if this process runs as root, otherwise nil.
func unprivilegedUser() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	var errs []error
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		uid, uidErr := strconv.ParseUint(u.Uid, 10, 32)
		gid, gidErr := strconv.ParseUint(u.Gid, 10, 32)
		if err := errors.Join(uidErr, gidErr); err != nil {
			return nil, fmt.Errorf("reading the ids of user %s: %w", name, err)
		}
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
	}
	return nil, fmt.Errorf("finding a user to run PostgreSQL as: %w", errors.Join(errs...))
}

// withDatabase returns the server's URL with the name of another database.
func withDatabase(server, database string) (string, error) {
	u, err := url.Parse(server)
	if err != nil {
		return "", errors.New(ServerVariable + " is not a URL") // the wrapped error would contain the password
	}
	u.Path = "/" + database
	return u.String(), nil
}
