package childprocess_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/aliquot-labs/aliquot/internal/childprocess"
)

// ownerVariable names the environment variable that makes the test binary start a server and wait until it is killed.
const ownerVariable = "ALIQUOT_LEASH_OWNER"

// listenerVariable names the environment variable that makes the test binary listen on an address until it is killed.
const listenerVariable = "ALIQUOT_LISTENER_ADDRESS"

// server writes its directory to the named pipe $0 and holds the pipe open until it is stopped.
const server = `exec 5>"$0"; echo "$PWD" >&5; exec tail -f /dev/null`

func TestMain(m *testing.M) {
	if fifo := os.Getenv(ownerVariable); fifo != "" {
		runOwner(fifo)
	}
	if address := os.Getenv(listenerVariable); address != "" {
		runListener(address)
	}
	goleak.VerifyTestMain(m)
}

func runOwner(fifo string) {
	if _, err := childprocess.Start(command(fifo)); err != nil {
		os.Exit(1)
	}
	_, _ = io.Copy(io.Discard, os.Stdin)
	os.Exit(0)
}

func runListener(address string) {
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", address)
	if err != nil {
		os.Exit(1)
	}
	for {
		if _, err := listener.Accept(); err != nil {
			os.Exit(1)
		}
	}
}

func command(fifo string) childprocess.Command {
	return childprocess.Command{Name: "server", Path: "/bin/sh", Args: []string{"-c", server, fifo}}
}

func TestStopEndsTheServerAndRemovesItsDirectory(t *testing.T) {
	t.Parallel()
	fifo := newFIFO(t)
	p, err := childprocess.Start(command(fifo))
	require.NoError(t, err)
	dir, ended := awaitStart(t, fifo)
	require.DirExists(t, dir)
	require.NoError(t, p.Err())

	require.NoError(t, p.Stop())
	ended()
	require.NoDirExists(t, dir)
	require.NoError(t, p.Stop(), "stopping twice")
}

func TestKillEndsTheServer(t *testing.T) {
	t.Parallel()
	fifo := newFIFO(t)
	p, err := childprocess.Start(command(fifo))
	require.NoError(t, err)
	dir, ended := awaitStart(t, fifo)

	require.NoError(t, p.Kill())
	ended()
	require.NoDirExists(t, dir)
}

// TestAKilledServerLeavesItsPort kills servers one after the other, each of which listens on the same port.
func TestAKilledServerLeavesItsPort(t *testing.T) {
	t.Parallel()
	port, err := childprocess.FreePort(t.Context())
	require.NoError(t, err)
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	for range 20 {
		p, err := childprocess.Start(childprocess.Command{
			Name: "listener", Path: os.Args[0], Env: []string{listenerVariable + "=" + address},
		})
		require.NoError(t, err)
		require.Eventually(t, func() bool {
			conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", address)
			return err == nil && conn.Close() == nil
		}, 30*time.Second, time.Millisecond)
		require.NoError(t, p.Err())
		require.NoError(t, p.Kill())
		_, err = new(net.Dialer).DialContext(t.Context(), "tcp", address)
		require.Error(t, err)
	}
}

// TestServerEndsWithItsOwner kills the process that started a server with kill -9, so that the process cannot stop the
// server.
func TestServerEndsWithItsOwner(t *testing.T) {
	t.Parallel()
	fifo := newFIFO(t)
	owner := exec.CommandContext(t.Context(), os.Args[0])
	owner.Env = append(os.Environ(), ownerVariable+"="+fifo)
	_, err := owner.StdinPipe() // the owner waits until it is closed
	require.NoError(t, err)
	require.NoError(t, owner.Start())
	dir, ended := awaitStart(t, fifo)
	require.DirExists(t, dir)

	require.NoError(t, owner.Process.Kill())
	require.EqualError(t, owner.Wait(), "signal: killed")
	ended()
	require.Eventually(t, func() bool {
		_, err := os.Stat(dir)
		return os.IsNotExist(err)
	}, 10*time.Second, 5*time.Millisecond)
}

func TestErrReportsWhyTheServerEnded(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		command childprocess.Command
		want    string
	}{
		"fails": {
			childprocess.Command{Name: "server", Path: "/bin/sh", Args: []string{"-c", "echo no such file; exit 3"}},
			"server ended with status 3: no such file\n",
		},
		"cannot be run": {
			childprocess.Command{Name: "server", Path: "/nowhere/server"},
			"server ended with status 127: ",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := childprocess.Start(test.command)
			require.NoError(t, err)

			require.Eventually(t, func() bool { return p.Err() != nil }, 10*time.Second, 5*time.Millisecond)
			require.ErrorContains(t, p.Err(), test.want)
			require.NoError(t, p.Stop())
		})
	}
}

func newFIFO(t *testing.T) string {
	t.Helper()
	fifo := filepath.Join(t.TempDir(), "fifo")
	require.NoError(t, syscall.Mkfifo(fifo, 0o600))
	return fifo
}

// awaitStart waits until the server runs. It returns the server's directory and a
// function that returns when the server has ended.
func awaitStart(t *testing.T, fifo string) (dir string, ended func()) {
	t.Helper()
	f, err := os.Open(fifo)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, f.Close()) })
	r := bufio.NewReader(f)
	dir, err = r.ReadString('\n')
	require.NoError(t, err)

	return strings.TrimSpace(dir), func() {
		t.Helper()
		_, err := r.ReadByte()
		require.ErrorIs(t, err, io.EOF)
	}
}
