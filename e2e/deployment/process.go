package deployment

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/aliquot-labs/aliquot/internal/childprocess"
)

// startTimeout bounds the start of a process, with all that it waits for, on a busy machine.
const startTimeout = 3 * time.Minute

// Process is a process of the product that can be killed and started again with the same addresses. Its methods may be
// called from any goroutine.
type Process struct {
	Name string
	// Address is the host:port on which it listens: an API for its requests, a worker for its health and metrics.
	Address string
	// LogFile holds all output of the process.
	LogFile string

	command childprocess.Command
	health  string // the path that says whether the process does its work

	mu      sync.Mutex
	running *childprocess.Process
}

// NewProcess creates a process, `aliquot <args>` with the deployment's settings, without starting it.
func (f *Deployment) NewProcess(ctx context.Context, name string, args ...string) (*Process, error) {
	port, err := childprocess.FreePort(ctx)
	if err != nil {
		return nil, err
	}
	p := &Process{
		Name: name, Address: net.JoinHostPort("127.0.0.1", strconv.Itoa(port)),
		LogFile: filepath.Join(f.options.Logs, name+".log"), health: "/healthz",
	}
	address := "ALIQUOT_METRICS=" + p.Address
	if args[0] == "api" {
		address = "ALIQUOT_API_ADDR=" + p.Address
	}
	if args[0] == "worker" {
		p.health = "/readyz" // a worker is healthy before it has reached Temporal
	}
	p.command = childprocess.Command{Name: name, Path: f.binary, Args: args,
		Env: append(f.environmentVariables(), address), Log: p.LogFile}
	return p, nil
}

// Launch starts the process without waiting until it serves. It does nothing if the process runs.
func (p *Process) Launch() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.running != nil && p.running.Err() == nil {
		return nil
	}
	if p.running != nil {
		if err := p.running.Stop(); err != nil {
			return err
		}
	}
	var err error
	p.running, err = childprocess.Start(p.command)
	return err
}

// Start starts the process and returns when it reports that it is healthy.
func (p *Process) Start(ctx context.Context) error {
	if err := p.Launch(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for {
		if err := p.Err(); err != nil {
			return err
		}
		healthy := p.checkHealth(ctx)
		if healthy == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s: %w", p.Name, healthy)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// healthClient requests the health of processes.
var healthClient = &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}

func (p *Process) checkHealth(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.Address+p.health, nil)
	if err != nil {
		return err
	}
	res, err := healthClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s is not well: %s", p.Name, res.Status)
	}
	return nil
}

// Err returns an error if the process has ended and nobody stopped it. It is nil for a process that was not started.
func (p *Process) Err() error {
	if running := p.runningProcess(); running != nil {
		return running.Err()
	}
	return nil
}

// Kill ends the process immediately, as a crash would.
func (p *Process) Kill() error { return p.endWith((*childprocess.Process).Kill) }

// Stop sends SIGTERM and returns when the process has ended. A process that still runs after ten seconds is killed.
func (p *Process) Stop() error { return p.endWith((*childprocess.Process).Stop) }

func (p *Process) endWith(how func(*childprocess.Process) error) error {
	p.mu.Lock()
	running := p.running
	p.running = nil
	p.mu.Unlock()
	if running == nil {
		return nil
	}
	return how(running)
}

func (p *Process) runningProcess() *childprocess.Process {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.running
}
