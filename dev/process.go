package dev

import (
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// command is a program to keep running.
type command struct {
	name  string // of the process, its log file and its entry in pids.json
	path  string
	args  []string
	env   []string
	grace time.Duration // how long it may take to stop
}

// How long a process that died is left alone before it is started again: little at first, more when it dies again at once.
const (
	firstPause = 200 * time.Millisecond
	maxPause   = 5 * time.Second
	settled    = 10 * time.Second // one that ran so long has recovered
)

// process keeps a command running until it is told to stop.
type process struct {
	command
	log     *os.File
	started func(name string, pid int)
	died    func(name, how string)
	quit    chan struct{} // closed by stop
	ended   chan struct{} // closed when it has stopped
	stop    func()        // asks the process to end and waits until it has
}

func newProcess(c command, log *os.File, started func(string, int), died func(string, string)) *process {
	p := &process{command: c, log: log, started: started, died: died, quit: make(chan struct{}), ended: make(chan struct{})}
	p.stop = sync.OnceFunc(func() {
		close(p.quit)
		<-p.ended
	})
	return p
}

// run starts the command and starts it again whenever it dies. The kernel kills a child whose parent thread has ended
// (PR_SET_PDEATHSIG), so the goroutine keeps its thread for as long as the child may live.
func (p *process) run() {
	runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
	defer close(p.ended)
	defer p.log.Close()
	pause := firstPause
	for {
		began := time.Now()
		how := p.live()
		if p.stopping() {
			return
		}
		if time.Since(began) >= settled {
			pause = firstPause
		}
		p.died(p.name, how)
		select {
		case <-p.quit:
			return
		case <-time.After(pause):
		}
		pause = min(2*pause, maxPause)
	}
}

func (p *process) stopping() bool {
	select {
	case <-p.quit:
		return true
	default:
		return false
	}
}

// live runs the command once and returns how it ended.
func (p *process) live() string {
	cmd := exec.Command(p.path, p.args...) //nolint:noctx // it ends with a signal, gently
	cmd.Env, cmd.Stdout, cmd.Stderr = p.env, p.log, p.log
	cmd.SysProcAttr = childAttributes()
	if err := cmd.Start(); err != nil {
		return err.Error()
	}
	p.started(p.name, cmd.Process.Pid)

	over, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		p.end(cmd.Process.Pid, over)
	}()
	err := cmd.Wait()
	close(over)
	<-done
	if err != nil {
		return err.Error()
	}
	return "exit status 0"
}

// end waits for the order to stop and passes it on. A process that is not over in time is killed, with what it has started.
func (p *process) end(pid int, over <-chan struct{}) {
	select {
	case <-over:
		return
	case <-p.quit:
		kill(pid, syscall.SIGTERM)
	}
	select {
	case <-over:
	case <-time.After(p.grace):
		kill(-pid, syscall.SIGKILL)
	}
}

// kill sends a signal to a process or, with a negative id, to its group. Whoever is gone already needs none.
func kill(pid int, signal syscall.Signal) { _ = syscall.Kill(pid, signal) }
