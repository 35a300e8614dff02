package sandbox

import "context"

// The conditions that a step can wait for.
const (
	AwaitBooked     = "booked"    // the order has an appointment that is ahead or under way
	AwaitConfirmed  = "confirmed" // such an appointment is confirmed, and that has been told
	AwaitInProgress = "in_progress"
	AwaitCompleted  = "completed"  // its newest appointment is over
	AwaitCancelled  = "cancelled"  // its newest appointment is cancelled
	AwaitDrawn      = "drawn"      // the sample was drawn, or is at the lab
	AwaitRegistered = "registered" // the kit's patient is known
	AwaitCorrected  = "corrected"  // what the lab held up for was corrected
)

var conditions = map[string]func(*Server, *order) bool{
	AwaitBooked: func(s *Server, o *order) bool { return s.diary.active(o.number) != nil },
	AwaitConfirmed: func(s *Server, o *order) bool {
		a := s.diary.active(o.number)
		return a.is(statusConfirmed) && !a.telling
	},
	AwaitInProgress: func(s *Server, o *order) bool { return s.diary.active(o.number).is(statusInProgress) },
	AwaitCompleted:  func(s *Server, o *order) bool { return s.diary.newest(o.number).is(statusCompleted) },
	AwaitCancelled:  func(s *Server, o *order) bool { return s.diary.newest(o.number).is(statusCancelled) },
	AwaitDrawn:      func(_ *Server, o *order) bool { return o.neutral != nil && !o.neutral.collected.IsZero() },
	AwaitRegistered: func(_ *Server, o *order) bool { return o.neutral != nil && o.neutral.bound },
	AwaitCorrected:  func(_ *Server, o *order) bool { return o.neutral != nil && o.neutral.corrected },
}

// meets reports whether the order meets the condition now; an empty one is always met.
func (s *Server) meets(o *order, condition string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return condition == "" || conditions[condition](s, o)
}

// await waits until the order meets the condition. It returns false if the context ended first.
func (s *Server) await(ctx context.Context, o *order, condition string) bool {
	if condition == "" {
		return ctx.Err() == nil
	}
	for {
		changed, met := s.look(o, condition)
		if met {
			return ctx.Err() == nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return false
		}
	}
}

// look tells whether the condition is met, and when to look again if it is not.
func (s *Server) look(o *order, condition string) (changed <-chan struct{}, met bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o.waiting = !conditions[condition](s, o)
	if !o.waiting {
		return nil, true
	}
	return o.watch(), false
}
