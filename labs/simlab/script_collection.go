package simlab

import "slices"

// happyFlowScript is what happens to an order that nothing is wrong with.
func happyFlowScript(life string) Script {
	switch life {
	case FlowTestkit:
		return newScript("happy", "the kit goes out, comes back and is tested; the courier reports both ways",
			shippedSteps(), outboundSteps(), inboundSteps(), sampleReceivedSteps(), finalResultSteps())
	case FlowRegistrable:
		return newScript("happy", "the kit goes out and is delivered; once it is registered it comes back and is tested",
			shippedSteps(), outboundSteps(), withCondition(AwaitRegistered, inboundSteps()),
			withCondition(AwaitRegistered, sampleReceivedSteps()), finalResultSteps())
	case FlowWalkIn:
		return newScript("happy", "once an appointment is confirmed the patient comes, results follow",
			pscVisitSteps(), sampleReceivedSteps(), finalResultSteps())
	case FlowPhlebotomy:
		return newScript("happy", "once an appointment is confirmed blood is drawn at home; partial, then final results",
			homeVisitSteps(), sampleReceivedSteps(), partialResultSteps(), finalResultSteps())
	}
	return newScript("happy", "the sample comes from the client's site, results follow", sampleReceivedSteps(),
		finalResultSteps())
}

// collectionSteps is how the sample of a life comes to the lab, where that is not the script's subject. The last step is sample_received. To a
// patient service center the patient simply walks in.
func collectionSteps(life string) []Step {
	switch life {
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

// redrawScriptName is the script of an order that replaces one of which a result was missing.
func redrawScriptName(life string) string {
	if life == FlowWalkIn {
		return "walk-in-no-appointment"
	}
	return "happy"
}

func sampleReceivedSteps() []Step { return []Step{{Kind: KindSample, After: 2 * day}} }

// withCondition lets the steps begin when the condition is met.
func withCondition(condition string, steps []Step) []Step {
	steps = slices.Clone(steps)
	steps[0].Awaits = condition
	return steps
}

func appointmentSteps(status string, after Duration) []Step {
	return []Step{{Kind: KindAppointment, After: after, Details: Details{Status: status}}}
}

// pscVisitSteps is the visit to a patient service center.
func pscVisitSteps() []Step {
	return withCondition(AwaitConfirmed, appointmentSteps(statusCompleted, day))
}

// homeVisitSteps is the visit at home.
func homeVisitSteps() []Step {
	return slices.Concat(
		withCondition(AwaitConfirmed, appointmentSteps(statusInProgress, day)),
		appointmentSteps(statusCompleted, hours(1)),
		[]Step{{Kind: KindDraw}})
}

// visitSteps is the visit of a life.
func visitSteps(life string) []Step {
	if life == FlowWalkIn {
		return pscVisitSteps()
	}
	return homeVisitSteps()
}

// providerScripts are about what the provider does.
func providerScripts(life string) []Script {
	confirmed := func(steps []Step) []Step { return withCondition(AwaitConfirmed, steps) }
	tested := slices.Concat(sampleReceivedSteps(), finalResultSteps())
	unconfirmed := newScript("unconfirmed", "what is pending or reserved is never confirmed, otherwise as happy",
		visitSteps(life), tested)
	unconfirmed.Book.NeverConfirmed = true
	refused := newScript("provider-declines",
		"what is pending or reserved is cancelled by the provider; if booked again, as happy",
		withCondition(AwaitBooked, appointmentSteps(statusCancelled, hours(4))), visitSteps(life), tested)
	refused.Book.NeverConfirmed = true
	return []Script{
		newScript("provider-withdraws", "the provider gives its time back, confirms another a day later, then as happy",
			confirmed(appointmentSteps(statusPending, hours(4))), appointmentSteps(statusConfirmed, day), visitSteps(life),
			tested),
		newScript("provider-reschedules", "the provider moves the appointment, then as happy",
			confirmed(appointmentSteps(statusConfirmed, hours(4))), visitSteps(life), tested),
		newScript("provider-cancels", "the provider cancels the appointment; if another is booked, as happy",
			confirmed(appointmentSteps(statusCancelled, hours(4))), visitSteps(life), tested),
		newScript("no-show", "an appointment is confirmed as ever, and nothing follows"),
		unconfirmed, refused,
	}
}

// bookingScripts are about how bookings are answered.
func bookingScripts(life string) []Script {
	with := func(name, description string, book BookingBehaviour) Script {
		script := renamed(happyFlowScript(life), name, description)
		script.Book = book
		return script
	}
	happy := happyFlowScript(life)
	fail := numberedScripts[numberedScript{name: "fail-book-", limit: maxUnavailable, booking: "book"}]
	slow := numberedScripts[numberedScript{name: "slow-book-", limit: maxHoldSeconds, booking: "book"}]
	fixed := with("refuse-reschedule", "the appointment can be neither moved nor cancelled by a call, otherwise as happy",
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
		with("book-slot-gone", "whatever is booked is taken already",
			BookingBehaviour{CallBehaviour: CallBehaviour{RefuseWith: codeSlotGone}}),
		fail(happy, 3), slow(happy, 3), fixed,
	}
}

func walkInScripts() []Script {
	return []Script{
		newScript("walk-in-no-appointment", "the patient comes without an appointment, results follow",
			sampleReceivedSteps(), finalResultSteps()),
	}
}

func phlebotomyScripts() []Script {
	drawn := []Step{{Kind: KindDraw, After: day}}
	return []Script{
		newScript("draw-without-appointment", "blood is drawn without a word about an appointment, results follow",
			drawn, sampleReceivedSteps(), finalResultSteps()),
		newScript("draw-untold", "the visit is not told, the sample and its results are",
			sampleReceivedSteps(), finalResultSteps()),
	}
}

// flowCourierScripts are what a courier does to a kit, as of Molecular's protocol.
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

// stepsBeforeLab keeps the steps before Molecular's kit_received.
func stepsBeforeLab(steps []Step) []Step {
	i := slices.IndexFunc(steps, func(s Step) bool { return s.Kind == KindReceived })
	return steps[:i]
}

// transitScripts tell by facts where a kit is: the lab's courier has no other voice, and the kit no tracking numbers.
func transitScripts() []Script {
	out := slices.Concat(transitSteps(LegOutbound, "transit_customer"), transitSteps(LegOutbound, "out_for_delivery"),
		transitSteps(LegOutbound, "with_customer"))
	back := transitSteps(LegInbound, "transit_lab")
	delivered := transitSteps(LegInbound, "delivered_to_lab")
	end := slices.Concat(back, delivered, sampleReceivedSteps(), finalResultSteps())
	return []Script{
		newScript("relayed", "the lab tells where the kit is, both ways",
			untrackedTransitSteps(), out, end),
		newScript("relayed-problem", "as relayed, with a problem on either way that is solved",
			untrackedTransitSteps(), transitSteps(LegOutbound, "transit_customer"),
			transitSteps(LegOutbound, "problem_in_transit_customer"), out,
			back, transitSteps(LegInbound, "problem_in_transit_lab"), end),
		newScript("relayed-failure-outbound", "the lab tells that the kit cannot be delivered to the customer",
			untrackedTransitSteps(), transitSteps(LegOutbound, "transit_customer"),
			transitSteps(LegOutbound, "failure_to_deliver_to_customer")),
		newScript("relayed-failure-inbound", "the lab tells that the kit cannot be delivered to it",
			untrackedTransitSteps(), out, back, transitSteps(LegInbound, "failure_to_deliver_to_lab")),
		newScript("relayed-lost-outbound", "the lab tells that the kit was lost on its way to the customer",
			untrackedTransitSteps(), transitSteps(LegOutbound, "transit_customer"), transitSteps(LegOutbound, "lost")),
		newScript("relayed-lost-inbound", "the lab tells that the kit was lost on its way back",
			untrackedTransitSteps(), out, back, transitSteps(LegInbound, "lost")),
	}
}

func transitSteps(leg, status string) []Step {
	return []Step{{Kind: KindTransit, After: day, Details: Details{Leg: leg, Status: status}}}
}

func untrackedTransitSteps() []Step {
	return []Step{{Kind: KindShipped, After: day, Details: Details{Outbound: new(string), Inbound: new(string)}}}
}

// registrableScripts are about what comes before a kit is registered.
func registrableScripts() []Script {
	delivered := slices.Concat(shippedSteps(), outboundSteps())
	yes, no := true, false
	reject := func(recoverable *bool, reason string) []Step {
		return []Step{{Kind: KindSampleRejected, After: hours(4), Details: Details{Recoverable: recoverable, Reason: reason}}}
	}
	return []Script{
		newScript("sample-before-registration", "the sample is at the lab before the kit is registered; results once it is",
			delivered, inboundSteps(), sampleReceivedSteps(), withCondition(AwaitRegistered, finalResultSteps())),
		newScript("rejected-before-registration", "the sample is rejected for good before the kit is registered",
			delivered, inboundSteps(), sampleReceivedSteps(), reject(&no, reasonNotRecoverable)),
		newScript("blocked-before-registration", "the lab waits for the registration, and says so; results once it has come",
			delivered, inboundSteps(), sampleReceivedSteps(), reject(&yes, reasonRecoverable),
			withCondition(AwaitRegistered, finalResultSteps())),
		newScript("undelivered", "the kit cannot be delivered to the customer",
			shippedSteps(), inTransitSteps(LegOutbound), courierStep(LegOutbound, "return_to_sender", "return", 3*day)),
		newScript("lost-outbound", "the courier loses the kit on its way to the customer",
			shippedSteps(), inTransitSteps(LegOutbound), courierStep(LegOutbound, "failure", "lost", 10*day)),
		newScript("relayed", "the lab tells where the kit is, both ways; as happy otherwise",
			untrackedTransitSteps(), transitSteps(LegOutbound, "transit_customer"),
			transitSteps(LegOutbound, "out_for_delivery"), transitSteps(LegOutbound, "with_customer"),
			withCondition(AwaitRegistered, transitSteps(LegInbound, "transit_lab")), sampleReceivedSteps(), finalResultSteps()),
	}
}
