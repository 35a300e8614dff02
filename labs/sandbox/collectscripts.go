package sandbox

import "slices"

// lifeHappy is what happens to an order that nothing is wrong with.
func lifeHappy(life string) Script {
	switch life {
	case LifeTestkit:
		return named("happy", "the kit goes out, comes back and is tested; the courier reports both ways",
			shipped(), outboundTrip(), inbound(), sampled(), final())
	case LifeRegistrable:
		return named("happy", "the kit goes out and is delivered; once it is registered it comes back and is tested",
			shipped(), outboundTrip(), once(AwaitRegistered, inbound()), once(AwaitRegistered, sampled()), final())
	case LifeWalkIn:
		return named("happy", "once an appointment is confirmed the patient comes, results follow",
			attended(), sampled(), final())
	case LifePhlebotomy:
		return named("happy", "once an appointment is confirmed blood is drawn at home; partial, then final results",
			visited(), sampled(), partial(), final())
	}
	return named("happy", "the sample comes from the client's site, results follow", sampled(), final())
}

// sampleOf is how the sample of a life comes to the lab, where that is not the script's subject. The last step is sample_received. To a
// patient service center the patient simply walks in.
func sampleOf(life string) []Step {
	switch life {
	case LifeTestkit:
		return slices.Concat(shipped(), outboundTrip(), inbound(), sampled())
	case LifeRegistrable:
		return slices.Concat(shipped(), outboundTrip(), once(AwaitRegistered, inbound()), once(AwaitRegistered, sampled()))
	case LifePhlebotomy:
		return slices.Concat(visited(), sampled())
	}
	return sampled()
}

// redrawOf is the script of an order that replaces one of which a result was missing.
func redrawOf(life string) string {
	if life == LifeWalkIn {
		return "walk-in-no-appointment"
	}
	return "happy"
}

func sampled() []Step { return []Step{{Kind: KindSample, After: 2 * day}} }

// once lets the steps begin when the condition is met.
func once(condition string, steps []Step) []Step {
	steps = slices.Clone(steps)
	steps[0].Awaits = condition
	return steps
}

func appointmentTo(status string, after Duration) []Step {
	return []Step{{Kind: KindAppointment, After: after, Details: Details{Status: status}}}
}

// attended is the visit to a patient service center.
func attended() []Step { return once(AwaitConfirmed, appointmentTo(statusCompleted, day)) }

// visited is the visit at home.
func visited() []Step {
	return slices.Concat(
		once(AwaitConfirmed, appointmentTo(statusInProgress, day)),
		appointmentTo(statusCompleted, hours(1)),
		[]Step{{Kind: KindDraw}})
}

// visitOf is the visit of a life.
func visitOf(life string) []Step {
	if life == LifeWalkIn {
		return attended()
	}
	return visited()
}

// visitScripts are about what the provider does.
func visitScripts(life string) []Script {
	confirmed := func(steps []Step) []Step { return once(AwaitConfirmed, steps) }
	tested := slices.Concat(sampled(), final())
	unconfirmed := named("unconfirmed", "what is pending or reserved is never confirmed, otherwise as happy", visitOf(life), tested)
	unconfirmed.Book.Unconfirmed = true
	refused := named("provider-declines", "what is pending or reserved is cancelled by the provider; if booked again, as happy",
		once(AwaitBooked, appointmentTo(statusCancelled, hours(4))), visitOf(life), tested)
	refused.Book.Unconfirmed = true
	return []Script{
		named("provider-withdraws", "the provider gives its time back, confirms another a day later, then as happy",
			confirmed(appointmentTo(statusPending, hours(4))), appointmentTo(statusConfirmed, day), visitOf(life), tested),
		named("provider-reschedules", "the provider moves the appointment, then as happy",
			confirmed(appointmentTo(statusConfirmed, hours(4))), visitOf(life), tested),
		named("provider-cancels", "the provider cancels the appointment; if another is booked, as happy",
			confirmed(appointmentTo(statusCancelled, hours(4))), visitOf(life), tested),
		named("no-show", "an appointment is confirmed as ever, and nothing follows"),
		unconfirmed, refused,
	}
}

// bookingScripts are about how bookings are answered.
func bookingScripts(life string) []Script {
	with := func(name, description string, book Booking) Script {
		script := renamed(lifeHappy(life), name, description)
		script.Book = book
		return script
	}
	happy := lifeHappy(life)
	fail := numberedScripts[numberedName{name: "fail-book-", limit: maxUnavailable, booking: "book"}]
	slow := numberedScripts[numberedName{name: "slow-book-", limit: maxHoldSeconds, booking: "book"}]
	fixed := with("refuse-reschedule", "the appointment can be neither moved nor cancelled by a call, otherwise as happy", Booking{})
	fixed.Calls = map[string]Place{opReschedule: {Refuse: codeNotReschedule}, opDrop: {Refuse: codeNotCancellable}}
	return []Script{
		with("book-pending", "a booking is answered as pending and confirmed later, then as happy", Booking{Pending: true}),
		with("book-unanswered", "an appointment is booked without an answer, then as happy", Booking{Place: Place{DropAnswer: true}}),
		with("book-refused", "bookings are refused", Booking{Place: Place{Refuse: codeUnserved}}),
		with("book-slot-gone", "whatever is booked is taken already", Booking{Place: Place{Refuse: codeSlotGone}}),
		fail(happy, 3), slow(happy, 3), fixed,
	}
}

func walkInScripts() []Script {
	return []Script{
		named("walk-in-no-appointment", "the patient comes without an appointment, results follow",
			sampled(), final()),
	}
}

func phlebotomyScripts() []Script {
	drawn := []Step{{Kind: KindDraw, After: day}}
	return []Script{
		named("draw-without-appointment", "blood is drawn without a word about an appointment, results follow",
			drawn, sampled(), final()),
		named("draw-untold", "the visit is not told, the sample and its results are",
			sampled(), final()),
	}
}

// courierScriptsOf are what a courier does to a kit, as of Molecular's protocol.
func courierScriptsOf(collect []Step) []Script {
	scripts := courierScripts()
	for i := range scripts {
		if slices.Contains([]string{"problem-outbound", "problem-inbound"}, scripts[i].Name) {
			scripts[i].Steps = slices.Concat(withoutLab(scripts[i].Steps), sampled(), final())
		}
	}
	return append(scripts, named("happy-lab-only", "as happy, without any courier event",
		shipped(), collect[len(collect)-1:], final()))
}

// withoutLab keeps the steps before Molecular's kit_received.
func withoutLab(steps []Step) []Step {
	i := slices.IndexFunc(steps, func(s Step) bool { return s.Kind == KindReceived })
	return steps[:i]
}

// relayScripts tell by facts where a kit is: the lab's courier has no other voice, and the kit no tracking numbers.
func relayScripts() []Script {
	out := slices.Concat(relayed(LegOutbound, "transit_customer"), relayed(LegOutbound, "out_for_delivery"), relayed(LegOutbound, "with_customer"))
	back := relayed(LegInbound, "transit_lab")
	delivered := relayed(LegInbound, "delivered_to_lab")
	end := slices.Concat(back, delivered, sampled(), final())
	return []Script{
		named("relayed", "the lab tells where the kit is, both ways",
			untracked(), out, end),
		named("relayed-problem", "as relayed, with a problem on either way that is solved",
			untracked(), relayed(LegOutbound, "transit_customer"), relayed(LegOutbound, "problem_in_transit_customer"), out,
			back, relayed(LegInbound, "problem_in_transit_lab"), end),
		named("relayed-failure-outbound", "the lab tells that the kit cannot be delivered to the customer",
			untracked(), relayed(LegOutbound, "transit_customer"), relayed(LegOutbound, "failure_to_deliver_to_customer")),
		named("relayed-failure-inbound", "the lab tells that the kit cannot be delivered to it",
			untracked(), out, back, relayed(LegInbound, "failure_to_deliver_to_lab")),
		named("relayed-lost-outbound", "the lab tells that the kit was lost on its way to the customer",
			untracked(), relayed(LegOutbound, "transit_customer"), relayed(LegOutbound, "lost")),
		named("relayed-lost-inbound", "the lab tells that the kit was lost on its way back",
			untracked(), out, back, relayed(LegInbound, "lost")),
	}
}

func relayed(leg, status string) []Step {
	return []Step{{Kind: KindTransit, After: day, Details: Details{Leg: leg, Status: status}}}
}

func untracked() []Step {
	return []Step{{Kind: KindShipped, After: day, Details: Details{Outbound: new(string), Inbound: new(string)}}}
}

// registrableScripts are about what comes before a kit is registered.
func registrableScripts() []Script {
	delivered := slices.Concat(shipped(), outboundTrip())
	yes, no := true, false
	reject := func(recoverable *bool, reason string) []Step {
		return []Step{{Kind: KindSampleRejected, After: hours(4), Details: Details{Recoverable: recoverable, Reason: reason}}}
	}
	return []Script{
		named("sample-before-registration", "the sample is at the lab before the kit is registered; results once it is",
			delivered, inbound(), sampled(), once(AwaitRegistered, final())),
		named("rejected-before-registration", "the sample is rejected for good before the kit is registered",
			delivered, inbound(), sampled(), reject(&no, reasonFinal)),
		named("blocked-before-registration", "the lab waits for the registration, and says so; results once it has come",
			delivered, inbound(), sampled(), reject(&yes, reasonRecoverable), once(AwaitRegistered, final())),
		named("undelivered", "the kit cannot be delivered to the customer",
			shipped(), transit(LegOutbound), courier(LegOutbound, "return_to_sender", "return", 3*day)),
		named("lost-outbound", "the courier loses the kit on its way to the customer",
			shipped(), transit(LegOutbound), courier(LegOutbound, "failure", "lost", 10*day)),
		named("relayed", "the lab tells where the kit is, both ways; as happy otherwise",
			untracked(), relayed(LegOutbound, "transit_customer"), relayed(LegOutbound, "out_for_delivery"), relayed(LegOutbound, "with_customer"),
			once(AwaitRegistered, relayed(LegInbound, "transit_lab")), sampled(), final()),
	}
}
