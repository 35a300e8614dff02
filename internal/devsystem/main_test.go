package devsystem

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"testing"

	"go.uber.org/goleak"
)

// roleVariable makes the test binary run as a process of the supervisor, or as a supervisor that is killed.
const roleVariable = "DEV_TEST_ROLE"

const (
	roleServer     = "server"     // runs until SIGTERM
	roleStubborn   = "stubborn"   // ignores SIGTERM
	roleSupervisor = "supervisor" // supervises a server in the folder of its argument
)

func TestMain(m *testing.M) {
	switch os.Getenv(roleVariable) {
	case roleServer:
		terminated := make(chan os.Signal, 1)
		signal.Notify(terminated, syscall.SIGTERM)
		fmt.Fprintln(os.Stdout, "up")
		<-terminated
		fmt.Fprintln(os.Stdout, "down")
		os.Exit(0)
	case roleStubborn:
		signal.Ignore(syscall.SIGTERM)
		fmt.Fprintln(os.Stdout, "up")
		select {}
	case roleSupervisor:
		superviseUntilKilled(os.Args[1])
	}
	goleak.VerifyTestMain(m)
}

func superviseUntilKilled(path string) {
	f, err := openFolder(path)
	if err != nil {
		panic(err)
	}
	s := newSupervisor(f, func(string, string) {})
	if err := s.start(roleCommand("server", roleServer)); err != nil {
		panic(err)
	}
	_, _ = io.Copy(io.Discard, os.Stdin)
}

// roleCommand returns a command that runs this test binary in a role.
func roleCommand(name, role string) command {
	return command{name: name, path: os.Args[0], env: append(os.Environ(), roleVariable+"="+role), grace: stopGrace}
}

// isAlive reports whether a process runs. A zombie does not.
func isAlive(pid int) bool {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return syscall.Kill(pid, 0) == nil && os.IsNotExist(err) && !hasProcFS()
	}
	_, state, _ := bytes.Cut(stat, []byte(") "))
	return !bytes.HasPrefix(state, []byte("Z"))
}

// hasProcFS reports whether the system has /proc.
func hasProcFS() bool {
	_, err := os.Stat("/proc/self/stat")
	return err == nil
}
