package chaos

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aliquot-labs/aliquot/e2e/deployment"
	"github.com/aliquot-labs/aliquot/internal/testservers/postgrestest"
)

// restartable is a process that can be killed and started again.
type restartable interface {
	Kill() error
	Launch() error
	Err() error // it has ended and nobody stopped it
}

// postgres makes the database server restartable.
type postgres struct {
	*postgrestest.PersistentServer
	ctx context.Context
}

func (p postgres) Launch() error { return p.Start(p.ctx) }

// watchEvery is how often the injector checks whether a process has ended.
const watchEvery = 500 * time.Millisecond

// FaultInjector kills processes of a deployment and starts them again. It also starts processes that end on their own,
// as the supervisor of a production system does.
type FaultInjector struct {
	faultTargets map[string]*faultTarget

	mu    sync.Mutex
	kills map[string]int
	exits map[string]int // of processes that ended on their own
	errs  []error
}

// faultTarget is a process and the number of faults that keep it down now. The mutex is held while the process is
// killed or started.
type faultTarget struct {
	restartable
	mu           sync.Mutex
	activeFaults int
}

// NewFaultInjector returns the fault injector of a deployment. ctx bounds the starts of its database.
func NewFaultInjector(ctx context.Context, f *deployment.Deployment) *FaultInjector {
	s := &FaultInjector{faultTargets: map[string]*faultTarget{}, kills: map[string]int{}, exits: map[string]int{}}
	s.faultTargets["postgres"] = &faultTarget{restartable: postgres{f.Cluster.Postgres, ctx}}
	for i, n := range f.Cluster.Nodes {
		s.faultTargets[fmt.Sprintf("temporal-%d", i+1)] = &faultTarget{restartable: n}
	}
	for _, p := range append(slices.Clone(f.APIs), f.Workers...) {
		s.faultTargets[p.Name] = &faultTarget{restartable: p}
	}
	return s
}

// Run injects the faults, each at its time, and returns when all have ended.
func (s *FaultInjector) Run(ctx context.Context, faults []Fault, log func(format string, args ...any)) {
	began := time.Now()
	var blowing sync.WaitGroup
	for _, f := range faults {
		select {
		case <-ctx.Done():
		case <-time.After(time.Until(began.Add(f.At))):
		}
		if ctx.Err() != nil {
			break
		}
		log("%s", f)
		blowing.Go(func() { s.inject(ctx, f) })
	}
	blowing.Wait()
}

// inject kills the processes of a fault's target, waits for the downtime and starts those that no other fault keeps
// down.
func (s *FaultInjector) inject(ctx context.Context, f Fault) {
	targets := s.targets(f.Target)
	for _, l := range targets {
		l.mu.Lock()
		l.activeFaults++
		s.count(s.kills, f.Target)
		s.recordError(l.Kill())
		l.mu.Unlock()
	}
	select {
	case <-ctx.Done():
	case <-time.After(f.Downtime):
	}
	for _, l := range targets {
		l.mu.Lock()
		if l.activeFaults--; l.activeFaults == 0 {
			s.recordError(l.Launch())
		}
		l.mu.Unlock()
	}
}

// count adds one to the count of the name.
func (s *FaultInjector) count(counts map[string]int, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	counts[name]++
}

// recordError collects an error of the injector itself.
func (s *FaultInjector) recordError(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.errs = append(s.errs, err)
	}
}

// targets lists the processes that a fault kills.
func (s *FaultInjector) targets(name string) []*faultTarget {
	var targets []*faultTarget
	for _, own := range slices.Sorted(maps.Keys(s.faultTargets)) {
		if own == name || strings.HasPrefix(own, name+"-") {
			targets = append(targets, s.faultTargets[own])
		}
	}
	return targets
}

// RestartExited starts processes again that have ended on their own, until ctx ends.
func (s *FaultInjector) RestartExited(ctx context.Context) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for name, l := range s.faultTargets {
			l.mu.Lock()
			if l.activeFaults == 0 && l.Err() != nil {
				s.count(s.exits, name)
				s.recordError(l.Launch())
			}
			l.mu.Unlock()
		}
	}
}

// Err returns the errors of the injector itself.
func (s *FaultInjector) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return errors.Join(s.errs...)
}

// Counts returns the numbers of kills by target and of processes that ended on their own.
func (s *FaultInjector) Counts() (kills, ended map[string]int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.kills), maps.Clone(s.exits)
}
