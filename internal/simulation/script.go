package simulation

import (
	"time"

	"github.com/aliquot-labs/aliquot/couriers"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
)

// Options are what the client wants of the simulated partners.
type Options struct {
	Pause          time.Duration // real time between two facts
	Interpretation string        // of the results; empty: normal
	ResultTypes    []string      // of the results, in turn; empty: the lab's choice
	Missing        bool          // some results are missing
}

// Step is one step of a simulated lab's script, as its control endpoint takes it (docs/sandbox.md).
type Step struct {
	Kind           string   `json:"kind"`
	Awaits         string   `json:"awaits,omitempty"`
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

// StepsFor returns the steps by which the simulated partners report a plan's statuses, for an order of the modality in
// the status from. The simulated lab speaks two protocols: the neutral one, and Molecular's with a courier.
func StepsFor(m lifecycle.Modality, from lifecycle.LowStatus, reports []lifecycle.LowStatus, neutral bool,
	o Options) []Step {
	stepFor := molecularStep
	if neutral {
		stepFor = func(from, to lifecycle.LowStatus) Step { return neutralStep(m, from, to) }
	}
	steps := []Step{}
	published := false
	for i, to := range reports {
		reportSteps := o.resultSteps(to)
		if reportSteps == nil {
			reportSteps = []Step{stepFor(from, to)}
		} else {
			if published { // a version that was never fetched would be no event
				reportSteps[0].Awaits = awaitFetched
			}
			if !neutral && o.Interpretation == "" {
				// Molecular's results are what the order's number gives, and need not be normal.
				reportSteps[0].Interpretation = string(order.InterpretationNormal)
			}
			published = true
		}
		if i > 0 && o.Pause > 0 {
			reportSteps[0].Pause = o.Pause.String()
		}
		steps = append(steps, reportSteps...)
		from = to
	}
	return steps
}

// awaitFetched is the simulated lab's condition that its present report has been fetched.
const awaitFetched = "fetched"

// The failure types of simulated missing results: one that is the lab's fault and leads to a redraw, and one that is
// not.
const (
	missingByLab    = "internal_lab_failure"
	missingBySample = "quantity_not_sufficient_failure"
)

// resultSteps returns the steps that report results for a status; nil: a status without results.
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

// legFor returns the leg on which a status is reported. For a lost kit it is the leg of the status before.
func legFor(from, to lifecycle.LowStatus) string {
	for _, l := range []lifecycle.LowStatus{to, from} {
		if leg := l.Leg(); leg != "" {
			return string(leg)
		}
	}
	return string(lifecycle.Outbound)
}

// provesShipment reports whether a status proves that the kit has been shipped.
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

// molecularStep returns the step by which Molecular, or the courier, reports a status of a kit.
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

// simulatedProviders are the simulated lab's provider and site of appointments that nobody has booked.
var simulatedProviders = map[lifecycle.Modality]struct{ provider, site string }{
	lifecycle.AtHomePhlebotomy: {provider: "getlabs"},
	lifecycle.WalkIn:           {provider: "quest", site: "QAZ1"},
}

// neutralStep returns the step by which a partner with the neutral protocol reports a status.
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
