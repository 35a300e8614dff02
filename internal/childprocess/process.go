// Package childprocess runs a server that tests need, as a child process that cannot
// outlive the process that started it, however that one ends.
//
// A small shell stands between the two and reads from a pipe whose other end
// only we hold. When we end, even by kill -9, the kernel closes our end; the
// shell reads the end of file, stops the server and removes its directory. This
// works alike on Linux and macOS and costs no goroutine in the test process, so
// that leak checks stay clean.
package childprocess

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// FreePort returns a TCP port of 127.0.0.1 that nobody listens on. Another
// process may take it before the caller does, so a server that fails to start is
// worth another try on another port.
func FreePort(ctx context.Context) (int, error) {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("finding a free port: %w", err)
	}
	defer l.Close()

	address, ok := l.Addr().(*net.TCPAddr)
	if !ok {
		return 0, fmt.Errorf("finding a free port: %s is no TCP address", l.Addr())
	}
	return address.Port, nil
}

// killAfter is how long a server may take to stop before it is killed.
const killAfter = 10 * time.Second

// superviseScript runs "$@" in the directory $2, with its output in the file $3, until
// the pipe on standard input is closed, and then sends it the signal $1. A server
// that ends by itself leaves its exit status in the file "exit".
const superviseScript = `
exec 3<&0 </dev/null
signal=$1
directory=$2
log=$3
shift 3
"$@" 3<&- >>"$log" 2>&1 &
server=$!
(
	read -r _ <&3
	: >stopped
	kill -s "$signal" "$server"
) 2>/dev/null &
watcher=$!
wait "$server"
echo $? >status
if [ -e stopped ]; then
	rm -rf "$directory"
	exit
fi
mv status exit
kill "$watcher"
`

// Command says what to run.
type Command struct {
	// Name is what errors and the directory call the server.
	Name string
	// Path and Args are the server and its arguments. Its working directory is
	// a new one, which is removed with everything in it when the server is
	// stopped.
	Path string
	Args []string
	// Env is laid over the environment of this process.
	Env []string
	// Log is a file that the server's output is appended to, and that stays.
	// Defaults to one in the working directory.
	Log string
	// Signal asks the server to stop. Defaults to "TERM".
	Signal string
	// User is whom the server runs as. Defaults to the current user.
	User *syscall.Credential
}

// Process is a running server. Its methods may be called from any goroutine.
type Process struct {
	name string
	dir  string
	log  string
	cmd  *exec.Cmd
	pipe io.Closer
	stop func() error
}

// NewDirectory makes a directory for what outlives the servers that use it. It is the
// working directory of a process that does nothing, and goes when that is stopped.
func NewDirectory(name string, owner *syscall.Credential) (*Process, error) {
	const longest = "2147483647" // seconds
	return Start(Command{Name: name, Path: "/bin/sleep", Args: []string{longest}, User: owner})
}

// Start starts the command. It does not wait until the server is ready.
func Start(c Command) (*Process, error) {
	dir, err := os.MkdirTemp("", "aliquot-"+c.Name+"-")
	if err != nil {
		return nil, fmt.Errorf("making a directory for %s: %w", c.Name, err)
	}
	p, err := startIn(c, dir)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("starting %s: %w", c.Name, err), os.RemoveAll(dir))
	}
	return p, nil
}

func startIn(c Command, dir string) (*Process, error) {
	if c.User != nil {
		if err := os.Chown(dir, int(c.User.Uid), int(c.User.Gid)); err != nil {
			return nil, err
		}
	}
	signal := c.Signal
	if signal == "" {
		signal = "TERM"
	}

	log := c.Log
	if log == "" {
		log = filepath.Join(dir, "log")
	}

	args := append([]string{"-c", superviseScript, c.Name, signal, dir, log, c.Path}, c.Args...)
	cmd := exec.Command("/bin/sh", args...) //nolint:noctx // it ends with the pipe, not with a context
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), c.Env...)
	// A process group of its own keeps an interrupt at the terminal from reaching
	// the server before the tests have ended, and lets Kill reach all of it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: c.User}
	pipe, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}

	p := &Process{name: c.Name, dir: dir, log: log, cmd: cmd, pipe: pipe}
	p.stop = sync.OnceValue(p.awaitEnd)
	return p, nil
}

// Err tells that the server has ended by itself, with its exit status and the
// end of its output. It is nil while the server runs.
func (p *Process) Err() error {
	status, err := os.ReadFile(filepath.Join(p.dir, "exit"))
	if err != nil {
		return nil //nolint:nilerr // no such file: the server runs
	}
	return fmt.Errorf("%s ended with status %s: %s", p.name, strings.TrimSpace(string(status)), p.Log())
}

// Dir is the working directory.
func (p *Process) Dir() string { return p.dir }

// Log returns the last 4 kB of what the server has written.
func (p *Process) Log() string {
	const tail = 4096
	log, err := os.ReadFile(p.log)
	if err != nil {
		return ""
	}
	return string(log[max(0, len(log)-tail):])
}

// Stop asks the server to stop and returns when it has; one that has not after
// 10 seconds is killed. Stopping it again does nothing.
func (p *Process) Stop() error { return p.stop() }

// Kill ends the server at once, as a crash would. Its directory is removed.
func (p *Process) Kill() error {
	if err := p.signalKill(); err != nil {
		return fmt.Errorf("killing %s: %w", p.name, err)
	}
	return p.stop()
}

// signalKill kills the whole process group. That there is none any more is no
// error.
func (p *Process) signalKill() error {
	err := syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
	if errors.Is(err, syscall.ESRCH) {
		return nil
	}
	return err
}

func (p *Process) awaitEnd() error {
	deadline := time.AfterFunc(killAfter, func() { _ = p.signalKill() })
	defer deadline.Stop()
	closeErr := p.pipe.Close()
	_ = p.cmd.Wait() // whether the shell ended well tells nothing about the server
	if err := errors.Join(closeErr, os.RemoveAll(p.dir)); err != nil {
		return fmt.Errorf("stopping %s: %w", p.name, err)
	}
	return nil
}
