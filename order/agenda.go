package order

import (
	"time"

	"github.com/aliquot-labs/aliquot/lifecycle"
)

// Agenda is what an order's run works with: what it waits for, which partners it has to call, and what it shows. The
// activity that settles causes computes it from the state as stored, and the history holds it. So a run that is
// replayed after the rules have changed sees what it saw before. Its methods run in workflow code: a change of them
// that leads to other calls or timers needs a guard (docs/rollouts.md).
type Agenda struct {
	Revision int64               `json:"revision"`
	Sequence int64               `json:"sequence"`
	TeamID   string              `json:"team_id"`
	Number   string              `json:"number"`
	Modality lifecycle.Modality  `json:"modality"`
	Status   lifecycle.LowStatus `json:"status"`
	// the status as the client API writes it, in three parts
	FullStatus lifecycle.Status `json:"full_status"`
	Detail     lifecycle.Detail `json:"detail,omitempty"`
	Ended      bool             `json:"ended,omitempty"` // in a terminal status; calls may be left

	Accession string       `json:"accession,omitempty"`
	Attention []Attention  `json:"attention,omitempty"`
	Deadlines []Deadline   `json:"deadlines,omitempty"` // sorted by due time
	Parked    []ParkedFact `json:"parked,omitempty"`

	// The calls to make. A nil one is not wanted.
	Place   *PlaceTask           `json:"place,omitempty"`
	Fetch   *FetchTask           `json:"fetch,omitempty"`
	Track   *TrackTask           `json:"track,omitempty"`
	Cancel  *DemandTask          `json:"cancel,omitempty"`
	Correct *DemandTask          `json:"correct,omitempty"`
	Book    *BookTask            `json:"book,omitempty"`
	Release []AppointmentRelease `json:"release,omitempty"`
}

// ParkedFact is what a run shows of a parked fact.
type ParkedFact struct {
	Kind       FactKind  `json:"kind"`
	ReceivedAt time.Time `json:"received_at"`
}

// PlaceTask asks for the requisition to be sent to the lab.
type PlaceTask struct {
	UnansweredRounds int `json:"rounds,omitempty"` // so far
}

// FetchTask asks for an announced lab report to be fetched.
type FetchTask struct {
	Generation int       `json:"generation"`         // of the announcement
	Attempts   int       `json:"attempts,omitempty"` // so far
	Due        time.Time `json:"due"`                // of the next attempt
}

// TrackTask asks for trackers of the stored shipment.
type TrackTask struct {
	ShipmentAt time.Time `json:"shipment_at"` // of the fact that the shipment is from
}

// DemandTask asks a lab to confirm a cancellation, or to take a correction.
type DemandTask struct {
	DemandID         string `json:"demand_id"`
	UnansweredRounds int    `json:"rounds,omitempty"` // so far; corrections only
}

// BookTask asks a provider of appointments.
type BookTask struct {
	Demand Demand `json:"demand"`
	// reschedule, cancel_appointment: the order's appointment
	Appointment Appointment `json:"appointment,omitzero"`
}

// Agenda returns the order's agenda.
func (s State) Agenda() Agenda {
	a := Agenda{
		Revision: s.Revision, Sequence: s.Sequence, TeamID: s.TeamID, Number: s.Number, Modality: s.Modality,
		Status: s.Status, FullStatus: s.shownStatus(), Detail: s.Detail, Ended: s.Terminal(), Accession: s.Accession,
		Attention: s.Attention,
		Deadlines: s.Deadlines, Release: s.PendingReleases,
	}
	for _, f := range s.ParkedFacts {
		a.Parked = append(a.Parked, ParkedFact{Kind: f.Kind, ReceivedAt: f.ReceivedAt})
	}
	if s.WantsPlacement() {
		a.Place = &PlaceTask{UnansweredRounds: s.Placement.UnansweredRounds}
	}
	if due, ok := s.NextFetch(); ok {
		a.Fetch = &FetchTask{Generation: s.Fetch.Generation, Attempts: s.Fetch.Attempts, Due: due}
	}
	if s.TrackersPending && !s.Terminal() {
		a.Track = &TrackTask{ShipmentAt: s.ShipmentAt}
	}
	if s.PendingCancellation != nil {
		a.Cancel = &DemandTask{DemandID: s.PendingCancellation.ID}
	}
	if c := s.PendingCorrection; c != nil {
		a.Correct = &DemandTask{DemandID: c.DemandID, UnansweredRounds: c.UnansweredRounds}
	}
	if p := s.PendingBooking; p != nil {
		a.Book = &BookTask{Demand: p.Demand}
		movesAppointment := p.Demand.Kind == DemandRescheduleAppointment || p.Demand.Kind == DemandCancelAppointment
		if movesAppointment && s.Appointment != nil {
			a.Book.Appointment = *s.Appointment
		}
	}
	return a
}

// shownStatus returns the full status, or the low-level one if this build does not know it: another build set it, and
// the order has to go on.
func (s State) shownStatus() lifecycle.Status {
	if full, ok := lifecycle.FullStatus(s.Modality, s.Status); ok {
		return full
	}
	return lifecycle.Status(s.Status)
}

// HasCalls reports whether a call is wanted without which the order is not finished. A kit without a tracker and a
// correction are not followed after the order has ended.
func (a Agenda) HasCalls() bool {
	return a.Fetch != nil || a.Cancel != nil || a.Book != nil || len(a.Release) > 0
}

// Finished reports whether the order has ended and no call is wanted.
func (a Agenda) Finished() bool { return a.Ended && !a.HasCalls() }

// NextDeadline returns the earliest open deadline; false: there is none.
func (a Agenda) NextDeadline() (Deadline, bool) {
	if len(a.Deadlines) == 0 {
		return Deadline{}, false
	}
	return a.Deadlines[0], true
}

// MarkReasons returns the reasons of the open marks, sorted.
func (a Agenda) MarkReasons() []string {
	reasons := make([]string, len(a.Attention))
	for i, m := range a.Attention {
		reasons[i] = string(m.Reason)
	}
	return reasons
}

// CallGrace is the time from a recording until the outcome of the calls that follow from it is overdue, without the
// pauses between rounds and the waits for a turn.
const CallGrace = 10 * time.Minute

// ActsBy returns the time by which the run has to have recorded something, if the state was recorded at a time: it is
// the next deadline, or the outcome of a call. It is zero if the run waits for others only. After this time a run is
// behind: it may not know what is recorded.
func (s State) ActsBy(recordedAt time.Time) time.Time {
	var by time.Time
	earlier := func(t time.Time) {
		if by.IsZero() || t.Before(by) {
			by = t
		}
	}
	if dl, ok := s.NextDeadline(); ok {
		earlier(dl.Due)
	}
	a := s.Agenda()
	if a.Fetch != nil {
		earlier(a.Fetch.Due.Add(CallGrace))
	}
	if a.Place != nil {
		earlier(recordedAt.Add(RoundPause(a.Place.UnansweredRounds) + CallGrace))
	}
	if a.Correct != nil {
		earlier(recordedAt.Add(RoundPause(a.Correct.UnansweredRounds) + CallGrace))
	}
	if a.Cancel != nil || a.Book != nil || len(a.Release) > 0 {
		earlier(recordedAt.Add(CallGrace))
	}
	return by
}

// The pauses between rounds of attempts without an answer.
const (
	roundPause    = 5 * time.Minute
	roundPauseMax = time.Hour
)

// RoundPause returns the pause after a number of rounds of attempts without an answer (molecular-api#d25).
func RoundPause(unansweredRounds int) time.Duration {
	if unansweredRounds == 0 {
		return 0
	}
	return min(roundPause<<min(unansweredRounds-1, 8), roundPauseMax)
}
