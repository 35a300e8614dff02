package order

import "time"

// firstFetchOffsets are the first fetch attempts after an announcement. hourlyFetches more follow (molecular-api#d32).
var firstFetchOffsets = []time.Duration{0, time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour}

// hourlyFetches is how many hourly attempts follow the first ones.
const hourlyFetches = 24

// NextFetch returns when the next attempt to fetch an announced lab report is due. It returns false if no attempt is
// left.
func (s State) NextFetch() (time.Time, bool) {
	f := s.Fetch
	if !f.inProgress() {
		return time.Time{}, false
	}
	if f.Attempts < len(firstFetchOffsets) {
		return f.StartedAt.Add(firstFetchOffsets[f.Attempts]), true
	}
	hours := f.Attempts - len(firstFetchOffsets) + 2
	return f.StartedAt.Add(time.Duration(hours) * time.Hour), true
}

// ApplyFetchFailed records an attempt that found no results yet, or had no answer.
func (s State) ApplyFetchFailed(generation int, now time.Time) Decision {
	d := s.newDecision(now)
	n := &d.Next
	if generation == n.Fetch.Generation {
		n.Fetch.Attempts++
		n.Fetch.GivenUp = n.Fetch.Attempts >= len(firstFetchOffsets)+hourlyFetches
	}
	return d.finalize()
}
