package devsystem

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	waitTimeout = 20 * time.Second
	tick        = 5 * time.Millisecond
)

func newFolder(t *testing.T) *folder {
	t.Helper()
	f, err := openFolder(t.TempDir())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, f.release()) })
	return f
}

// pids reads pids.json; nil if it does not exist.
func pids(t *testing.T, data string) map[string]int {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(data, PIDFile))
	if err != nil {
		return nil
	}
	var ids map[string]int
	require.NoError(t, json.Unmarshal(content, &ids))
	return ids
}

// waitForProcess waits until the named process runs with another id than the given one, and returns that id.
func waitForProcess(t *testing.T, data, name string, not int) int {
	t.Helper()
	pid := 0
	require.Eventually(t, func() bool {
		pid = pids(t, data)[name]
		return pid != 0 && pid != not && isAlive(pid)
	}, waitTimeout, tick)
	return pid
}

func readLog(t *testing.T, f *folder, name string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(f.path, logFolder, name+".log"))
	require.NoError(t, err)
	return string(content)
}

func logHas(t *testing.T, f *folder, name, text string) {
	t.Helper()
	require.Eventually(t, func() bool { return strings.Contains(readLog(t, f, name), text) }, waitTimeout, tick)
}

func TestAKilledChildIsStartedAgain(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	deaths := make(chan string, 10)
	s := newSupervisor(f, func(name, how string) { deaths <- name + ": " + how })
	require.NoError(t, s.start(roleCommand("a", roleServer)))
	require.NoError(t, s.start(roleCommand("b", roleServer)))
	first, other := waitForProcess(t, f.path, "a", 0), waitForProcess(t, f.path, "b", 0)
	require.Equal(t, os.Getpid(), pids(t, f.path)[supervisorName])

	require.NoError(t, syscall.Kill(first, syscall.SIGKILL))
	second := waitForProcess(t, f.path, "a", first)
	require.Equal(t, "a: signal: killed", <-deaths)
	require.False(t, isAlive(first))
	require.Equal(t, other, pids(t, f.path)["b"], "the other one is left alone")

	require.NoError(t, syscall.Kill(second, syscall.SIGTERM),
		"a child that ends without an error is restarted as well")
	third := waitForProcess(t, f.path, "a", second)
	logHas(t, f, "b", "up")

	s.stop("a", "b")
	require.False(t, isAlive(third))
	require.False(t, isAlive(other))
	require.Contains(t, readLog(t, f, "b"), "up\ndown\n", "it was asked gently")
	s.stop("a", "b") // a second stop has no effect
}

func TestAProgramThatIsNotThereIsTriedAgain(t *testing.T) {
	t.Parallel()
	deaths := make(chan string, 10)
	s := newSupervisor(newFolder(t), func(_, how string) { deaths <- how })
	require.NoError(t, s.start(command{name: "a", path: "/nowhere/server"}))
	require.Contains(t, <-deaths, "no such file")
	require.Contains(t, <-deaths, "no such file")
	s.stop("a")
}

func TestAChildThatDoesNotStopIsKilled(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	s := newSupervisor(f, func(string, string) {})
	stubborn := roleCommand("a", roleStubborn)
	stubborn.grace = 50 * time.Millisecond
	require.NoError(t, s.start(stubborn))
	pid := waitForProcess(t, f.path, "a", 0)
	logHas(t, f, "a", "up")
	s.stop("a")
	require.False(t, isAlive(pid))
}

func TestKillEndsEverythingAtOnce(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	s := newSupervisor(f, func(string, string) {})
	require.NoError(t, s.start(roleCommand("a", roleStubborn)))
	require.NoError(t, s.start(roleCommand("b", roleServer)))
	a, b := waitForProcess(t, f.path, "a", 0), waitForProcess(t, f.path, "b", 0)
	logHas(t, f, "a", "up")
	began := time.Now()
	s.kill()
	require.Less(t, time.Since(began), stopGrace)
	require.False(t, isAlive(a))
	require.False(t, isAlive(b))
}

// TestChildrenDieWithTheSupervisor kills a supervisor with SIGKILL, so that it cannot stop its children.
func TestChildrenDieWithTheSupervisor(t *testing.T) {
	t.Parallel()
	if !hasProcFS() {
		t.Log("only Linux ends children with a parent that was killed")
		return
	}
	data := t.TempDir()
	owner := exec.CommandContext(t.Context(), os.Args[0], data)
	owner.Env = append(os.Environ(), roleVariable+"="+roleSupervisor)
	_, err := owner.StdinPipe() // the supervisor waits for its end
	require.NoError(t, err)
	require.NoError(t, owner.Start())
	child := waitForProcess(t, data, "server", 0)

	require.NoError(t, owner.Process.Kill())
	require.EqualError(t, owner.Wait(), "signal: killed")
	require.Eventually(t, func() bool { return !isAlive(child) }, waitTimeout, tick)
}
