package chaos

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// Fault is a kill -9 of a process, or of all processes of a service, which stay down for a while.
type Fault struct {
	At       time.Duration // after the start of the test
	Target   string        // a process (api-1), or a service (api) for all of its processes
	Downtime time.Duration
}

func (f Fault) String() string {
	return fmt.Sprintf("%6.1fs %s down for %s", f.At.Seconds(), f.Target, f.Downtime.Round(100*time.Millisecond))
}

// FaultProfile describes the faults of a test.
type FaultProfile struct {
	Duration time.Duration
	// KillEvery is the average time between two kills of a process that is started again.
	KillEvery time.Duration
	// Outage is the downtime of a whole service, and TemporalOutage that of Temporal.
	Outage, TemporalOutage time.Duration
	// Pause is the time between two outages.
	Pause time.Duration
}

// parts are the processes that can be killed, and services the groups of them that can have an outage.
var (
	parts    = []string{"api-1", "api-2", "worker-1", "worker-2", "temporal-1", "temporal-2", "postgres"}
	services = []string{"api", "worker", "temporal", "postgres"}
)

// FaultSchedule returns the faults in order of time. The same seed and profile give the same faults. All processes are
// killed once before any is killed again, and likewise for outages of services.
func FaultSchedule(seed uint64, w FaultProfile) []Fault {
	random := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // the schedule has to be reproducible
	faults := append(scheduleKills(random, w), scheduleOutages(random, w)...)
	slices.SortStableFunc(faults, func(a, b Fault) int { return int(a.At - b.At) })
	return faults
}

func scheduleKills(random *rand.Rand, w FaultProfile) []Fault {
	var faults []Fault
	var left []string
	for at := time.Duration(0); ; {
		at += time.Duration((0.5 + random.Float64()) * float64(w.KillEvery))
		if at >= w.Duration {
			return faults
		}
		if len(left) == 0 {
			left = shuffled(random, parts)
		}
		faults = append(faults, Fault{At: at, Target: left[0],
			Downtime: time.Duration(random.Int64N(int64(2 * time.Second)))})
		left = left[1:]
	}
}

// scheduleOutages returns consecutive outages that end within the duration.
func scheduleOutages(random *rand.Rand, w FaultProfile) []Fault {
	var faults []Fault
	var left []string
	for at := w.Pause; ; {
		if len(left) == 0 {
			left = shuffled(random, services)
		}
		f := Fault{At: at, Target: left[0], Downtime: w.Outage}
		if f.Target == "temporal" {
			f.Downtime = w.TemporalOutage
		}
		if f.At+f.Downtime > w.Duration {
			return faults
		}
		faults, left = append(faults, f), left[1:]
		at += f.Downtime + w.Pause
	}
}

func shuffled(random *rand.Rand, names []string) []string {
	names = slices.Clone(names)
	random.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	return names
}

// earlyCallers is the number of first callers. Plans with StartsEarly are only among them.
const earlyCallers = 300

// PlansFor returns the plans of the first n callers. The same seed gives the same plans.
func PlansFor(seed uint64, n int) []OrderPlan {
	random := rand.New(rand.NewPCG(seed, 2)) //nolint:gosec // the plans have to be reproducible
	drawn := make([]OrderPlan, 0, n)
	for len(drawn) < n {
		// The urn holds each plan as often as its weight. It is emptied before it is filled again.
		var urn []OrderPlan
		for _, k := range OrderPlans() {
			if !k.StartsEarly || len(drawn) < earlyCallers {
				urn = append(urn, slices.Repeat([]OrderPlan{k}, k.Weight)...)
			}
		}
		random.Shuffle(len(urn), func(i, j int) { urn[i], urn[j] = urn[j], urn[i] })
		drawn = append(drawn, urn[:min(len(urn), n-len(drawn))]...)
	}
	return drawn
}

// ArrivalRate describes when callers come: one per Interval while fewer than MaxOpen orders are busy. Otherwise each
// caller waits until that is so, but at most for MaxWait, so that some callers come during every outage.
type ArrivalRate struct {
	Interval      time.Duration
	MaxOpen       int
	MaxWait       time.Duration
	OrderDuration time.Duration // about how long an order takes without faults
}

// MaxCallers returns how many callers can come within the duration.
func (t ArrivalRate) MaxCallers(end time.Duration) int { return int(end/t.Interval) + 1 }

// Run calls come for each caller, numbered from 0, until the duration is over or ctx ends. busy returns the number of
// busy orders.
func (t ArrivalRate) Run(ctx context.Context, end time.Duration, busy func() int, come func(n int)) {
	const look = 250 * time.Millisecond
	began := time.Now()
	for n := 0; time.Since(began) < end; n++ {
		come(n)
		sleep(ctx, t.Interval)
		for waited := time.Duration(0); waited < t.MaxWait && busy() >= t.MaxOpen; waited += look {
			sleep(ctx, look)
		}
		if ctx.Err() != nil {
			return
		}
	}
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
