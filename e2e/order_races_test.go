package e2e

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/e2e/scenario"
)

// race is a pair of calls about an order at the same time, with the possible outcomes. If the calls exclude each other,
// one of them is refused with the documented text.
type race struct {
	name            string
	start           func(ctx context.Context, d *scenario.System) (*scenario.Order, error)
	initialEvents   string // the events of the order before the calls
	one, other      func(o *scenario.Order, ctx context.Context) error
	allowedOutcomes []raceOutcome
}

// raceOutcome is a possible outcome of a race. An empty refusal is a success. events are the events after the initial
// ones.
type raceOutcome struct{ one, other, events string }

// The texts of refusals.
const (
	textBusy          = "Another change of the appointment is under way"
	textBookedAlready = "The order has an appointment already; reschedule or cancel it"
	textNotBooked     = "The order has no appointment that could still be changed"
	textShipped       = "Transition from collecting_sample.testkit.transit_customer to cancelled.testkit.cancelled " +
		"is not allowed"
	textKitExpired    = "Transition from cancelled.testkit.do_not_process to received.testkit.registered is not allowed"
	textDrawCancelled = "Transition from cancelled.on_site_collection.cancelled to " +
		"sample_with_lab.on_site_collection.draw_completed is not allowed"
)

var races = []race{
	{
		name: "cancel, shipped", start: startOrdered(scenario.Testkit), initialEvents: "ordered requisition_created",
		one:             (*scenario.Order).Cancel,
		other:           func(o *scenario.Order, ctx context.Context) error { return o.SendFact(ctx, "kit_shipped", nil) },
		allowedOutcomes: []raceOutcome{{"", "", "cancelled"}, {textShipped, "", "transit_customer"}},
	},
	{
		name: "register, do not process", start: startShipped, initialEvents: "ordered awaiting_registration",
		one: (*scenario.Order).Register, other: (*scenario.Order).DoNotProcess,
		allowedOutcomes: []raceOutcome{
			{textKitExpired, "", "do_not_process"}, {"", "", "registered do_not_process"},
			{"", "", "registered requisition_created do_not_process"},
		},
	},
	{
		name: "reschedule, cancel the appointment", start: startWithAppointment,
		initialEvents: "ordered requisition_created appointment_scheduled",
		one:           (*scenario.Order).Reschedule, other: (*scenario.Order).CancelAppointment,
		allowedOutcomes: []raceOutcome{
			{"", textBusy, "appointment_scheduled"}, {"", "", "appointment_scheduled appointment_cancelled"},
			{textBusy, "", "appointment_cancelled"}, {textNotBooked, "", "appointment_cancelled"},
		},
	},
	{
		name: "book, book", start: startOrdered(scenario.WalkIn), initialEvents: "ordered requisition_created",
		one: (*scenario.Order).Book, other: (*scenario.Order).Book,
		allowedOutcomes: []raceOutcome{
			{"", textBusy, "appointment_scheduled"}, {"", textBookedAlready, "appointment_scheduled"},
			{textBusy, "", "appointment_scheduled"}, {textBookedAlready, "", "appointment_scheduled"},
		},
	},
	{
		name: "draw completed, cancel", start: startOrdered(scenario.OnSite), initialEvents: "ordered requisition_created",
		one: (*scenario.Order).DrawCompleted, other: (*scenario.Order).Cancel,
		allowedOutcomes: []raceOutcome{{"", "", "draw_completed cancelled"}, {textDrawCancelled, "", "cancelled"}},
	},
}

func startOrdered(method string) func(context.Context, *scenario.System) (*scenario.Order, error) {
	return func(ctx context.Context, d *scenario.System) (*scenario.Order, error) {
		return d.PlaceOrder(ctx, method, "", nil)
	}
}

func startShipped(ctx context.Context, d *scenario.System) (*scenario.Order, error) {
	return d.PlaceKit(ctx, "", "silent")
}

// startWithAppointment creates an order and books an appointment as soon as it has a requisition.
func startWithAppointment(ctx context.Context, d *scenario.System) (*scenario.Order, error) {
	o, err := d.PlaceOrder(ctx, scenario.Phlebotomy, "", nil)
	if err != nil {
		return o, err
	}
	if _, err := o.AwaitStatuses(ctx, 2); err != nil {
		return o, err
	}
	return o, o.Book(ctx)
}

func TestConcurrentCallsExcludeEachOther(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, o options) {
		o.neutral = true
		s := newSystem(t, o)
		for _, c := range races {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				s, seen := s.forSubtest(t), map[raceOutcome]int{}
				for range 6 {
					seen[s.runRace(c)]++
				}
				t.Logf("%+v", seen)
			})
		}
	})
}

// runRace makes the two calls about a new order at the same time and returns the outcome.
func (s *system) runRace(c race) raceOutcome {
	s.t.Helper()
	ctx := context.Background()
	d := s.scenarioSystem()
	o, err := c.start(ctx, d)
	require.NoError(s.t, err)
	_, err = o.AwaitStatuses(ctx, len(strings.Fields(c.initialEvents)))
	require.NoError(s.t, err)
	one, other := runBoth(
		func() error { return c.one(o, ctx) },
		func() error { return c.other(o, ctx) },
	)
	end := raceOutcome{one: s.refusalText(one), other: s.refusalText(other)}
	s.await(func() bool {
		end.events = strings.TrimPrefix(s.order(o.ID).lowStatuses(), c.initialEvents+" ")
		return slices.Contains(c.allowedOutcomes, end)
	}, "order %s: %s does not end in a documented way: %s", o.ID, c.name, &end)
	return end
}

// String returns the outcome at the time when it is printed.
func (e *raceOutcome) String() string { return fmt.Sprintf("%q, %q, %s", e.one, e.other, e.events) }

// runBoth makes two calls at the same time.
func runBoth(a, b func() error) (errA, errB error) {
	var start, done sync.WaitGroup
	start.Add(1)
	done.Go(func() { start.Wait(); errA = a() })
	done.Go(func() { start.Wait(); errB = b() })
	start.Done()
	done.Wait()
	return errA, errB
}

// refusalText returns the text of a call's refusal (status 400), or "" if the call was not refused.
func (s *system) refusalText(err error) string {
	s.t.Helper()
	if err == nil {
		return ""
	}
	var refused *scenario.RefusedError
	require.ErrorAs(s.t, err, &refused)
	require.Equal(s.t, http.StatusBadRequest, refused.Status, "%s", refused.Body)
	return refused.Detail
}

// TestAKitIsRegisteredAsItExpires shows that a kit that is registered at the time of its expiry is either registered or
// expired.
func TestAKitIsRegisteredAsItExpires(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, o options) {
		o.neutral = true
		s := newSystem(t, o)
		// The kits wait for their expiry at the same time.
		kits := make([]expiringKit, 6)
		var registering sync.WaitGroup
		defer registering.Wait() // if a kit cannot be placed
		for i := range kits {
			kits[i] = s.placeExpiring(time.Duration(i-3) * 20 * time.Millisecond)
			registering.Go(kits[i].registerAtExpiry)
		}
		registering.Wait()
		for _, k := range kits {
			t.Run(fmt.Sprint(k.early), func(t *testing.T) { s.forSubtest(t).requireRegisteredOrExpired(k) })
		}
	})
}

// expiringKit is an unregistered kit, with the time from its registration to its expiry.
type expiringKit struct {
	order *scenario.Order
	due   time.Time
	early time.Duration
	err   error // of the registration
}

func (s *system) placeExpiring(early time.Duration) expiringKit {
	s.t.Helper()
	o, err := s.scenarioSystem().PlaceKit(context.Background(), scenario.ExpiringPolicy, "silent")
	require.NoError(s.t, err)
	s.await(func() bool { return strings.Contains(s.order(o.ID).lowStatuses(), "awaiting_registration") },
		"order %s was not placed", o.ID)
	k := expiringKit{order: o, early: early}
	for _, d := range s.opsOrder(o.ID).Deadlines {
		if d.Name == "kit_expiry" {
			k.due = d.Due
		}
	}
	if k.due.IsZero() { // a busy machine may show the kit after its expiry
		require.Contains(s.t, s.order(o.ID).lowStatuses(), "do_not_process")
	}
	return k
}

func (k *expiringKit) registerAtExpiry() {
	<-time.After(time.Until(k.due.Add(-k.early)))
	k.err = k.order.Register(context.Background())
}

func (s *system) requireRegisteredOrExpired(k expiringKit) {
	s.t.Helper()
	if k.err == nil {
		s.await(func() bool {
			return s.order(k.order.ID).lowStatuses() == "ordered awaiting_registration registered requisition_created"
		}, "order %s was not registered", k.order.ID)
		return
	}
	require.Equal(s.t, textKitExpired, s.refusalText(k.err))
	require.Equal(s.t, "ordered awaiting_registration do_not_process", s.order(k.order.ID).lowStatuses())
}
