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

// factRule is ApplyFact, or a copy without a part of it.
type factRule func(State, Fact) Decision

func applyFactRule(s State, f Fact) Decision { return s.ApplyFact(f, f.ReceivedAt) }

// withoutLateness is the rule of a system that knows no late facts.
func withoutLateness(s State, f Fact) Decision {
	s.NewestFactAt = time.Time{}
	return applyFactRule(s, f)
}

// applyArrivals applies facts in order of arrival. The placement is answered after placedAfter of them. Announced
// results are fetched at once, and parked facts are retried after every event.
func applyArrivals(apply factRule, arrival []Fact, placedAfter int) State {
	o := &Order{ID: "o1", Modality: lifecycle.Testkit, Origin: OriginInitial, CreatedAt: t0}
	s := NewState(o, DefaultPolicy(), time.Time{})
	now := hour(1)
	for i := 0; ; i++ {
		if i == placedAfter {
			s = retryParked(apply, s.ApplyPlacementAccepted("M1", now).Next)
		}
		if i == len(arrival) {
			return s
		}
		now = arrival[i].ReceivedAt
		s = retryParked(apply, fetch(apply(s, arrival[i]).Next, now))
	}
}

func fetch(s State, now time.Time) State {
	if s.Fetch.Pending {
		d, _ := s.ApplyFetchedResults(FetchOutcome{Generation: s.Fetch.Generation, ResultID: "r", Changed: true}, now)
		s = d.Next
	}
	return s
}

func retryParked(apply factRule, s State) State {
	for again := true; again; {
		again = false
		for _, f := range slices.Clone(s.ParkedFacts) {
			d := apply(s, f)
			again = again || len(d.Steps) > 0
			s = fetch(d.Next, f.ReceivedAt)
		}
	}
	return s
}

// checkConvergence checks that the order ends in the kit's true status for any order of arrival, and without a mark.
func checkConvergence(h kitHistory, apply factRule) error {
	got := applyArrivals(apply, h.arrival, h.factsBeforePlacement)
	switch {
	case endStatus(got) != h.endStatus:
		return fmt.Errorf("ends as %s, not as %s", got.Status, h.endStatus)
	case !got.ShipmentAt.Equal(h.shipped):
		return fmt.Errorf("has the shipment of %s, not of %s", got.ShipmentAt, h.shipped)
	case len(got.ParkedFacts) > 0:
		return fmt.Errorf("%s is still parked", got.ParkedFacts[0].Kind)
	case got.HasMark(AttentionContradictoryFact), got.HasMark(AttentionResultAfterEnd):
		return errors.New("a contradiction is found in a history without one")
	}
	return nil
}

// endStatus returns the status, with corrected as completed.
func endStatus(s State) lifecycle.LowStatus {
	if s.Status == lifecycle.Corrected {
		return lifecycle.Completed
	}
	return s.Status
}

func TestEveryOrderOfArrivalEndsTheSame(t *testing.T) {
	t.Parallel()
	for name, histories := range map[string]*rapid.Generator[kitHistory]{
		"lab alone": labHistories(), "lab and couriers": courierHistories(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				h := histories.Draw(t, "history")
				require.NoError(t, checkConvergence(h, applyFactRule))
			})
		})
		t.Run(name+", control without lateness", func(t *testing.T) {
			t.Parallel()
			const tries = 200
			for seed := range tries {
				if checkConvergence(histories.Example(seed), withoutLateness) != nil {
					return
				}
			}
			t.Fatalf("%d histories do not distinguish the rule from one without lateness", tries)
		})
	}
}

// terminalFacts has, for each terminal status, a fact that ends a kit in transit to the lab with it.
var terminalFacts = map[lifecycle.LowStatus]Fact{
	lifecycle.SampleError:           rejectionFact(0, false),
	lifecycle.Completed:             newFact(FactReportReady, 0),
	lifecycle.Lost:                  courierFact(0, "inbound", lifecycle.Lost),
	lifecycle.FailureToDeliverToLab: courierFact(0, "inbound", lifecycle.FailureToDeliverToLab),
}

// TestFirstTerminalFactWins checks that the first of contradictory terminal facts decides and raises a mark. Those that
// agree raise none.
func TestFirstTerminalFactWins(t *testing.T) {
	t.Parallel()
	onItsWay := stateIn(t, lifecycle.TransitLab, nil)
	kinds := []lifecycle.LowStatus{lifecycle.SampleError, lifecycle.Completed, lifecycle.Lost,
		lifecycle.FailureToDeliverToLab}
	rapid.Check(t, func(t *rapid.T) {
		ends := rapid.SliceOfN(rapid.SampledFrom(kinds), 1, 6).Draw(t, "ends")
		s := onItsWay
		for i, to := range ends {
			f := terminalFacts[to]
			received := 100 + 10*i
			sent := received
			if f.isFromLab() { // applies at any age; a courier's fact has to be newer than the last scan
				sent = rapid.IntRange(1, received).Draw(t, "sent")
			}
			f.InboxID, f.SentAt, f.ReceivedAt = fmt.Sprint(i), hour(sent), hour(received)
			s = fetch(applyFactRule(s, f).Next, f.ReceivedAt)
			require.Equal(t, ends[0], endStatus(s))
		}
		contradictory := slices.ContainsFunc(ends, func(to lifecycle.LowStatus) bool { return to != ends[0] })
		require.Equal(t, contradictory, s.HasMark(AttentionContradictoryFact) || s.HasMark(AttentionResultAfterEnd))
	})
}
