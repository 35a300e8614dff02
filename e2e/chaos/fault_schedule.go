package chaos

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// Fault is a kill -9 of a part or of all parts of a service, which are down for a while.
type Fault struct {
	At       time.Duration // after the storm's beginning
	Target   string        // a part (api-1), or a service (api): all of its parts
	Downtime time.Duration
}

func (f Fault) String() string {
	return fmt.Sprintf("%6.1fs %s down for %s", f.At.Seconds(), f.Target, f.Downtime.Round(100*time.Millisecond))
}

// FaultProfile says how a storm is.
type FaultProfile struct {
	Duration time.Duration
	// KillEvery is how often, on average, a part is killed and started again.
	KillEvery time.Duration
	// Outage is how long a service is away, once in a round, and TemporalOutage how long Temporal is.
	Outage, TemporalOutage time.Duration
	// Pause is between two outages.
	Pause time.Duration
}

// parts are what can be killed, and services what can be away as a whole.
var (
	parts    = []string{"api-1", "api-2", "worker-1", "worker-2", "temporal-1", "temporal-2", "postgres"}
	services = []string{"api", "worker", "temporal", "postgres"}
)

// FaultSchedule is the storm of a seed, by time: the same seed in the same weather gives the same. Every part is killed, and every service is
// away, once before any is again.
func FaultSchedule(seed uint64, w FaultProfile) []Fault {
	random := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // it is to be foreseen
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

// scheduleOutages come one after the other, as many as end before the storm does.
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

// earlyCallers is how many callers come first, among whom those are who ask for what takes long.
const earlyCallers = 300

// PlansFor is what the first n callers of a seed ask for.
func PlansFor(seed uint64, n int) []OrderPlan {
	random := rand.New(rand.NewPCG(seed, 2)) //nolint:gosec // it is to be foreseen
	drawn := make([]OrderPlan, 0, n)
	for len(drawn) < n {
		// Every kind comes before any comes more often than it weighs.
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

// ArrivalRate says when callers come: one after the other, as long as fewer than Busy orders are on their way to an end. Then each waits until
// it is so again, but no longer than Patience: some come whatever is away.
type ArrivalRate struct {
	Interval      time.Duration
	MaxOpen       int
	MaxWait       time.Duration
	OrderDuration time.Duration // about how long an order takes that nothing holds up
}

// MaxCallers is how many callers can come before the end.
func (t ArrivalRate) MaxCallers(end time.Duration) int { return int(end/t.Interval) + 1 }

// Run has callers come until the end, each with its number from 0, and returns when no more come. busy counts the orders.
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
