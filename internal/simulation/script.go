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

// ShapesResults reports whether the results shall be other than a lab's usual ones.
func (o Options) ShapesResults() bool {
	return o.Interpretation != "" || len(o.ResultTypes) > 0 || o.Missing
}

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

// StepsFor is what the simulated partners have to play for a plan's reports on an order of the modality that is in a status, in one of
// the two protocols that the simulated lab speaks: the neutral one, or Molecular's with a courier beside it.
func StepsFor(m lifecycle.Modality, from lifecycle.LowStatus, reports []lifecycle.LowStatus, neutral bool,
	o Options) []Step {
	stepFor := molecularStep
	if neutral {
		stepFor = func(from, to lifecycle.LowStatus) Step { return neutralStep(m, from, to) }
	}
	steps := []Step{}
	for i, to := range reports {
		reportSteps := o.resultSteps(to)
		if reportSteps == nil {
			reportSteps = []Step{stepFor(from, to)}
		}
		if pause := o.pauseBefore(to); i > 0 && pause > 0 {
			reportSteps[0].Pause = pause.String()
		}
		steps = append(steps, reportSteps...)
		from = to
	}
	return steps
}

// minCorrectionPause is how long a report is left alone before it is corrected: until then it has been fetched, or there would be nothing that
// the correction differs from.
const minCorrectionPause = 3 * time.Second

func (o Options) pauseBefore(to lifecycle.LowStatus) time.Duration {
	if to == lifecycle.Corrected {
		return max(o.Pause, minCorrectionPause)
	}
	return o.Pause
}

// The failure types of simulated missing results: the lab's fault, for which a sample is drawn again, and one for which it is not.
const (
	missingByLab    = "internal_lab_failure"
	missingBySample = "quantity_not_sufficient_failure"
)

// resultSteps are the steps of a status that a report brings about; nil for any other.
func (o Options) resultSteps(to lifecycle.LowStatus) []Step {
	s := Step{Kind: "results", Interpretation: o.Interpretation, ResultTypes: o.ResultTypes}
	if o.Missing {
		s.Missing = missingBySample
	}
	switch to.Stage() {
	case lifecycle.StageCompleted:
	case lifecycle.StagePartialResults:
		s.Partial = true
	case lifecycle.StageRedraw:
		s.Missing = missingByLab
	default:
		return nil
	}
	return []Step{s, {Kind: "report_ready"}}
}

// legFor is the leg on which a status is reported; that of a kit that is lost, the one that it was on.
func legFor(from, to lifecycle.LowStatus) string {
	for _, l := range []lifecycle.LowStatus{to, from} {
		if leg := l.Leg(); leg != "" {
			return string(leg)
		}
	}
	return string(lifecycle.Outbound)
}

// provesShipment reports whether a status proves that the kit is on its way already.
func provesShipment(l lifecycle.LowStatus) bool { return l.Leg() != "" }

// The reasons of simulated rejections.
const (
	reasonBlocked = "Missing collection date"
	reasonFailed  = "Quantity not sufficient (QNS)."
)

func rejectionStep(kind string, recoverable bool) Step {
	s := Step{Kind: kind, Recoverable: &recoverable, Reason: reasonFailed}
	if recoverable {
		s.Reason = reasonBlocked
	}
	return s
}

// molecularStep is the step by which Molecular, or the courier, reports a status of a kit.
func molecularStep(from, to lifecycle.LowStatus) Step {
	switch {
	case to == order.FactKitShipped.Status() && !provesShipment(from):
		return Step{Kind: "kit_shipped"}
	case to == order.FactKitReceived.Status():
		return Step{Kind: "kit_received"}
	case to.In(lifecycle.StageBlocked), to == lifecycle.SampleError:
		return rejectionStep("kit_rejected", to.In(lifecycle.StageBlocked))
	}
	words := couriers.WordsFor(to)
	return Step{Kind: "courier", Leg: legFor(from, to), Status: words.Status, StatusDetail: words.Detail}
}

// simulatedProviders are where an appointment is that nobody has booked: providers, and a patient service center, of the simulated lab.
var simulatedProviders = map[lifecycle.Modality]struct{ provider, site string }{
	lifecycle.AtHomePhlebotomy: {provider: "getlabs"},
	lifecycle.WalkIn:           {provider: "quest", site: "QAZ1"},
}

// neutralStep is the step by which a partner of the neutral protocol reports a status.
func neutralStep(m lifecycle.Modality, from, to lifecycle.LowStatus) Step {
	status := to.Appointment()
	switch {
	case status != "":
		return Step{Kind: "appointment", Status: string(status), Provider: simulatedProviders[m].provider,
			Site: simulatedProviders[m].site}
	case to == order.FactKitShipped.Status() && !provesShipment(from):
		return Step{Kind: "kit_shipped"}
	case to == lifecycle.DrawCompleted:
		return Step{Kind: "draw_completed"}
	case to == order.FactKitReceived.Status():
		return Step{Kind: "sample_received"}
	case to.In(lifecycle.StageBlocked), to == lifecycle.SampleError:
		return rejectionStep("sample_rejected", to.In(lifecycle.StageBlocked))
	}
	return Step{Kind: "transit", Leg: legFor(from, to), Status: string(to)}
}
