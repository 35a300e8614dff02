package api_test

import (
	"context"
	"errors"
	"sync"

	"github.com/aliquot-labs/aliquot/labs"
)

var errNoClient = errors.New("the settings name no base URL")

// lab is a fake of a lab that also makes appointments. The API asks a lab only for its capabilities and its free slots.
type lab struct {
	labs.Lab
	labs.Scheduler
	can labs.Capabilities

	mu    sync.Mutex
	asked []labs.AvailabilityQuery
	free  labs.Availability
	err   error
	// answer, if it is set, answers instead of free and err.
	answer func(labs.AvailabilityQuery) (labs.Availability, error)
}

func (l *lab) Capabilities() labs.Capabilities { return l.can }

func (l *lab) Availability(_ context.Context, q labs.AvailabilityQuery) (labs.Availability, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked = append(l.asked, q)
	if l.answer != nil {
		return l.answer(q)
	}
	return l.free, l.err
}
