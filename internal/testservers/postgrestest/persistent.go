package postgrestest

import (
	"context"
	"errors"
	"path/filepath"
	"syscall"
	"time"

	"github.com/aliquot-labs/aliquot/internal/childprocess"
)

// restartPatience bounds a start after a kill. The new server waits until the last process of the killed server has
// ended, and then replays the write-ahead log.
const restartPatience = 2 * time.Minute

// PersistentServer is a server that can be killed and started again on the same port with the same data. A commit that
// it has confirmed is not lost. Its data is removed when the process that created it ends.
type PersistentServer struct {
	// URL connects to the database "postgres" as the superuser.
	URL string

	binDir    string
	owner     *syscall.Credential
	port      int
	directory *childprocess.Process
	server    *Server
}

// StartPersistent starts an empty persistent server.
func StartPersistent(ctx context.Context) (*PersistentServer, error) {
	bin, err := findBinaries("initdb", "postgres")
	if err != nil {
		return nil, err
	}
	owner, err := unprivilegedUser()
	if err != nil {
		return nil, err
	}
	port, err := childprocess.FreePort(ctx)
	if err != nil {
		return nil, err
	}
	folder, err := childprocess.NewDirectory("postgres-data", owner)
	if err != nil {
		return nil, err
	}
	k := &PersistentServer{binDir: bin, owner: owner, port: port, directory: folder}
	if err := k.Start(ctx); err != nil {
		return nil, errors.Join(err, folder.Stop())
	}
	k.URL = k.server.URL
	return k, nil
}

// Start starts the server again after Kill or Shutdown, and returns when it accepts connections.
func (k *PersistentServer) Start(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, restartPatience)
	defer cancel()
	for {
		server, err := startServer(ctx, k.binDir, k.owner, k.port, filepath.Join(k.directory.Dir(), "data"), "on", TLS{})
		if err == nil {
			k.server = server
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(200 * time.Millisecond): // processes of the killed server still run
		}
	}
}

// Kill ends the server immediately, as a crash would.
func (k *PersistentServer) Kill() error { return k.server.process.Kill() }

// Err returns an error if the server has ended and nobody stopped it.
func (k *PersistentServer) Err() error { return k.server.process.Err() }

// Shutdown shuts the server down and keeps its data.
func (k *PersistentServer) Shutdown() error { return k.server.Stop() }

// Remove shuts the server down and removes its data.
func (k *PersistentServer) Remove() error { return errors.Join(k.server.Stop(), k.directory.Stop()) }

// CreateDatabase creates an empty database and returns its URL, with the role OwnerRole.
func (k *PersistentServer) CreateDatabase(name string) (string, error) {
	return createNamedDatabase(k.URL, name, "template0")
}

// DropDatabase removes a database even if clients are connected to it.
func (k *PersistentServer) DropDatabase(name string) error {
	return execute(k.URL, "DROP DATABASE "+name+" WITH (FORCE)")
}
