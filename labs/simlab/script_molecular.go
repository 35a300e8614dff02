package simlab

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

const day = Duration(24 * time.Hour)

// reasonRecoverable is MTL's documented example of a recoverable rejection.
const reasonRecoverable = "No patient identifiers listed on the sample container / envelope."

const reasonNotRecoverable = "Quantity not sufficient (QNS)."

// scripts returns the named scripts of Molecular's protocol, "happy" first. The names that begin with "fail-place" and
// "timeout-after-accept" can end in other numbers.
func scripts() []Script {
	return slices.Concat([]Script{happyScript()}, placeScripts(), labScripts(), rejectScripts(), courierScripts())
}

// namedScript returns the script with this name. "fail-place-" can be followed by a number of calls up to 1000, and
// "timeout-after-accept-" by a number of seconds up to 600.
func namedScript(name string) (Script, bool) {
	if count, ok := numberInName(name, "fail-place-", maxUnavailable); ok {
		return failPlaceScript(count), true
	}
	if seconds, ok := numberInName(name, "timeout-after-accept-", int(maxHold/time.Second)); ok {
		script := timeoutAfterAcceptScript()
		script.Name, script.Place.HoldOpen = name, Duration(time.Duration(seconds)*time.Second)
		return script, true
	}
	scripts := scripts()
	i := slices.IndexFunc(scripts, func(s Script) bool { return s.Name == name })
	if i < 0 {
		return Script{}, false
	}
	return scripts[i], true
}

func numberInName(name, prefix string, limit int) (int, bool) {
	digits, ok := strings.CutPrefix(name, prefix)
	if !ok {
		return 0, false
	}
	number, err := strconv.Atoi(digits)
	return number, err == nil && number >= 0 && number <= limit
}

func happyScript() Script {
	return newScript("happy", "the kit is shipped, returned and tested; the courier reports on both legs",
		shippedSteps(), outboundSteps(), inboundSteps(), receivedSteps(), labProcessingSteps())
}

func placeScripts() []Script {
	refuse := happyScript()
	refuse.Name, refuse.Description = "refuse-place", "the lab refuses the order"
	refuse.Place.RefuseWith, refuse.Steps = "physician is not authorized for this state", nil
	return []Script{failPlaceScript(3), refuse, timeoutAfterAcceptScript()}
}

func failPlaceScript(count int) Script {
	script := happyScript()
	script.Name = "fail-place-" + strconv.Itoa(count)
	script.Description = "the first PlaceOrder calls (the number) are answered 503, then as happy"
	script.Place.Unavailable = count
	return script
}

func timeoutAfterAcceptScript() Script {
	script := happyScript()
	script.Name = "timeout-after-accept"
	script.Description = "the order is accepted, but the connection is closed without an answer " +
		"(with a number: after that number of seconds); otherwise as happy"
	script.Place.DropAnswer = true
	return script
}

func labScripts() []Script {
	corrected := []Step{{Kind: KindResults, After: 2 * day}, {Kind: KindReport, After: hours(1)}}
	late := []Step{{Kind: KindHappens, Fact: KindShipped, After: day}}
	return []Script{
		newScript("happy-lab-only", "as happy, without any courier event",
			shippedSteps(), receivedSteps(), labProcessingSteps()),
		newScript("silent", "accepts the order and sends nothing"),
		newScript("silent-after-shipped", "sends nothing after kit_shipped",
			shippedSteps()),
		newScript("webhooks-lost", "as happy-lab-only, but no webhook is ever sent; GET /Notifications has them",
			withWebhooksUnsent(shippedSteps(), receivedSteps(), labProcessingSteps())),
		newScript("send-twice", "as happy, every webhook sent twice, the same each time",
			sendTwice(shippedSteps(), outboundSteps(), inboundSteps(), receivedSteps(), labProcessingSteps())),
		newScript("send-late", "kit_shipped is sent after kit_received, with its true time",
			late, receivedSteps(), []Step{{Kind: KindShipped, After: hours(1)}}, labProcessingSteps()),
		newScript("out-of-order", "report_ready, kit_received and kit_shipped come in this order, each with its true time",
			outOfOrderSteps()),
		newScript("early-report", "report_ready comes before the results exist",
			shippedSteps(), receivedSteps(), []Step{{Kind: KindReport, After: 2 * day}, {Kind: KindResults, After: hours(1)}}),
		newScript("no-observations", "the lab report has no observations at first",
			shippedSteps(), receivedSteps(), []Step{
				{Kind: KindResults, After: 2 * day, Empty: true}, {Kind: KindReport, After: hours(1)},
				{Kind: KindResults, After: hours(4)},
			}),
		newScript("correct", "results, then a corrected version and a second report_ready",
			shippedSteps(), receivedSteps(), labProcessingSteps(), corrected),
	}
}

func rejectScripts() []Script {
	blocked := slices.Concat(shippedSteps(), receivedSteps(), rejectedSteps(true, reasonRecoverable))
	return []Script{
		newScript("reject-recoverable", "rejected as recoverable, received again, then results",
			blocked, receivedSteps(), labProcessingSteps()),
		newScript("reject-recoverable-results", "rejected as recoverable, then results without a second kit_received",
			blocked, labProcessingSteps()),
		newScript("reject-recoverable-silent", "rejected as recoverable, then nothing",
			blocked),
		newScript("reject-final", "rejected as not recoverable",
			shippedSteps(), receivedSteps(), rejectedSteps(false, reasonNotRecoverable)),
		newScript("reject-twice-final", "rejected as recoverable, then as not recoverable",
			blocked, rejectedSteps(false, reasonNotRecoverable)),
	}
}

// courierScripts use the statuses of the tracker service. It has no "lost" and no "problem"; the details of a status
// say so.
func courierScripts() []Script {
	problem := func(leg string) []Step { return courierStep(leg, "in_transit", "transit_exception", day) }
	return []Script{
		newScript("lost-outbound", "the courier loses the kit on the outbound leg",
			shippedSteps(), inTransitSteps(LegOutbound), courierStep(LegOutbound, "failure", "lost", 10*day)),
		newScript("lost-inbound", "the courier loses the kit on the inbound leg",
			shippedSteps(), outboundSteps(), inboundSteps(), courierStep(LegInbound, "failure", "lost", 10*day)),
		newScript("problem-outbound", "a problem on the outbound leg is solved, then as happy",
			shippedSteps(), inTransitSteps(LegOutbound), problem(LegOutbound), outboundSteps(), inboundSteps(), receivedSteps(),
			labProcessingSteps()),
		newScript("problem-inbound", "a problem on the inbound leg is solved, then as happy",
			shippedSteps(), outboundSteps(), inboundSteps(), problem(LegInbound), inTransitSteps(LegInbound), receivedSteps(),
			labProcessingSteps()),
		newScript("failure-outbound", "the kit cannot be delivered to the customer and is returned",
			shippedSteps(), inTransitSteps(LegOutbound), courierStep(LegOutbound, "return_to_sender", "return", 3*day)),
		newScript("failure-inbound", "the kit cannot be delivered to the lab",
			shippedSteps(), outboundSteps(), inboundSteps(), courierStep(LegInbound, "failure", "failure", 3*day)),
	}
}

func newScript(name, description string, parts ...[]Step) Script {
	return Script{Name: name, Description: description, Steps: slices.Concat(parts...)}
}

func hours(n int) Duration { return Duration(time.Duration(n) * time.Hour) }

func shippedSteps() []Step { return []Step{{Kind: KindShipped, After: day}} }

func receivedSteps() []Step { return []Step{{Kind: KindReceived, After: 2 * day}} }

func labProcessingSteps() []Step {
	return []Step{{Kind: KindResults, After: hours(47)}, {Kind: KindReport, After: hours(1)}}
}

func rejectedSteps(recoverable bool, reason string) []Step {
	return []Step{{Kind: KindRejected, After: hours(4), Details: Details{Recoverable: &recoverable, Reason: reason}}}
}

func courierStep(leg, status, detail string, after Duration) []Step {
	return []Step{{Kind: KindCourier, After: after, Details: Details{Leg: leg, Status: status, StatusDetail: detail}}}
}

func inTransitSteps(leg string) []Step {
	return courierStep(leg, "in_transit", "arrived_at_facility", hours(12))
}

func outboundSteps() []Step {
	return slices.Concat(inTransitSteps(LegOutbound),
		courierStep(LegOutbound, "out_for_delivery", "out_for_delivery", 2*day),
		courierStep(LegOutbound, "delivered", "arrived_at_destination", hours(4)))
}

// inboundSteps returns the first scan of the returned kit, after the customer has used it.
func inboundSteps() []Step {
	return courierStep(LegInbound, "in_transit", "received_at_origin_facility", 2*day)
}

func outOfOrderSteps() []Step {
	return []Step{
		{Kind: KindHappens, Fact: KindShipped, After: day},
		{Kind: KindHappens, Fact: KindReceived, After: 5 * day},
		{Kind: KindResults, After: 2 * day},
		{Kind: KindHappens, Fact: KindReport, After: hours(1)},
		{Kind: KindReport}, {Kind: KindReceived, After: hours(1)}, {Kind: KindShipped, After: hours(1)},
	}
}

func sendTwice(parts ...[]Step) []Step {
	steps := slices.Concat(parts...)
	for i := range steps {
		steps[i].Times = 2
	}
	return steps
}

// withWebhooksUnsent returns the steps without sending their lab webhooks.
func withWebhooksUnsent(parts ...[]Step) []Step {
	steps := slices.Concat(parts...)
	for i := range steps {
		steps[i].Unsent = slices.Contains(labKinds, steps[i].Kind)
	}
	return steps
}
