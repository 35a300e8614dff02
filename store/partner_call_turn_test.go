package store

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/aliquot-labs/aliquot/internal/testids"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// pacedCall is a call of the simulation that asks for starts.
type pacedCall struct {
	request CallStartRequest
	askAt   int64 // when it asks next, microseconds
	first   int64 // when it asked first
	asks    int
	start   int64 // 0: not granted yet
}

// runCalls simulates calls of one account, each of which asks when it was told to, late by at most a second. It returns
// how many calls were granted starts that are nearer to another one than the spacing.
func runCalls(t require.TestingT, calls []*pacedCall, spacing time.Duration, late func() time.Duration) (tooNear int) {
	p := &callStarts{}
	waiting := slices.Clone(calls)
	for len(waiting) > 0 {
		slices.SortStableFunc(waiting, func(a, b *pacedCall) int { return int(a.askAt - b.askAt) })
		c := waiting[0]
		turn, wait := p.reserve(c.request, c.askAt)
		c.asks++
		require.LessOrEqual(t, c.asks, 10, "the call is not granted a start")
		c.request.Turn = turn
		if turn.Granted {
			c.start = sqldb.ToMicros(turn.Start)
			require.GreaterOrEqual(t, c.start, c.askAt)
			waiting = waiting[1:]
			continue
		}
		require.Positive(t, wait)
		c.askAt += max(0, wait-time.Second+late()).Microseconds()
	}
	starts := make([]int64, len(calls))
	for i, c := range calls {
		starts[i] = c.start
	}
	slices.Sort(starts)
	for i := range starts[1:] {
		if starts[i+1]-starts[i] < spacing.Microseconds() {
			tooNear++
		}
	}
	return tooNear
}

// TestStartsKeepTheSpacingAndTheLanes shows, for any calls: the spacing is never violated, routine calls do not delay
// an urgent one by more than a few spacings, and a routine call asks at most three times.
func TestStartsKeepTheSpacingAndTheLanes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		spacing := time.Duration(rapid.IntRange(50, 10_000).Draw(t, "spacing, ms")) * time.Millisecond
		calls := drawCalls(t, spacing)
		late := func() time.Duration {
			return time.Duration(rapid.IntRange(0, 1000).Draw(t, "late, ms")) * time.Millisecond
		}
		require.Zero(t, runCalls(t, calls, spacing, late))
		for _, c := range calls {
			if c.request.Lane == LaneRoutine {
				require.LessOrEqual(t, c.asks, 3)
				continue
			}
			require.Equal(t, 1, c.asks)
			ahead := 0 // urgent calls that wait at the same time
			for _, other := range calls {
				if other != c && other.request.Lane == LaneUrgent && other.first <= c.first && other.start >= c.first {
					ahead++
				}
			}
			bound := 2*nearStart + time.Duration(4+2*ahead)*spacing
			require.LessOrEqual(t, time.Duration(c.start-c.first)*time.Microsecond, bound, "%d urgent calls are ahead", ahead)
		}
	})
}

// drawCalls draws a burst of routine calls, and urgent calls among them that use at most every second start.
func drawCalls(t *rapid.T, spacing time.Duration) []*pacedCall {
	const origin = int64(1_000_000_000)
	var calls []*pacedCall
	add := func(lane CallLane, at int64) {
		calls = append(calls, &pacedCall{askAt: at, first: at, request: CallStartRequest{Spacing: spacing, Lane: lane}})
	}
	for range rapid.IntRange(0, 150).Draw(t, "routine") {
		add(LaneRoutine, origin+int64(rapid.IntRange(0, 20).Draw(t, "asks after, spacings"))*spacing.Microseconds())
	}
	at := origin
	for range rapid.IntRange(1, 60).Draw(t, "urgent") {
		at += int64(rapid.IntRange(2, 12).Draw(t, "pause, spacings")) * spacing.Microseconds()
		add(LaneUrgent, at)
	}
	return calls
}

// TestRoutineCallsKeepAShare shows that urgent calls which ask for every start leave routine calls a third of the
// starts or more, and that an hour of routine calls does not delay an urgent one.
func TestRoutineCallsKeepAShare(t *testing.T) {
	t.Parallel()
	const spacing, origin = 500 * time.Millisecond, int64(1_000_000_000)
	var calls []*pacedCall
	for range 100 {
		calls = append(calls, &pacedCall{askAt: origin, first: origin,
			request: CallStartRequest{Spacing: spacing, Lane: LaneRoutine}})
	}
	for i := range 1000 {
		at := origin + int64(i)*spacing.Microseconds()
		calls = append(calls, &pacedCall{askAt: at, first: at, request: CallStartRequest{Spacing: spacing, Lane: LaneUrgent}})
	}
	require.Zero(t, runCalls(t, calls, spacing, func() time.Duration { return 0 }))
	slices.SortFunc(calls, func(a, b *pacedCall) int { return int(a.start - b.start) })
	done, last := 0, 0
	for i, c := range calls {
		if c.request.Lane == LaneRoutine {
			done, last = done+1, i
		}
	}
	require.Equal(t, 100, done)
	require.Less(t, last, 300, "the last of 100 routine calls is among the first 300")
}

// Control: two processes that do not share their reservations violate the spacing, and the simulation finds it.
func TestStartsThatAreNotSharedAreNoticed(t *testing.T) {
	t.Parallel()
	const origin = int64(1_000_000_000)
	calls := []*pacedCall{}
	for range 2 {
		calls = append(calls, &pacedCall{askAt: origin, first: origin,
			request: CallStartRequest{Spacing: 0, Lane: LaneUrgent}})
	}
	require.Equal(t, 1, runCalls(t, calls, time.Second, func() time.Duration { return 0 }))
}

// An account with an hour of routine calls that wait grants an urgent call the next start, and tells a routine one when
// to ask again.
func TestAPacedAccountLetsUrgentCallsPass(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		const spacing = 5 * time.Second
		ask := func(r CallStartRequest) (Turn, time.Duration) {
			r.Account, r.Spacing = testids.Of("account"), spacing
			turn, wait, err := s.ReserveCallStart(t.Context(), r)
			require.NoError(t, err)
			return turn, wait
		}
		var waiting []Turn
		for range 720 {
			turn, _ := ask(CallStartRequest{Lane: LaneRoutine})
			waiting = append(waiting, turn)
		}
		require.True(t, waiting[0].Granted)
		require.False(t, waiting[719].Granted)
		behind := waiting[719].Start.Sub(waiting[0].Start)
		require.Equal(t, 719*spacing, behind)

		urgent, wait := ask(CallStartRequest{Lane: LaneUrgent})
		require.True(t, urgent.Granted)
		require.LessOrEqual(t, wait, spacing)
		again, _ := ask(CallStartRequest{Lane: LaneUrgent, Turn: urgent})
		require.Equal(t, urgent, again, "a granted start is kept")
		none, _ := ask(CallStartRequest{Lane: LaneUrgent, MaxWait: time.Second})
		require.Zero(t, none, "a caller that cannot wait reserves nothing")
		none, _ = ask(CallStartRequest{Lane: LaneRoutine, MaxWait: time.Second})
		require.Zero(t, none)
		last, _ := ask(CallStartRequest{Lane: LaneRoutine})
		require.Equal(t, behind+2*spacing, last.Start.Sub(waiting[0].Start), "one urgent call was first")
	})
}
