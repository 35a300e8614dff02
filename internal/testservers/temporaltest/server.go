package temporaltest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"go.temporal.io/sdk/client"

	"github.com/aliquot-labs/aliquot/internal/childprocess"
)

// startPatience bounds a server's start on a busy machine. A start usually takes one second.
const startPatience = 60 * time.Second

// ErrNoBinary is returned when there is no Temporal program on this machine.
var ErrNoBinary = errors.New("no temporal binary in " + binaryVariable + ", bin/tools or on PATH: run `make tools`")

// Options describe how a server is started.
type Options struct {
	// DBFile is the file in which the server stores its data. Without it, the data is in memory only.
	DBFile string
	// Port is the port of 127.0.0.1 on which the server listens. Defaults to a free port, on which the server can be
	// started again.
	Port int
}

// FindBinary returns the path of the Temporal program: the one in ALIQUOT_TEST_TEMPORAL, else bin/tools/temporal of the
// repository, else the one on PATH. The error is ErrNoBinary if there is none.
func FindBinary() (string, error) {
	if path := os.Getenv(binaryVariable); path != "" {
		return findProgram(path)
	}
	if root, found := moduleRoot(); found {
		if path, err := findProgram(filepath.Join(root, "bin", "tools", "temporal")); err == nil {
			return path, nil
		}
	}
	return findProgram("temporal")
}

func findProgram(name string) (string, error) {
	path, err := exec.LookPath(name)
	if err != nil {
		return "", errors.Join(ErrNoBinary, err)
	}
	return path, nil
}

// moduleRoot returns the nearest directory above the test's working directory that has a go.mod.
func moduleRoot() (string, bool) {
	dir, err := os.Getwd()
	if err != nil {
		return "", false
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, true
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", false
		}
		dir = parent
	}
}

func startServer(ctx context.Context, o Options) (*DevServer, error) {
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	binary, err := FindBinary()
	if err != nil {
		return nil, err
	}
	// Another process can take the port, or a port that the server itself chooses, between the choice and its use.
	const attempts = 3
	for attempt := 1; ; attempt++ {
		d, err := startOnce(ctx, binary, o)
		if err == nil || attempt == attempts {
			return d, err
		}
	}
}

// startOnce starts the server on the port of the options, or on a free one.
func startOnce(ctx context.Context, binary string, o Options) (_ *DevServer, err error) {
	port := o.Port
	if port == 0 {
		if port, err = childprocess.FreePort(ctx); err != nil {
			return nil, err
		}
	}
	return startOnPort(ctx, binary, o.DBFile, port)
}

func startOnPort(ctx context.Context, binary, dbFile string, port int) (*DevServer, error) {
	args := []string{
		"server", "start-dev", "--headless", "--ip", "127.0.0.1", "--port", strconv.Itoa(port),
		"--log-level", "error", "--disable-config-file", "--disable-config-env",
	}
	if dbFile != "" {
		args = append(args, "--db-filename", dbFile)
	}
	process, err := childprocess.Start(childprocess.Command{Name: "temporal", Path: binary, Args: args})
	if err != nil {
		return nil, err
	}

	d := &DevServer{Address: net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), process: process}
	if err := d.waitReady(ctx); err != nil {
		return nil, errors.Join(err, process.Stop())
	}
	return d, nil
}

func (d *DevServer) waitReady(ctx context.Context) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		if err := d.process.Err(); err != nil {
			return err
		}
		dialErr := d.ping(ctx)
		if dialErr == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for Temporal: %w: %s", dialErr, d.process.Log())
		case <-tick.C:
		}
	}
}

func (d *DevServer) ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	c, err := d.dial(client.DefaultNamespace)
	if err != nil {
		return err
	}
	defer c.Close()
	return checkNamespace(ctx, c, client.DefaultNamespace)
}
