package sandbox

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

const day = Duration(24 * time.Hour)

// reasonRecoverable is the lab's documented example of a recoverable rejection.
const reasonRecoverable = "No patient identifiers listed on the sample container / envelope."

const reasonFinal = "Quantity not sufficient (QNS)."

// scripts returns the named scripts, "happy" first. The names of those whose first words are "fail-place" and
// "timeout-after-accept" take a number.
func scripts() []Script {
	return slices.Concat([]Script{happy()}, placeScripts(), labScripts(), rejectScripts(), courierScripts())
}

// namedScript returns the script of a name. A script with a number in its name is known by any number from 0 to 1000 (seconds up
// to 600 in a time-out): "fail-place-3", "timeout-after-accept-30".
func namedScript(name string) (Script, bool) {
	if count, ok := numbered(name, "fail-place-", maxUnavailable); ok {
		return failPlace(count), true
	}
	if seconds, ok := numbered(name, "timeout-after-accept-", int(maxHold/time.Second)); ok {
		script := timeoutAfterAccept()
		script.Name, script.Place.Hold = name, Duration(time.Duration(seconds)*time.Second)
		return script, true
	}
	scripts := scripts()
	i := slices.IndexFunc(scripts, func(s Script) bool { return s.Name == name })
	if i < 0 {
		return Script{}, false
	}
	return scripts[i], true
}

func numbered(name, prefix string, limit int) (int, bool) {
	digits, ok := strings.CutPrefix(name, prefix)
	if !ok {
		return 0, false
	}
	number, err := strconv.Atoi(digits)
	return number, err == nil && number >= 0 && number <= limit
}

func happy() Script {
	return named("happy", "the kit goes out, comes back and is tested; the courier reports both ways",
		shipped(), outboundTrip(), inbound(), received(), tested())
}

func placeScripts() []Script {
	refuse := happy()
	refuse.Name, refuse.Description = "refuse-place", "the lab refuses the order"
	refuse.Place.Refuse, refuse.Steps = "physician is not authorized for this state", nil
	return []Script{failPlace(3), refuse, timeoutAfterAccept()}
}

func failPlace(count int) Script {
	script := happy()
	script.Name = "fail-place-" + strconv.Itoa(count)
	script.Description = "so many PlaceOrder calls are answered 503, then as happy"
	script.Place.Unavailable = count
	return script
}

func timeoutAfterAccept() Script {
	script := happy()
	script.Name = "timeout-after-accept"
	script.Description = "the order is accepted but the connection closed without an answer (with a number: after so many seconds); as happy otherwise"
	script.Place.DropAnswer = true
	return script
}

func labScripts() []Script {
	corrected := []Step{{Kind: KindResults, After: 2 * day}, {Kind: KindReport, After: hours(1)}}
	late := []Step{{Kind: KindHappens, Fact: KindShipped, After: day}}
	return []Script{
		named("happy-lab-only", "as happy, without any courier event",
			shipped(), received(), tested()),
		named("silent", "accepts the order and sends nothing"),
		named("silent-after-shipped", "sends nothing after kit_shipped",
			shipped()),
		named("webhooks-lost", "as happy-lab-only, but no webhook is ever sent: GET /Notifications tells them",
			lost(shipped(), received(), tested())),
		named("send-twice", "as happy, every webhook sent twice, the same each time",
			twice(shipped(), outboundTrip(), inbound(), received(), tested())),
		named("send-late", "kit_shipped is told after kit_received, with its early time",
			late, received(), []Step{{Kind: KindShipped, After: hours(1)}}, tested()),
		named("out-of-order", "report_ready, kit_received and kit_shipped come in this order, each with its true time",
			outOfOrder()),
		named("early-report", "report_ready comes before the results exist",
			shipped(), received(), []Step{{Kind: KindReport, After: 2 * day}, {Kind: KindResults, After: hours(1)}}),
		named("no-observations", "the report has no observations at first",
			shipped(), received(), []Step{
				{Kind: KindResults, After: 2 * day, Empty: true}, {Kind: KindReport, After: hours(1)}, {Kind: KindResults, After: hours(4)},
			}),
		named("correct", "results, then a corrected version and a second report_ready",
			shipped(), received(), tested(), corrected),
	}
}

func rejectScripts() []Script {
	blocked := slices.Concat(shipped(), received(), rejected(true, reasonRecoverable))
	return []Script{
		named("reject-recoverable", "rejected, back in production, results",
			blocked, received(), tested()),
		named("reject-recoverable-results", "rejected, then results without a second kit_received",
			blocked, tested()),
		named("reject-recoverable-silent", "rejected as recoverable, then nothing",
			blocked),
		named("reject-final", "rejected for good",
			shipped(), received(), rejected(false, reasonFinal)),
		named("reject-twice-final", "rejected as recoverable, then for good",
			blocked, rejected(false, reasonFinal)),
	}
}

// courierScripts use the statuses of the tracker service, which has no "lost" and no "problem" but details that say so.
func courierScripts() []Script {
	problem := func(leg string) []Step { return courier(leg, "in_transit", "transit_exception", day) }
	return []Script{
		named("lost-outbound", "the courier loses the kit on its way to the customer",
			shipped(), transit(LegOutbound), courier(LegOutbound, "failure", "lost", 10*day)),
		named("lost-inbound", "the courier loses the kit on its way to the lab",
			shipped(), outboundTrip(), inbound(), courier(LegInbound, "failure", "lost", 10*day)),
		named("problem-outbound", "a problem on the way to the customer is solved, then as happy",
			shipped(), transit(LegOutbound), problem(LegOutbound), outboundTrip(), inbound(), received(), tested()),
		named("problem-inbound", "a problem on the way to the lab is solved, then as happy",
			shipped(), outboundTrip(), inbound(), problem(LegInbound), transit(LegInbound), received(), tested()),
		named("failure-outbound", "the kit cannot be delivered to the customer and goes back",
			shipped(), transit(LegOutbound), courier(LegOutbound, "return_to_sender", "return", 3*day)),
		named("failure-inbound", "the kit cannot be delivered to the lab",
			shipped(), outboundTrip(), inbound(), courier(LegInbound, "failure", "failure", 3*day)),
	}
}

func named(name, description string, parts ...[]Step) Script {
	return Script{Name: name, Description: description, Steps: slices.Concat(parts...)}
}

func hours(n int) Duration { return Duration(time.Duration(n) * time.Hour) }

func shipped() []Step { return []Step{{Kind: KindShipped, After: day}} }

func received() []Step { return []Step{{Kind: KindReceived, After: 2 * day}} }

func tested() []Step {
	return []Step{{Kind: KindResults, After: hours(47)}, {Kind: KindReport, After: hours(1)}}
}

func rejected(recoverable bool, reason string) []Step {
	return []Step{{Kind: KindRejected, After: hours(4), Details: Details{Recoverable: &recoverable, Reason: reason}}}
}

func courier(leg, status, detail string, after Duration) []Step {
	return []Step{{Kind: KindCourier, After: after, Details: Details{Leg: leg, Status: status, StatusDetail: detail}}}
}

func transit(leg string) []Step {
	return courier(leg, "in_transit", "arrived_at_facility", hours(12))
}

func outboundTrip() []Step {
	return slices.Concat(transit(LegOutbound),
		courier(LegOutbound, "out_for_delivery", "out_for_delivery", 2*day),
		courier(LegOutbound, "delivered", "arrived_at_destination", hours(4)))
}

// inbound is the first scan of the returned kit, once the customer has used it.
func inbound() []Step {
	return courier(LegInbound, "in_transit", "received_at_origin_facility", 2*day)
}

func outOfOrder() []Step {
	return []Step{
		{Kind: KindHappens, Fact: KindShipped, After: day},
		{Kind: KindHappens, Fact: KindReceived, After: 5 * day},
		{Kind: KindResults, After: 2 * day},
		{Kind: KindHappens, Fact: KindReport, After: hours(1)},
		{Kind: KindReport}, {Kind: KindReceived, After: hours(1)}, {Kind: KindShipped, After: hours(1)},
	}
}

func twice(parts ...[]Step) []Step {
	steps := slices.Concat(parts...)
	for i := range steps {
		steps[i].Times = 2
	}
	return steps
}

// lost makes the webhooks of lab steps without sending them.
func lost(parts ...[]Step) []Step {
	steps := slices.Concat(parts...)
	for i := range steps {
		steps[i].Lost = slices.Contains(labKinds, steps[i].Kind)
	}
	return steps
}
