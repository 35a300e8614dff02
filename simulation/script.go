package simulation

import (
	"time"

	"github.com/aliquot-labs/aliquot/couriers"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
)

// Options are what the client says about how it goes.
type Options struct {
	Pause          time.Duration // real time between two reports
	Interpretation string        // of the results; empty: normal
	ResultTypes    []string      // of the results, in turn; empty: as the lab likes
	Missing        bool          // some results are missing
}

// Shaped reports whether the results shall be other than a lab's usual ones.
func (o Options) Shaped() bool { return o.Interpretation != "" || len(o.ResultTypes) > 0 || o.Missing }

// Step is one step of a simulated lab's script, as its control endpoint takes it (docs/sandbox.md).
type Step struct {
	Kind           string   `json:"kind"`
	Pause          string   `json:"pause,omitempty"`
	Leg            string   `json:"leg,omitempty"`
	Status         string   `json:"status,omitempty"`
	StatusDetail   string   `json:"status_detail,omitempty"`
	Recoverable    *bool    `json:"recoverable,omitempty"`
	Reason         string   `json:"reason,omitempty"`
	Provider       string   `json:"provider,omitempty"`
	Site           string   `json:"site,omitempty"`
	Partial        bool     `json:"partial,omitempty"`
	Interpretation string   `json:"interpretation,omitempty"`
	ResultTypes    []string `json:"result_types,omitempty"`
	Missing        string   `json:"missing,omitempty"`
}

// Script is what the simulated partners have to play for a plan's reports on an order of the modality that is in a status, in one of
// the two protocols that the simulated lab speaks: the neutral one, or Molecular's with a courier beside it.
func Script(m lifecycle.Modality, from lifecycle.Low, reports []lifecycle.Low, neutral bool, o Options) []Step {
	tell := molecular
	if neutral {
		tell = func(from, to lifecycle.Low) Step { return neutrally(m, from, to) }
	}
	steps := []Step{}
	for i, to := range reports {
		played := o.results(to)
		if played == nil {
			played = []Step{tell(from, to)}
		}
		if pause := o.pauseBefore(to); i > 0 && pause > 0 {
			played[0].Pause = pause.String()
		}
		steps = append(steps, played...)
		from = to
	}
	return steps
}

// fetchTime is how long a report is left alone before it is corrected: until then it has been fetched, or there would be nothing that
// the correction differs from.
const fetchTime = 3 * time.Second

func (o Options) pauseBefore(to lifecycle.Low) time.Duration {
	if to == lifecycle.Corrected {
		return max(o.Pause, fetchTime)
	}
	return o.Pause
}

// The failure types of simulated missing results: the lab's fault, for which a sample is drawn again, and one for which it is not.
const (
	labFault = "internal_lab_failure"
	noFault  = "quantity_not_sufficient_failure"
)

// results are the steps of a status that a report brings about; nil for any other.
func (o Options) results(to lifecycle.Low) []Step {
	s := Step{Kind: "results", Interpretation: o.Interpretation, ResultTypes: o.ResultTypes}
	if o.Missing {
		s.Missing = noFault
	}
	switch to.Stage() {
	case lifecycle.StageCompleted:
	case lifecycle.StagePartialResults:
		s.Partial = true
	case lifecycle.StageRedraw:
		s.Missing = labFault
	default:
		return nil
	}
	return []Step{s, {Kind: "report_ready"}}
}

// legTo is the leg on which a status is reported; that of a kit that is lost, the one that it was on.
func legTo(from, to lifecycle.Low) string {
	for _, l := range []lifecycle.Low{to, from} {
		if leg := l.Leg(); leg != "" {
			return string(leg)
		}
	}
	return string(lifecycle.Outbound)
}

// shipped reports whether a status proves that the kit is on its way already.
func shipped(l lifecycle.Low) bool { return l.Leg() != "" }

// The reasons of simulated rejections.
const (
	reasonBlocked = "Missing collection date"
	reasonFailed  = "Quantity not sufficient (QNS)."
)

func rejected(kind string, recoverable bool) Step {
	s := Step{Kind: kind, Recoverable: &recoverable, Reason: reasonFailed}
	if recoverable {
		s.Reason = reasonBlocked
	}
	return s
}

// molecular is the step by which Molecular, or the courier, reports a status of a kit.
func molecular(from, to lifecycle.Low) Step {
	switch {
	case to == order.KitShipped.Status() && !shipped(from):
		return Step{Kind: "kit_shipped"}
	case to == order.KitReceived.Status():
		return Step{Kind: "kit_received"}
	case to.In(lifecycle.StageBlocked), to == lifecycle.SampleError:
		return rejected("kit_rejected", to.In(lifecycle.StageBlocked))
	}
	words := couriers.WordsFor(to)
	return Step{Kind: "courier", Leg: legTo(from, to), Status: words.Status, StatusDetail: words.Detail}
}

// hosts are where an appointment is that nobody has booked: providers, and a patient service center, of the simulated lab.
var hosts = map[lifecycle.Modality]struct{ provider, site string }{
	lifecycle.AtHomePhlebotomy: {provider: "getlabs"},
	lifecycle.WalkIn:           {provider: "quest", site: "QAZ1"},
}

// neutrally is the step by which a partner of the neutral protocol reports a status.
func neutrally(m lifecycle.Modality, from, to lifecycle.Low) Step {
	status := to.Appointment()
	switch {
	case status != "":
		return Step{Kind: "appointment", Status: string(status), Provider: hosts[m].provider, Site: hosts[m].site}
	case to == order.KitShipped.Status() && !shipped(from):
		return Step{Kind: "kit_shipped"}
	case to == lifecycle.DrawCompleted:
		return Step{Kind: "draw_completed"}
	case to == order.KitReceived.Status():
		return Step{Kind: "sample_received"}
	case to.In(lifecycle.StageBlocked), to == lifecycle.SampleError:
		return rejected("sample_rejected", to.In(lifecycle.StageBlocked))
	}
	return Step{Kind: "transit", Leg: legTo(from, to), Status: string(to)}
}
