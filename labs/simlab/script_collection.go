package simlab

import "slices"

// happyFlowScript returns the script of an order without problems.
func happyFlowScript(flow string) Script {
	switch flow {
	case FlowTestkit:
		return newScript("happy", "the kit is shipped, returned and tested; the courier reports on both legs",
			shippedSteps(), outboundSteps(), inboundSteps(), sampleReceivedSteps(), finalResultSteps())
	case FlowRegistrable:
		return newScript("happy", "the kit is shipped and delivered; after its registration it is returned and tested",
			shippedSteps(), outboundSteps(), withCondition(AwaitRegistered, inboundSteps()),
			withCondition(AwaitRegistered, sampleReceivedSteps()), finalResultSteps())
	case FlowWalkIn:
		return newScript("happy", "the patient comes to a confirmed appointment; then results",
			pscVisitSteps(), sampleReceivedSteps(), finalResultSteps())
	case FlowPhlebotomy:
		return newScript("happy", "blood is drawn at a confirmed appointment at home; partial, then final results",
			homeVisitSteps(), sampleReceivedSteps(), partialResultSteps(), finalResultSteps())
	}
	return newScript("happy", "the sample comes from the client's site; then results", sampleReceivedSteps(),
		finalResultSteps())
}

// collectionSteps returns the steps of a flow until the sample is at the lab, for scripts about something else. The
// last step is sample_received. At a patient service center the patient comes without an appointment.
func collectionSteps(flow string) []Step {
	switch flow {
	case FlowTestkit:
		return slices.Concat(shippedSteps(), outboundSteps(), inboundSteps(), sampleReceivedSteps())
	case FlowRegistrable:
		return slices.Concat(shippedSteps(), outboundSteps(), withCondition(AwaitRegistered, inboundSteps()),
			withCondition(AwaitRegistered, sampleReceivedSteps()))
	case FlowPhlebotomy:
		return slices.Concat(homeVisitSteps(), sampleReceivedSteps())
	}
	return sampleReceivedSteps()
}

// redrawScriptName returns the script of an order that replaces one with a missing result.
func redrawScriptName(flow string) string {
	if flow == FlowWalkIn {
		return "walk-in-no-appointment"
	}
	return "happy"
}

func sampleReceivedSteps() []Step { return []Step{{Kind: KindSample, After: 2 * day}} }

// withCondition returns the steps; the first of them waits for the condition.
func withCondition(condition string, steps []Step) []Step {
	steps = slices.Clone(steps)
	steps[0].Awaits = condition
	return steps
}

func appointmentSteps(status string, after Duration) []Step {
	return []Step{{Kind: KindAppointment, After: after, Details: Details{Status: status}}}
}

// pscVisitSteps returns the steps of a visit to a patient service center.
func pscVisitSteps() []Step {
	return withCondition(AwaitConfirmed, appointmentSteps(statusCompleted, day))
}

// homeVisitSteps returns the steps of a phlebotomist's visit.
func homeVisitSteps() []Step {
	return slices.Concat(
		withCondition(AwaitConfirmed, appointmentSteps(statusInProgress, day)),
		appointmentSteps(statusCompleted, hours(1)),
		[]Step{{Kind: KindDraw}})
}

// visitSteps returns the steps of the visit in a flow with appointments.
func visitSteps(flow string) []Step {
	if flow == FlowWalkIn {
		return pscVisitSteps()
	}
	return homeVisitSteps()
}

// providerScripts are the scripts in which the provider changes an appointment, or does not.
func providerScripts(flow string) []Script {
	confirmed := func(steps []Step) []Step { return withCondition(AwaitConfirmed, steps) }
	tested := slices.Concat(sampleReceivedSteps(), finalResultSteps())
	unconfirmed := newScript("unconfirmed", "pending and reserved appointments are never confirmed, otherwise as happy",
		visitSteps(flow), tested)
	unconfirmed.Book.NeverConfirmed = true
	refused := newScript("provider-declines",
		"the provider cancels a pending or reserved appointment; after another booking as happy",
		withCondition(AwaitBooked, appointmentSteps(statusCancelled, hours(4))), visitSteps(flow), tested)
	refused.Book.NeverConfirmed = true
	return []Script{
		newScript("provider-withdraws", "the provider withdraws the time, confirms another one a day later, then as happy",
			confirmed(appointmentSteps(statusPending, hours(4))), appointmentSteps(statusConfirmed, day), visitSteps(flow),
			tested),
		newScript("provider-reschedules", "the provider moves the appointment, then as happy",
			confirmed(appointmentSteps(statusConfirmed, hours(4))), visitSteps(flow), tested),
		newScript("provider-cancels", "the provider cancels the appointment; after another booking as happy",
			confirmed(appointmentSteps(statusCancelled, hours(4))), visitSteps(flow), tested),
		newScript("no-show", "an appointment is confirmed, and nothing follows"),
		unconfirmed, refused,
	}
}

// bookingScripts are the scripts that answer bookings in another way.
func bookingScripts(flow string) []Script {
	with := func(name, description string, book BookingBehaviour) Script {
		script := withName(happyFlowScript(flow), name, description)
		script.Book = book
		return script
	}
	happy := happyFlowScript(flow)
	fail := numberedScripts[numberedScript{name: "fail-book-", limit: maxUnavailable, booking: "book"}]
	slow := numberedScripts[numberedScript{name: "slow-book-", limit: maxHoldSeconds, booking: "book"}]
	fixed := with("refuse-reschedule", "calls can neither reschedule nor cancel the appointment, otherwise as happy",
		BookingBehaviour{})
	fixed.Calls = map[string]CallBehaviour{opReschedule: {RefuseWith: codeNotReschedulable},
		opCancelAppointment: {RefuseWith: codeNotCancellable}}
	return []Script{
		with("book-pending", "a booking is answered as pending and confirmed later, then as happy",
			BookingBehaviour{Pending: true}),
		with("book-unanswered", "an appointment is booked without an answer, then as happy",
			BookingBehaviour{CallBehaviour: CallBehaviour{DropAnswer: true}}),
		with("book-refused", "bookings are refused",
			BookingBehaviour{CallBehaviour: CallBehaviour{RefuseWith: codeOutsideServiceArea}}),
		with("book-slot-gone", "every slot is taken when it is booked",
			BookingBehaviour{CallBehaviour: CallBehaviour{RefuseWith: codeSlotGone}}),
		fail(happy, 3), slow(happy, 3), fixed,
	}
}

func walkInScripts() []Script {
	return []Script{
		newScript("walk-in-no-appointment", "the patient comes without an appointment; then results",
			sampleReceivedSteps(), finalResultSteps()),
	}
}

func phlebotomyScripts() []Script {
	drawn := []Step{{Kind: KindDraw, After: day}}
	return []Script{
		newScript("draw-without-appointment", "blood is drawn without an appointment; then results",
			drawn, sampleReceivedSteps(), finalResultSteps()),
		newScript("draw-untold", "the visit is not reported; the sample and its results are",
			sampleReceivedSteps(), finalResultSteps()),
	}
}

// flowCourierScripts are the scripts with courier events, as in Molecular's protocol.
func flowCourierScripts(collect []Step) []Script {
	scripts := courierScripts()
	for i := range scripts {
		if slices.Contains([]string{"problem-outbound", "problem-inbound"}, scripts[i].Name) {
			scripts[i].Steps = slices.Concat(stepsBeforeLab(scripts[i].Steps), sampleReceivedSteps(), finalResultSteps())
		}
	}
	return append(scripts, newScript("happy-lab-only", "as happy, without any courier event",
		shippedSteps(), collect[len(collect)-1:], finalResultSteps()))
}

// stepsBeforeLab returns the steps before Molecular's kit_received.
func stepsBeforeLab(steps []Step) []Step {
	i := slices.IndexFunc(steps, func(s Step) bool { return s.Kind == KindReceived })
	return steps[:i]
}

// transitScripts report the transit of a kit by facts of the lab. The kit has no tracking numbers, so there are no
// courier events.
func transitScripts() []Script {
	out := slices.Concat(transitSteps(LegOutbound, "transit_customer"), transitSteps(LegOutbound, "out_for_delivery"),
		transitSteps(LegOutbound, "with_customer"))
	back := transitSteps(LegInbound, "transit_lab")
	delivered := transitSteps(LegInbound, "delivered_to_lab")
	end := slices.Concat(back, delivered, sampleReceivedSteps(), finalResultSteps())
	return []Script{
		newScript("relayed", "the lab reports the kit's transit on both legs",
			untrackedTransitSteps(), out, end),
		newScript("relayed-problem", "as relayed, with a problem on each leg that is solved",
			untrackedTransitSteps(), transitSteps(LegOutbound, "transit_customer"),
			transitSteps(LegOutbound, "problem_in_transit_customer"), out,
			back, transitSteps(LegInbound, "problem_in_transit_lab"), end),
		newScript("relayed-failure-outbound", "the lab reports that the kit cannot be delivered to the customer",
			untrackedTransitSteps(), transitSteps(LegOutbound, "transit_customer"),
			transitSteps(LegOutbound, "failure_to_deliver_to_customer")),
		newScript("relayed-failure-inbound", "the lab reports that the kit cannot be delivered to the lab",
			untrackedTransitSteps(), out, back, transitSteps(LegInbound, "failure_to_deliver_to_lab")),
		newScript("relayed-lost-outbound", "the lab reports that the kit was lost on the outbound leg",
			untrackedTransitSteps(), transitSteps(LegOutbound, "transit_customer"), transitSteps(LegOutbound, "lost")),
		newScript("relayed-lost-inbound", "the lab reports that the kit was lost on the inbound leg",
			untrackedTransitSteps(), out, back, transitSteps(LegInbound, "lost")),
	}
}

func transitSteps(leg, status string) []Step {
	return []Step{{Kind: KindTransit, After: day, Details: Details{Leg: leg, Status: status}}}
}

func untrackedTransitSteps() []Step {
	return []Step{{Kind: KindShipped, After: day, Details: Details{Outbound: new(string), Inbound: new(string)}}}
}

// registrableScripts are the scripts about what happens before a kit is registered.
func registrableScripts() []Script {
	delivered := slices.Concat(shippedSteps(), outboundSteps())
	yes, no := true, false
	reject := func(recoverable *bool, reason string) []Step {
		return []Step{{Kind: KindSampleRejected, After: hours(4), Details: Details{Recoverable: recoverable, Reason: reason}}}
	}
	return []Script{
		newScript("sample-before-registration",
			"the sample is at the lab before the kit is registered; results after the registration",
			delivered, inboundSteps(), sampleReceivedSteps(), withCondition(AwaitRegistered, finalResultSteps())),
		newScript("rejected-before-registration", "the sample is rejected as not recoverable before the kit is registered",
			delivered, inboundSteps(), sampleReceivedSteps(), reject(&no, reasonNotRecoverable)),
		newScript("blocked-before-registration", "the lab reports that it waits for the registration; results after it",
			delivered, inboundSteps(), sampleReceivedSteps(), reject(&yes, reasonRecoverable),
			withCondition(AwaitRegistered, finalResultSteps())),
		newScript("undelivered", "the kit cannot be delivered to the customer",
			shippedSteps(), inTransitSteps(LegOutbound), courierStep(LegOutbound, "return_to_sender", "return", 3*day)),
		newScript("lost-outbound", "the courier loses the kit on its way to the customer",
			shippedSteps(), inTransitSteps(LegOutbound), courierStep(LegOutbound, "failure", "lost", 10*day)),
		newScript("relayed", "the lab reports the kit's transit on both legs; as happy otherwise",
			untrackedTransitSteps(), transitSteps(LegOutbound, "transit_customer"),
			transitSteps(LegOutbound, "out_for_delivery"), transitSteps(LegOutbound, "with_customer"),
			withCondition(AwaitRegistered, transitSteps(LegInbound, "transit_lab")), sampleReceivedSteps(), finalResultSteps()),
	}
}
