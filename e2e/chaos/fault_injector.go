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

// restartable is what can be killed and started again.
type restartable interface {
	Kill() error
	Launch() error
	Err() error // it has ended by itself
}

// postgres is the database server as a part.
type postgres struct {
	*postgrestest.PersistentServer
	ctx context.Context
}

func (p postgres) Launch() error { return p.Start(p.ctx) }

// watchEvery is how often it is looked whether a part has ended by itself.
const watchEvery = 500 * time.Millisecond

// FaultInjector kills parts of a fleet and starts them again, and those that end by themselves, as whatever runs them in production does.
type FaultInjector struct {
	faultTargets map[string]*faultTarget

	mu    sync.Mutex
	kills map[string]int
	exits map[string]int // by themselves
	errs  []error
}

// faultTarget is a part with the faults that keep it down now. Whoever kills or starts it holds the mutex, so that one comes after the other.
type faultTarget struct {
	restartable
	mu           sync.Mutex
	activeFaults int
}

// NewFaultInjector is a storm over a fleet. ctx bounds the starts of its database.
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

// Run lets the faults happen, each at its time, and returns when all are over.
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

// inject kills the parts of a fault's target and starts them again when their time has come, unless another fault holds them down.
func (s *FaultInjector) inject(ctx context.Context, f Fault) {
	struck := s.targets(f.Target)
	for _, l := range struck {
		l.mu.Lock()
		l.activeFaults++
		s.record(s.kills, f.Target, l.Kill())
		l.mu.Unlock()
	}
	select {
	case <-ctx.Done():
	case <-time.After(f.Downtime):
	}
	for _, l := range struck {
		l.mu.Lock()
		if l.activeFaults--; l.activeFaults == 0 {
			s.record(nil, "", l.Launch())
		}
		l.mu.Unlock()
	}
}

// record counts something, and keeps an error of the storm itself.
func (s *FaultInjector) record(in map[string]int, name string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if in != nil {
		in[name]++
	}
	if err != nil {
		s.errs = append(s.errs, err)
	}
}

// targets are the parts that a fault strikes.
func (s *FaultInjector) targets(name string) []*faultTarget {
	var struck []*faultTarget
	for _, own := range slices.Sorted(maps.Keys(s.faultTargets)) {
		if own == name || strings.HasPrefix(own, name+"-") {
			struck = append(struck, s.faultTargets[own])
		}
	}
	return struck
}

// RestartExited starts again what ends by itself, until ctx ends.
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
				s.record(s.exits, name, l.Launch())
			}
			l.mu.Unlock()
		}
	}
}

// Err is what went wrong with the storm itself.
func (s *FaultInjector) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return errors.Join(s.errs...)
}

// Counts counts the kills, by target, and the parts that ended by themselves.
func (s *FaultInjector) Counts() (kills, ended map[string]int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.kills), maps.Clone(s.exits)
}
