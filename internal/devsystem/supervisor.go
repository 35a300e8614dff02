package devsystem

import (
	"os"
	"slices"
	"sync"
	"syscall"
)

// supervisorName is the supervisor's entry in pids.json.
const supervisorName = "supervisor"

// supervisor runs processes, writes their ids to pids.json, and stops them.
type supervisor struct {
	folder  *folder
	onDeath func(name, how string) // called when a process ends without a request

	mu        sync.Mutex
	pids      map[string]int
	processes []*childProcess
}

func newSupervisor(f *folder, died func(name, how string)) *supervisor {
	return &supervisor{folder: f, onDeath: died, pids: map[string]int{supervisorName: os.Getpid()}}
}

// start starts a command, and restarts it until it is stopped.
func (s *supervisor) start(c command) error {
	log, err := s.folder.openLog(c.name)
	if err != nil {
		return err
	}
	p := newProcess(c, log, s.recordProcessID, func(name, how string) {
		s.recordProcessID(name, 0)
		s.onDeath(name, how)
	})
	s.mu.Lock()
	s.processes = append(s.processes, p)
	s.mu.Unlock()
	go p.superviseLoop()
	return nil
}

// recordProcessID records the id of a process in pids.json; 0: it has ended. An error of writing the file is ignored.
func (s *supervisor) recordProcessID(name string, pid int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pids[name] = pid
	if pid == 0 {
		delete(s.pids, name)
	}
	_ = s.folder.writeJSON(PIDFile, s.pids)
}

// stop stops the named processes concurrently and waits until they have ended.
func (s *supervisor) stop(names ...string) {
	var group sync.WaitGroup
	for _, p := range s.running() {
		if slices.Contains(names, p.name) {
			group.Go(p.stop)
		}
	}
	group.Wait()
}

// kill ends every process immediately.
func (s *supervisor) kill() {
	var group sync.WaitGroup
	for _, p := range s.running() {
		group.Go(p.stop)
	}
	s.mu.Lock()
	for name, pid := range s.pids {
		if name != supervisorName {
			signalProcess(-pid, syscall.SIGKILL)
		}
	}
	s.mu.Unlock()
	group.Wait()
}

func (s *supervisor) running() []*childProcess {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.processes)
}
