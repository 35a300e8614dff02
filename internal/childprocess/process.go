// Package childprocess runs a server that tests need as a child process. The server never outlives the process that
// started it, even if that process is killed.
//
// The parent starts a small shell, which starts the server and reads from a pipe whose other end only the parent holds.
// When the parent ends, even by kill -9, the kernel closes its end of the pipe. The shell then reads the end of file,
// stops the server and removes its directory. This works on Linux and macOS and needs no goroutine in the parent, so
// goroutine leak checks of tests do not see it.
package childprocess

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// killAfter is how long a server may take to stop before it is killed.
const killAfter = 10 * time.Second

// superviseScript runs "$@" in the working directory, with its output in the file $3, until a line can be read from
// standard input or standard input is closed. It then sends the server the signal that the line names, or $1 without a
// line, waits for the server's end and removes the directory $2. If the server ends before that, the script writes the
// server's exit status to the file "exit".
const superviseScript = `
exec 3<&0 </dev/null
signal=$1
directory=$2
log=$3
shift 3
"$@" 3<&- >>"$log" 2>&1 &
server=$!
(
	read -r order <&3 && signal=$order
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

// Command describes the server to run.
type Command struct {
	// Name is the name of the server in errors and in the name of its directory.
	Name string
	// Path and Args are the program of the server and its arguments. The server runs in a new directory, which is
	// removed with its content when the server is stopped.
	Path string
	Args []string
	// Env are environment variables that are added to those of this process, or replace them.
	Env []string
	// Log is a file to which the server's output is appended. It is not removed. Defaults to a file in the working
	// directory of the server.
	Log string
	// Signal is the name of the signal that stops the server. Defaults to "TERM".
	Signal string
	// User is the user that the server runs as. Defaults to the current user.
	User *syscall.Credential
}

// Process is a running server. Its methods may be called from any goroutine.
type Process struct {
	name string
	dir  string
	log  string
	cmd  *exec.Cmd
	pipe io.WriteCloser
	stop func() error
}

// NewDirectory creates a directory for data that outlives the servers that use it. The directory is the working
// directory of a process that only sleeps. Stopping that process removes the directory.
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
	// The shell and the server form a process group of their own. An interrupt at the terminal does not reach the
	// server before the tests have ended, and processes that the server leaves behind can be killed.
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

// Err returns an error with the server's exit status and the end of its output if the server has ended and nobody
// stopped it. It returns nil while the server runs.
func (p *Process) Err() error {
	status, err := os.ReadFile(filepath.Join(p.dir, "exit"))
	if err != nil {
		return nil //nolint:nilerr // no such file: the server runs
	}
	return fmt.Errorf("%s ended with status %s: %s", p.name, strings.TrimSpace(string(status)), p.Log())
}

// Dir returns the working directory of the server.
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

// Stop asks the server to stop and returns when it has stopped. A server that still runs after 10 seconds is killed.
// Stop removes the server's directory. A second call does nothing.
func (p *Process) Stop() error { return p.stop() }

// Kill ends the server immediately, as a crash would, and removes its directory. The server has ended when Kill
// returns, so that another server can listen on its port.
func (p *Process) Kill() error {
	if _, err := io.WriteString(p.pipe, "KILL\n"); err != nil { // the server is being stopped, or has ended
		if err := p.signalKill(); err != nil {
			return fmt.Errorf("killing %s: %w", p.name, err)
		}
	}
	return p.stop()
}

// signalKill kills the whole process group. It returns no error if all processes of the group have ended before.
func (p *Process) signalKill() error {
	err := syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
	if errors.Is(err, syscall.ESRCH) {
		return nil
	}
	return err
}

// awaitEnd stops the server, waits until its processes have ended and removes its directory.
func (p *Process) awaitEnd() error {
	deadline := time.AfterFunc(killAfter, func() { _ = p.signalKill() })
	defer deadline.Stop()
	closeErr := p.pipe.Close()
	_ = p.cmd.Wait()   // the exit status of the shell is not the server's
	_ = p.signalKill() // processes that the server started and left behind
	if err := errors.Join(closeErr, os.RemoveAll(p.dir)); err != nil {
		return fmt.Errorf("stopping %s: %w", p.name, err)
	}
	return nil
}
