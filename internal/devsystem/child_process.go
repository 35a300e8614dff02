package devsystem

import (
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// command is a program that runs as a child process.
type command struct {
	name  string // name of the process in messages, its log file and pids.json
	path  string
	args  []string
	env   []string
	dir   string        // the folder that it runs in; empty: that of this process
	grace time.Duration // how long it may take to stop
}

// The delay before a process that ended is restarted. It doubles each time that the process ends again soon.
const (
	firstRestartDelay = 200 * time.Millisecond
	maxRestartDelay   = 5 * time.Second
	recoveredAfter    = 10 * time.Second // after running this long, the delay is reset
)

// childProcess runs a command, and restarts it when it ends, until stop is called.
type childProcess struct {
	command
	log           *os.File
	onStart       func(name string, pid int)
	onDeath       func(name, how string)
	stopRequested chan struct{} // closed by stop
	ended         chan struct{} // closed after the process has been stopped
	stop          func()        // asks the process to end and waits until it has
}

func newProcess(c command, log *os.File, started func(string, int), died func(string, string)) *childProcess {
	p := &childProcess{command: c, log: log, onStart: started, onDeath: died, stopRequested: make(chan struct{}),
		ended: make(chan struct{})}
	p.stop = sync.OnceFunc(func() {
		close(p.stopRequested)
		<-p.ended
	})
	return p
}

// superviseLoop starts the command, and starts it again whenever it ends, until stop is called. The kernel kills a
// child whose parent thread has ended (PR_SET_PDEATHSIG), so the goroutine keeps its thread as long as the child may
// live.
func (p *childProcess) superviseLoop() {
	runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
	defer close(p.ended)
	defer p.log.Close()
	pause := firstRestartDelay
	for {
		began := time.Now()
		how := p.runOnce()
		if p.isStopping() {
			return
		}
		if time.Since(began) >= recoveredAfter {
			pause = firstRestartDelay
		}
		p.onDeath(p.name, how)
		select {
		case <-p.stopRequested:
			return
		case <-time.After(pause):
		}
		pause = min(2*pause, maxRestartDelay)
	}
}

func (p *childProcess) isStopping() bool {
	select {
	case <-p.stopRequested:
		return true
	default:
		return false
	}
}

// runOnce runs the command once and returns how it ended.
func (p *childProcess) runOnce() string {
	cmd := exec.Command(p.path, p.args...) //nolint:noctx // it ends with a signal, gently
	cmd.Env, cmd.Dir, cmd.Stdout, cmd.Stderr = p.env, p.dir, p.log, p.log
	cmd.SysProcAttr = childAttributes()
	if err := cmd.Start(); err != nil {
		return err.Error()
	}
	p.onStart(p.name, cmd.Process.Pid)

	over, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		p.stopOnRequest(cmd.Process.Pid, over)
	}()
	err := cmd.Wait()
	close(over)
	<-done
	if err != nil {
		return err.Error()
	}
	return "exit status 0"
}

// stopOnRequest waits until stop is requested and sends SIGTERM to the process. If it is still running after the grace
// period, it is killed with its process group.
func (p *childProcess) stopOnRequest(pid int, exited <-chan struct{}) {
	select {
	case <-exited:
		return
	case <-p.stopRequested:
		signalProcess(pid, syscall.SIGTERM)
	}
	select {
	case <-exited:
	case <-time.After(p.grace):
		signalProcess(-pid, syscall.SIGKILL)
	}
}

// signalProcess sends a signal to a process or, with a negative id, to its group. A process that has ended is not an
// error.
func signalProcess(pid int, signal syscall.Signal) { _ = syscall.Kill(pid, signal) }
