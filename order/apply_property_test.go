package order

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/aliquot-labs/aliquot/lifecycle"
)

// rule is ApplyFact, or a copy with something missing.
type rule func(State, Fact) Decision

func theRule(s State, f Fact) Decision { return s.ApplyFact(f, f.ReceivedAt) }

// withoutLateness is the rule of a system that takes every fact for news.
func withoutLateness(s State, f Fact) Decision {
	s.FactAt = time.Time{}
	return theRule(s, f)
}

// live applies facts as they arrive, the placing call being answered after so many of them. Announced results are fetched at once,
// and parked facts are tried again after every event.
func live(apply rule, arrival []Fact, placedAfter int) State {
	o := &Order{ID: "o1", Modality: lifecycle.Testkit, Origin: OriginInitial, CreatedAt: t0}
	s := Begin(o, DefaultPolicy(), time.Time{})
	now := hour(1)
	for i := 0; ; i++ {
		if i == placedAfter {
			s = retry(apply, s.ApplyPlaced("M1", now).Next)
		}
		if i == len(arrival) {
			return s
		}
		now = arrival[i].ReceivedAt
		s = retry(apply, fetch(apply(s, arrival[i]).Next, now))
	}
}

func fetch(s State, now time.Time) State {
	if s.Fetch.Pending {
		d, _ := s.ApplyFetched(Fetched{Generation: s.Fetch.Generation, ResultID: "r", Changed: true}, now)
		s = d.Next
	}
	return s
}

func retry(apply rule, s State) State {
	for again := true; again; {
		again = false
		for _, f := range slices.Clone(s.Parked) {
			d := apply(s, f)
			again = again || len(d.Steps) > 0
			s = fetch(d.Next, f.ReceivedAt)
		}
	}
	return s
}

// converge checks that the order ends where the kit is, however the reports arrived, and that nobody is called to look at it.
func converge(h history, apply rule) error {
	got := live(apply, h.arrival, h.placed)
	switch {
	case end(got) != h.end:
		return fmt.Errorf("ends as %s, not as %s", got.Status, h.end)
	case !got.ShipmentAt.Equal(h.shipped):
		return fmt.Errorf("has the shipment of %s, not of %s", got.ShipmentAt, h.shipped)
	case len(got.Parked) > 0:
		return fmt.Errorf("%s is still parked", got.Parked[0].Kind)
	case got.Needs(ContradictoryFact), got.Needs(ResultAfterEnd):
		return errors.New("a contradiction is found in a history without one")
	}
	return nil
}

// end is the status, completed and corrected counting as one.
func end(s State) lifecycle.Low {
	if s.Status == lifecycle.Corrected {
		return lifecycle.Completed
	}
	return s.Status
}

func TestEveryOrderOfArrivalEndsTheSame(t *testing.T) {
	t.Parallel()
	for name, histories := range map[string]*rapid.Generator[history]{
		"lab alone": labHistories(), "lab and couriers": courierHistories(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				h := histories.Draw(t, "history")
				require.NoError(t, converge(h, theRule))
			})
		})
		t.Run(name+", control without lateness", func(t *testing.T) {
			t.Parallel()
			const tries = 200
			for seed := range tries {
				if converge(histories.Example(seed), withoutLateness) != nil {
					return
				}
			}
			t.Fatalf("%d histories do not tell the rule from one without lateness", tries)
		})
	}
}

// terminal facts by the status that each ends a kit in which is on its way to the lab.
var endings = map[lifecycle.Low]Fact{
	lifecycle.SampleError:           rejected(0, false),
	lifecycle.Completed:             fact(ReportReady, 0),
	lifecycle.Lost:                  courier(0, "inbound", lifecycle.Lost),
	lifecycle.FailureToDeliverToLab: courier(0, "inbound", lifecycle.FailureToDeliverToLab),
}

// Of contradictory terminal facts the first applied stands, with attention; those that agree need none.
func TestTheFirstEndStands(t *testing.T) {
	t.Parallel()
	onItsWay := in(t, lifecycle.TransitLab, nil)
	kinds := []lifecycle.Low{lifecycle.SampleError, lifecycle.Completed, lifecycle.Lost, lifecycle.FailureToDeliverToLab}
	rapid.Check(t, func(t *rapid.T) {
		ends := rapid.SliceOfN(rapid.SampledFrom(kinds), 1, 6).Draw(t, "ends")
		s := onItsWay
		for i, to := range ends {
			f := endings[to]
			received := 100 + 10*i
			sent := received
			if f.fromLab() { // applies however old it is; a courier's report has to be newer than the last sighting
				sent = rapid.IntRange(1, received).Draw(t, "sent")
			}
			f.InboxID, f.SentAt, f.ReceivedAt = fmt.Sprint(i), hour(sent), hour(received)
			s = fetch(theRule(s, f).Next, f.ReceivedAt)
			require.Equal(t, ends[0], end(s))
		}
		contradictory := slices.ContainsFunc(ends, func(to lifecycle.Low) bool { return to != ends[0] })
		require.Equal(t, contradictory, s.Needs(ContradictoryFact) || s.Needs(ResultAfterEnd))
	})
}
