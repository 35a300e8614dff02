package activities

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/internal/tracing"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

// The limits of one Settle, after which it begins no recording. So it normally ends before the time-out of a local
// activity (workflows.settleLocally), and the run calls it again.
const (
	settleLimit     = 100 // recordings
	settleTimeLimit = 2 * time.Second
)

// Settle settles a cause, and then everything that waits for the order in the store: parked facts that apply now, new
// facts in order of arrival and, without a cause, demands that nobody has decided. It returns the order's agenda after
// that. Each decision is made and recorded in a transaction of its own. So Settle may be repeated, interrupted, or
// called by two runs at once.
func (a *Activities) Settle(ctx context.Context, in dispatch.SettleInput) (dispatch.SettledOrder, error) {
	if err := checkOrderID("settling", in.OrderID); err != nil {
		return dispatch.SettledOrder{}, err
	}
	s := &settling{Activities: a, orderID: in.OrderID, now: timeOfSettling(ctx, in), began: time.Now(),
		tried: map[string]bool{}}
	err := s.run(ctx, in)
	s.notify(ctx)
	if err != nil {
		return dispatch.SettledOrder{}, a.internalError(ctx, "settling", in.OrderID, err)
	}
	agenda := s.state.Agenda()
	if a.Tracker == nil {
		agenda.Track = nil
	}
	return dispatch.SettledOrder{Agenda: agenda, Answer: s.answer, More: s.more, UnknownItems: s.unknown}, nil
}

// timeOfSettling returns the time by which rules judge. It is Temporal's time, as that of the run's timers is, and not
// the worker's. A regular activity may run long after the run has asked for it.
func timeOfSettling(ctx context.Context, in dispatch.SettleInput) time.Time {
	if !activity.IsActivity(ctx) {
		return in.At
	}
	if info := activity.GetInfo(ctx); !info.IsLocalActivity && info.StartedTime.After(in.At) {
		return info.StartedTime.UTC()
	}
	return in.At
}

// settling is one Settle.
type settling struct {
	*Activities
	orderID   string
	now       time.Time
	began     time.Time // by the process's clock
	state     order.State
	received  []order.Fact // without an outcome
	tried     map[string]bool
	tryParked bool // parked facts may apply now
	// the run's lab is being asked for the requisition
	placementInFlight bool
	recordings        int
	answer            *order.DemandAnswer
	more              bool
	unknown           int
	effects           notifications
}

func (s *settling) run(ctx context.Context, in dispatch.SettleInput) error {
	if in.Cause == nil {
		if in.StraySignals > 0 {
			s.Metrics.unknownSignals.Add(float64(in.StraySignals))
			s.Log.WarnContext(ctx, "signals without a meaning", "order_id", s.orderID, "signals", in.StraySignals)
		}
		s.placementInFlight = in.PlacementInFlight
		return s.lookAndSettle(ctx, in.Named)
	}
	cause, err := s.withCapabilities(ctx, *in.Cause)
	if err != nil {
		return err
	}
	if cause, err = s.withHTTPStatus(ctx, cause); err != nil {
		return err
	}
	out, err := s.settleCause(ctx, cause)
	if err != nil {
		return err
	}
	s.answer = answerOf(out)
	return s.settleFacts(ctx)
}

// lookAndSettle reads the order and settles what waits for it.
func (s *settling) lookAndSettle(ctx context.Context, named []string) error {
	look, err := s.Store.LookAtOrder(ctx, s.orderID)
	if err != nil {
		return err
	}
	s.state, s.received, s.tryParked = look.State, look.Received, true
	if err := s.countUnknownItems(ctx, named); err != nil {
		return err
	}
	if err := s.settleFacts(ctx); err != nil {
		return err
	}
	for _, d := range look.Demands {
		if err := s.settleOpenDemand(ctx, d); err != nil {
			return err
		}
	}
	return s.settleFacts(ctx)
}

// countUnknownItems counts the inbox items that signals have named and that the order does not have. Somebody who sends
// signals by hand may mistype one; the order goes on.
func (s *settling) countUnknownItems(ctx context.Context, named []string) error {
	var absent []string
	for _, id := range named {
		if !containsFact(s.received, id) && !containsFact(s.state.ParkedFacts, id) {
			absent = append(absent, id)
		}
	}
	absent, others := withoutNonIDs(absent)
	n, err := s.Store.CountUnknownItems(ctx, s.orderID, absent)
	if n += others; err != nil || n == 0 {
		return err
	}
	s.unknown = n
	s.Metrics.unknownSignals.Add(float64(n))
	s.Log.WarnContext(ctx, "a signal names an inbox item that the order does not have", "order_id", s.orderID, "items", n)
	return nil
}

func containsFact(facts []order.Fact, inboxID string) bool {
	for _, f := range facts {
		if f.InboxID == inboxID {
			return true
		}
	}
	return false
}

// settleFacts settles the facts that wait, one at a time, until none is left that a decision would change.
func (s *settling) settleFacts(ctx context.Context) error {
	for {
		f, ok := s.nextFact()
		if !ok {
			return nil
		}
		if s.isLimitReached() {
			s.more = true
			return nil
		}
		s.tried[f.InboxID] = true
		if _, err := s.settleCause(ctx, order.Cause{Fact: &f}); err != nil {
			return err
		}
	}
}

// nextFact returns the next fact to be settled: a parked one that applies now, because it came earlier, or a new one,
// in order of arrival.
func (s *settling) nextFact() (order.Fact, bool) {
	if s.tryParked {
		for _, f := range s.state.ParkedFacts {
			if !s.tried[f.InboxID] && s.mayChange(f) {
				return f, true
			}
		}
		s.tryParked = false
	}
	for _, f := range s.received {
		if !s.tried[f.InboxID] {
			return f, true
		}
	}
	return order.Fact{}, false
}

// mayChange reports whether a parked fact does not stay parked. If a rule panics at it, the store puts the fact aside.
func (s *settling) mayChange(f order.Fact) (changes bool) {
	defer func() {
		if recover() != nil {
			changes = true
		}
	}()
	return s.state.Decide(order.Cause{Fact: &f}, s.now) != nil
}

// isLimitReached reports whether no further recording may begin. The first one always may: otherwise, if reading the
// order takes too long, the run would look again and again and settle nothing.
func (s *settling) isLimitReached() bool {
	return s.recordings >= settleLimit || s.recordings > 0 && time.Since(s.began) > settleTimeLimit
}

// settleCause settles one cause. A cause that can never be recorded is put aside with a mark, so that it does not hold
// up the order.
func (s *settling) settleCause(ctx context.Context, c order.Cause) (store.Settled, error) {
	s.recordings++
	out, err := s.Store.SettleCause(ctx, s.orderID, c, s.now)
	if errors.Is(err, store.ErrUnsettleable) {
		s.Log.ErrorContext(ctx, "a cause cannot be recorded; the order goes on without it", "order_id", s.orderID,
			"cause", c.ID(), "error", err)
		out, err = s.Store.SettleFailedCause(ctx, s.orderID, c, s.now)
	}
	if err != nil {
		return out, err
	}
	if out.Decided != nil {
		s.Metrics.countRecording(*out.Decided)
	}
	tracing.AddAttributes(ctx, attribute.String("cause", c.ID()), attribute.String("outcome", string(out.Outcome)),
		attribute.Int64("sequence", out.Sequence), attribute.Bool("duplicate", out.Duplicate))
	s.effects.add(s.orderID, out)
	s.state, s.received = out.State, out.Received
	// If nothing was recorded now, an attempt that was cut off may have recorded it, and not come to the parked facts.
	if out.ParkedMayApply || out.Decided == nil && c.Fact == nil {
		s.tryParked = true
		for _, f := range s.state.ParkedFacts {
			delete(s.tried, f.InboxID)
		}
	}
	return out, nil
}

// internalError logs an error of the store or of another part of Aliquot, and returns one without its text for the
// history. The activity is retried, unless the order does not exist.
func (a *Activities) internalError(ctx context.Context, doing, orderID string, err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return temporal.NewNonRetryableApplicationError(doing+": unknown order", dispatch.ErrorUnknownOrder, nil)
	}
	a.Log.ErrorContext(ctx, "activity failed", "doing", doing, "order_id", orderID, "error", err)
	return temporal.NewApplicationError(doing+" failed; see the worker's log", dispatch.ErrorFault)
}
