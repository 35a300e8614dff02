package e2e

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/e2e/drive"
	"github.com/aliquot-labs/aliquot/lifecycle"
)

// walkers is how many orders are driven at once.
const walkers = 16

// Every status and every edge of the lifecycle tables is reached by what clients, operations and partners do over HTTP, and by timers.
// Package drive does that; what the database says afterwards is compared with the tables.
func TestEveryEdgeIsReached(t *testing.T) {
	t.Parallel()
	s := newSystem(t, options{neutral: true, unheard: true})
	h := s.chronicle(s.walk(drive.Walks()))
	t.Logf("what was reached, by what, and on which walk:\n%s", strings.Join(h.report(), "\n"))
	require.Empty(t, h.missing())
	require.Empty(t, h.unlisted())
	require.Empty(t, h.uncaused())

	// The controls: a chronicle without the orders that went over an edge, and one with an event that nobody caused, on an edge of
	// another table.
	edge := edge{lifecycle.NameTestkit, lifecycle.LabProcessingBlocked, lifecycle.DoNotProcess}
	require.Contains(t, h.without(edge).missing(), edge.String())
	h.events[1].cause, h.events[1].edge.machine = "console:1", "console"
	require.Len(t, h.uncaused(), 1)
	require.Len(t, h.unlisted(), 1)
}

// walk runs every walk, and returns their names by the orders that went them.
func (s *system) walk(walks []drive.Walk) map[string]string {
	s.t.Helper()
	d := s.driver()
	ctx := context.Background()
	var mu sync.Mutex
	names, failed := map[string]string{}, []string{}
	went := func(w drive.Walk) error {
		o, err := w.Run(ctx, d)
		mu.Lock()
		defer mu.Unlock()
		if o != nil {
			names[o.ID] = w.Name
		}
		return err
	}
	todo := make(chan drive.Walk)
	var walking sync.WaitGroup
	for range walkers {
		walking.Go(func() {
			for w := range todo {
				err := went(w)
				for failed := 1; err != nil && w.Again(failed, err); failed++ {
					err = went(w)
				}
				if err != nil {
					mu.Lock()
					failed = append(failed, w.Name+": "+err.Error())
					mu.Unlock()
				}
			}
		})
	}
	for _, w := range walks {
		todo <- w
	}
	close(todo)
	walking.Wait()
	slices.Sort(failed)
	require.Empty(s.t, strings.Join(failed, "\n"))
	return names
}
