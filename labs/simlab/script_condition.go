package simlab

import "context"

// The conditions that a step can wait for.
const (
	AwaitBooked     = "booked"    // the order has an active appointment
	AwaitConfirmed  = "confirmed" // its active appointment is confirmed, and the confirmation has been sent
	AwaitInProgress = "in_progress"
	AwaitCompleted  = "completed"  // its newest appointment is completed
	AwaitCancelled  = "cancelled"  // its newest appointment is cancelled
	AwaitDrawn      = "drawn"      // the sample was drawn, or is at the lab
	AwaitRegistered = "registered" // the kit's patient is known
	AwaitCorrected  = "corrected"  // the missing patient data has come
	AwaitFetched    = "fetched"    // the present lab report, if there is one, has been fetched
)

var conditions = map[string]func(*Server, *order) bool{
	AwaitBooked: func(s *Server, o *order) bool { return s.appointments.active(o.number) != nil },
	AwaitConfirmed: func(s *Server, o *order) bool {
		a := s.appointments.active(o.number)
		return a.hasStatus(statusConfirmed) && !a.confirmationUnsent
	},
	AwaitInProgress: func(s *Server, o *order) bool { return s.appointments.active(o.number).hasStatus(statusInProgress) },
	AwaitCompleted:  func(s *Server, o *order) bool { return s.appointments.newest(o.number).hasStatus(statusCompleted) },
	AwaitCancelled:  func(s *Server, o *order) bool { return s.appointments.newest(o.number).hasStatus(statusCancelled) },
	AwaitDrawn:      func(_ *Server, o *order) bool { return o.neutral != nil && !o.neutral.collectedAt.IsZero() },
	AwaitRegistered: func(_ *Server, o *order) bool { return o.neutral != nil && o.neutral.registered },
	AwaitCorrected:  func(_ *Server, o *order) bool { return o.neutral != nil && o.neutral.corrected },
	AwaitFetched: func(_ *Server, o *order) bool {
		if o.neutral != nil {
			return o.neutral.report == nil || o.neutral.report.fetched
		}
		return o.molecularReport == nil || o.molecularReport.fetched
	},
}

// conditionMet reports whether the order meets the condition now. An empty condition is always met.
func (s *Server) conditionMet(o *order, condition string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return condition == "" || conditions[condition](s, o)
}

// awaitCondition waits until the order meets the condition. It returns false if the context ended first.
func (s *Server) awaitCondition(ctx context.Context, o *order, condition string) bool {
	if condition == "" {
		return ctx.Err() == nil
	}
	for {
		changed, met := s.checkCondition(o, condition)
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

// checkCondition reports whether the condition is met. If it is not, changed is closed when it has to be checked again.
func (s *Server) checkCondition(o *order, condition string) (changed <-chan struct{}, met bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o.awaitsCondition = !conditions[condition](s, o)
	if !o.awaitsCondition {
		return nil, true
	}
	return o.changes(), false
}
