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

	"github.com/aliquot-labs/aliquot/e2e/fleet"
	"github.com/aliquot-labs/aliquot/internal/pgtest"
)

// part is what can be killed and started again.
type part interface {
	Kill() error
	Launch() error
	Err() error // it has ended by itself
}

// postgres is the database server as a part.
type postgres struct {
	*pgtest.Kept
	ctx context.Context
}

func (p postgres) Launch() error { return p.Start(p.ctx) }

// watchEvery is how often it is looked whether a part has ended by itself.
const watchEvery = 500 * time.Millisecond

// Storm kills parts of a fleet and starts them again, and those that end by themselves, as whatever runs them in production does.
type Storm struct {
	limbs map[string]*limb

	mu    sync.Mutex
	kills map[string]int
	ended map[string]int // by themselves
	errs  []error
}

// limb is a part with the faults that keep it down now. Whoever kills or starts it holds the mutex, so that one comes after the other.
type limb struct {
	part
	mu   sync.Mutex
	held int
}

// NewStorm is a storm over a fleet. ctx bounds the starts of its database.
func NewStorm(ctx context.Context, f *fleet.Fleet) *Storm {
	s := &Storm{limbs: map[string]*limb{}, kills: map[string]int{}, ended: map[string]int{}}
	s.limbs["postgres"] = &limb{part: postgres{f.Cluster.Postgres, ctx}}
	for i, n := range f.Cluster.Nodes {
		s.limbs[fmt.Sprintf("temporal-%d", i+1)] = &limb{part: n}
	}
	for _, p := range append(slices.Clone(f.APIs), f.Workers...) {
		s.limbs[p.Name] = &limb{part: p}
	}
	return s
}

// Blow lets the faults happen, each at its time, and returns when all are over.
func (s *Storm) Blow(ctx context.Context, faults []Fault, log func(format string, args ...any)) {
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
		blowing.Go(func() { s.strike(ctx, f) })
	}
	blowing.Wait()
}

// strike kills the parts of a fault's target and starts them again when their time has come, unless another fault holds them down.
func (s *Storm) strike(ctx context.Context, f Fault) {
	struck := s.target(f.Target)
	for _, l := range struck {
		l.mu.Lock()
		l.held++
		s.count(s.kills, f.Target, l.Kill())
		l.mu.Unlock()
	}
	select {
	case <-ctx.Done():
	case <-time.After(f.Down):
	}
	for _, l := range struck {
		l.mu.Lock()
		if l.held--; l.held == 0 {
			s.count(nil, "", l.Launch())
		}
		l.mu.Unlock()
	}
}

// count counts something, and keeps an error of the storm itself.
func (s *Storm) count(in map[string]int, name string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if in != nil {
		in[name]++
	}
	if err != nil {
		s.errs = append(s.errs, err)
	}
}

// target are the parts that a fault strikes.
func (s *Storm) target(name string) []*limb {
	var struck []*limb
	for _, own := range slices.Sorted(maps.Keys(s.limbs)) {
		if own == name || strings.HasPrefix(own, name+"-") {
			struck = append(struck, s.limbs[own])
		}
	}
	return struck
}

// Watch starts again what ends by itself, until ctx ends.
func (s *Storm) Watch(ctx context.Context) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for name, l := range s.limbs {
			l.mu.Lock()
			if l.held == 0 && l.Err() != nil {
				s.count(s.ended, name, l.Launch())
			}
			l.mu.Unlock()
		}
	}
}

// Err is what went wrong with the storm itself.
func (s *Storm) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return errors.Join(s.errs...)
}

// Damage counts the kills, by target, and the parts that ended by themselves.
func (s *Storm) Damage() (kills, ended map[string]int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.kills), maps.Clone(s.ended)
}
