package dev

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
	enough = 20 * time.Second
	tick   = 5 * time.Millisecond
)

func newFolder(t *testing.T) *folder {
	t.Helper()
	f, err := openFolder(t.TempDir())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, f.close()) })
	return f
}

// pids reads pids.json; nil while there is none.
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

// running waits until a process runs that is not the given one, and returns its id.
func running(t *testing.T, data, name string, not int) int {
	t.Helper()
	pid := 0
	require.Eventually(t, func() bool {
		pid = pids(t, data)[name]
		return pid != 0 && pid != not && alive(pid)
	}, enough, tick)
	return pid
}

func log(t *testing.T, f *folder, name string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(f.path, logFolder, name+".log"))
	require.NoError(t, err)
	return string(content)
}

func logHas(t *testing.T, f *folder, name, text string) {
	t.Helper()
	require.Eventually(t, func() bool { return strings.Contains(log(t, f, name), text) }, enough, tick)
}

func TestAKilledChildIsStartedAgain(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	deaths := make(chan string, 10)
	s := newSupervisor(f, func(name, how string) { deaths <- name + ": " + how })
	require.NoError(t, s.start(play("a", roleServer)))
	require.NoError(t, s.start(play("b", roleServer)))
	first, other := running(t, f.path, "a", 0), running(t, f.path, "b", 0)
	require.Equal(t, os.Getpid(), pids(t, f.path)[ownName])

	require.NoError(t, syscall.Kill(first, syscall.SIGKILL))
	second := running(t, f.path, "a", first)
	require.Equal(t, "a: signal: killed", <-deaths)
	require.False(t, alive(first))
	require.Equal(t, other, pids(t, f.path)["b"], "the other one is left alone")

	require.NoError(t, syscall.Kill(second, syscall.SIGTERM), "one that ends well was not told to by the supervisor either")
	third := running(t, f.path, "a", second)
	logHas(t, f, "b", "up")

	s.stop("a", "b")
	require.False(t, alive(third))
	require.False(t, alive(other))
	require.Contains(t, log(t, f, "b"), "up\ndown\n", "it was asked gently")
	s.stop("a", "b") // again does nothing
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
	stubborn := play("a", roleStubborn)
	stubborn.grace = 50 * time.Millisecond
	require.NoError(t, s.start(stubborn))
	pid := running(t, f.path, "a", 0)
	logHas(t, f, "a", "up")
	s.stop("a")
	require.False(t, alive(pid))
}

func TestKillEndsEverythingAtOnce(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	s := newSupervisor(f, func(string, string) {})
	require.NoError(t, s.start(play("a", roleStubborn)))
	require.NoError(t, s.start(play("b", roleServer)))
	a, b := running(t, f.path, "a", 0), running(t, f.path, "b", 0)
	logHas(t, f, "a", "up")
	began := time.Now()
	s.kill()
	require.Less(t, time.Since(began), grace)
	require.False(t, alive(a))
	require.False(t, alive(b))
}

// TestChildrenDieWithTheSupervisor kills a supervisor with kill -9, so that it can stop nobody.
func TestChildrenDieWithTheSupervisor(t *testing.T) {
	t.Parallel()
	if !hasProc() {
		t.Log("only Linux ends children with a parent that was killed")
		return
	}
	data := t.TempDir()
	owner := exec.CommandContext(t.Context(), os.Args[0], data)
	owner.Env = append(os.Environ(), roleVariable+"="+roleSupervisor)
	_, err := owner.StdinPipe() // what it waits for
	require.NoError(t, err)
	require.NoError(t, owner.Start())
	child := running(t, data, "server", 0)

	require.NoError(t, owner.Process.Kill())
	require.EqualError(t, owner.Wait(), "signal: killed")
	require.Eventually(t, func() bool { return !alive(child) }, enough, tick)
}
