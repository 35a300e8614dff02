package sandbox

import (
	"slices"
	"strconv"
	"time"
)

// lifeScripts returns the named scripts of a life of the neutral protocol, "happy" first. Names that end in a number take any.
func lifeScripts(life string) []Script {
	collect := sampleOf(life)
	scripts := []Script{lifeHappy(life)}
	scripts = append(scripts, answerScripts(life)...)
	scripts = append(scripts, sendingScripts(collect)...)
	scripts = append(scripts, reportScripts(collect, redrawOf(life))...)
	scripts = append(scripts, rejectionScripts(collect)...)
	switch life {
	case LifeTestkit:
		return slices.Concat(scripts, courierScriptsOf(collect), relayScripts())
	case LifeRegistrable:
		return slices.Concat(scripts, registrableScripts())
	case LifeWalkIn:
		return slices.Concat(scripts, walkInScripts(), visitScripts(life), bookingScripts(life))
	case LifePhlebotomy:
		return slices.Concat(scripts, phlebotomyScripts(), visitScripts(life), bookingScripts(life))
	}
	return scripts
}

// lifeScript returns the script of a name in a life.
func lifeScript(life, name string) (Script, bool) {
	if !slices.Contains(lives(), life) {
		return Script{}, false
	}
	for prefix, make := range numberedScripts {
		if number, ok := numbered(name, prefix.name, prefix.limit); ok && (prefix.booking == "" || hasVisits(life)) {
			return make(lifeHappy(life), number), true
		}
	}
	scripts := lifeScripts(life)
	i := slices.IndexFunc(scripts, func(s Script) bool { return s.Name == name })
	if i < 0 {
		return Script{}, false
	}
	return scripts[i], true
}

// hasVisits reports whether somebody has an appointment in the life.
func hasVisits(life string) bool { return life == LifeWalkIn || life == LifePhlebotomy }

type numberedName struct {
	name    string
	limit   int
	booking string // set: only where there are appointments
}

const maxHoldSeconds = int(maxHold / time.Second)

// numberedScripts are those whose names take a number, made from the life's "happy".
var numberedScripts = map[numberedName]func(Script, int) Script{
	{name: "fail-place-", limit: maxUnavailable}:           failPlaceOf,
	{name: "timeout-after-accept-", limit: maxHoldSeconds}: unansweredOf,
	{name: "slow-place-", limit: maxHoldSeconds}:           slowPlaceOf,
	{name: "fail-register-", limit: maxUnavailable}:        failCallOf("fail-register-", opRegister, "so many registrations are answered 503, then as happy"),
	{name: "fail-results-", limit: maxUnavailable}:         failCallOf("fail-results-", opResults, "so many requests for results are answered 503, then as happy"),
	{name: "fail-book-", limit: maxUnavailable, booking: "book"}: func(s Script, n int) Script {
		s.Book.Unavailable = n
		return renamed(s, "fail-book-"+strconv.Itoa(n), "so many bookings are answered 503, then as happy")
	},
	{name: "slow-book-", limit: maxHoldSeconds, booking: "book"}: func(s Script, n int) Script {
		s.Book.Hold = Duration(time.Duration(n) * time.Second)
		return renamed(s, "slow-book-"+strconv.Itoa(n), "a booking is answered after so many seconds, then as happy")
	},
}

func renamed(s Script, name, description string) Script {
	s.Name, s.Description = name, description
	return s
}

func failPlaceOf(s Script, n int) Script {
	s.Place.Unavailable = n
	return renamed(s, "fail-place-"+strconv.Itoa(n), "so many placing calls are answered 503, then as happy")
}

func unansweredOf(s Script, seconds int) Script {
	s.Place.DropAnswer, s.Place.Hold = true, Duration(time.Duration(seconds)*time.Second)
	name := "timeout-after-accept"
	if seconds > 0 {
		name += "-" + strconv.Itoa(seconds)
	}
	return renamed(s, name, "accepted, but the connection is closed without an answer (with a number: after so many seconds); as happy otherwise")
}

func slowPlaceOf(s Script, seconds int) Script {
	s.Place.Hold = Duration(time.Duration(seconds) * time.Second)
	return renamed(s, "slow-place-"+strconv.Itoa(seconds), "the placing call is answered after so many seconds, webhooks come before; as happy")
}

func failCallOf(prefix, operation, description string) func(Script, int) Script {
	return func(s Script, n int) Script {
		s.Calls = map[string]Place{operation: {Unavailable: n}}
		return renamed(s, prefix+strconv.Itoa(n), description)
	}
}

// answerScripts answer calls about an order in another way than happy.
func answerScripts(life string) []Script {
	happy := lifeHappy(life)
	refuse := renamed(happy, "refuse-place", "the lab refuses the order")
	refuse.Place.Refuse, refuse.Steps = "a test is not offered in this state", nil
	kept := renamed(Script{}, "refuse-cancel", "nothing follows, and the order cannot be cancelled")
	kept.Calls, kept.Book.Unconfirmed = map[string]Place{opCancel: {Refuse: codeNotCancellable}}, true
	unanswered := renamed(Script{}, "unanswered-cancel", "nothing follows; a cancellation is accepted without an answer")
	unanswered.Calls = map[string]Place{opCancel: {DropAnswer: true}}
	scripts := []Script{
		failPlaceOf(happy, 3), refuse, unansweredOf(happy, 0), slowPlaceOf(happy, 3), kept, unanswered,
		failCallOf("fail-results-", opResults, "so many requests for results are answered 503, then as happy")(happy, 3),
	}
	if life != LifeRegistrable {
		return scripts
	}
	refuseRegister := renamed(happy, "refuse-register", "the lab does not register the patient")
	refuseRegister.Calls = map[string]Place{opRegister: {Refuse: codeRegistered}}
	unansweredRegister := renamed(happy, "unanswered-register", "the patient is registered without an answer")
	unansweredRegister.Calls = map[string]Place{opRegister: {DropAnswer: true}}
	return append(scripts, refuseRegister, unansweredRegister,
		failCallOf("fail-register-", opRegister, "so many registrations are answered 503, then as happy")(happy, 3))
}

// sendingScripts send the facts of a life, or not, in another way than happy.
func sendingScripts(collect []Step) []Script {
	silent := named("silent", "accepts the order and does nothing, not even confirm an appointment")
	silent.Book.Unconfirmed = true
	lost := named("webhooks-lost", "no fact is ever sent: GET …/facts tells them",
		allLost(collect, final()))
	lost.Book.Lost = true
	return []Script{
		silent, lost,
		named("silent-after-sample", "nothing after the sample has come",
			collect),
		named("send-twice", "every fact sent twice, the same each time",
			twice(collect, final())),
		named("early-report", "report_ready comes before the results exist",
			collect, []Step{{Kind: KindReport, After: 2 * day}, {Kind: KindResults, After: hours(1)}}),
		named("out-of-order", "report_ready comes before sample_received, each with its true time",
			collect[:len(collect)-1], []Step{
				{Kind: KindHappens, Fact: KindSample, After: day},
				{Kind: KindResults, After: 2 * day}, {Kind: KindReport, After: hours(1)}, {Kind: KindSample, After: hours(1)},
			}),
	}
}

// reportScripts differ in what is reported.
func reportScripts(collect []Step, redraw string) []Script {
	lacking := func(name, description, failure string) Script {
		script := named(name, description, collect, reported(Step{Missing: failure}))
		script.Redraw = redraw
		return script
	}
	again := lacking("missing-lab-fault-again", "as missing-lab-fault, and of the redraw a result is missing too", "internal_lab_failure")
	again.Redraw = ""
	return []Script{
		named("partial", "partial results, then final ones",
			collect, partial(), final()),
		named("partial-twice", "partial results, told twice, then final ones",
			collect, partial(), partial(), final()),
		named("partial-silent", "partial results, then nothing",
			collect, partial()),
		named("abnormal", "the first result is abnormal",
			collect, reported(Step{Interpretation: abnormal})),
		named("critical", "the first result is critical",
			collect, reported(Step{Interpretation: critical})),
		named("critical-partial", "critical already in the partial results",
			collect, reported(Step{Interpretation: critical, Partial: true}), reported(Step{Interpretation: critical})),
		lacking("missing-lab-fault", "a result is missing through the lab's fault; of a redraw nothing is", "internal_lab_failure"),
		again,
		lacking("missing-order-entry", "a result is missing, the order was entered wrong; of a redraw nothing is", "order_entry_failure"),
		named("missing-patient-fault", "a result is missing for another reason",
			collect, reported(Step{Missing: "quantity_not_sufficient_failure"})),
		named("no-results", "a report without results at first, complete four hours later",
			collect, []Step{
				{Kind: KindResults, After: 2 * day, Empty: true}, {Kind: KindReport, After: hours(1)},
				{Kind: KindResults, After: hours(3)}, {Kind: KindReport, After: hours(1)},
			}),
		named("corrected", "results, then a corrected version, announced again",
			collect, final(), final()),
		named("repeated-report", "the same results are announced again",
			collect, final(), []Step{{Kind: KindReport, After: day}}),
	}
}

// rejectionScripts reject the sample.
func rejectionScripts(collect []Step) []Script {
	reject := func(recoverable bool, reason, detail string) []Step {
		return []Step{{Kind: KindSampleRejected, After: hours(4), Details: Details{Recoverable: &recoverable, Reason: reason, Detail: detail}}}
	}
	blocked := reject(true, reasonRecoverable, "")
	return []Script{
		named("sample-error", "the sample is rejected for good",
			collect, reject(false, reasonFinal, "sample_quantity_not_sufficient")),
		named("sample-error-in-words", "the sample is rejected for good, only the reason's words say why",
			collect, reject(false, "Sample hemolyzed.", "")),
		named("reject-recoverable", "rejected, back in production, results",
			collect, blocked, []Step{{Kind: KindSample, After: 2 * day}}, final()),
		named("reject-recoverable-corrected", "rejected; back in production once the patient has been corrected",
			collect, blocked, []Step{{Kind: KindSample, Awaits: AwaitCorrected, After: hours(4)}}, final()),
		named("reject-recoverable-silent", "rejected as recoverable, then nothing",
			collect, blocked),
		named("reject-twice-final", "rejected as recoverable, then for good",
			collect, blocked, reject(false, reasonFinal, "")),
	}
}

// final is the time in the lab and the announcement of final results.
func final() []Step { return reported(Step{}) }

func partial() []Step { return reported(Step{Partial: true}) }

func reported(results Step) []Step {
	results.Kind, results.After = KindResults, hours(47)
	return []Step{results, {Kind: KindReport, After: hours(1)}}
}

// allLost makes the facts of the steps without sending them. A courier whom nobody has told of a kit has nothing to say.
func allLost(parts ...[]Step) []Step {
	steps := slices.DeleteFunc(slices.Concat(parts...), func(s Step) bool { return s.Kind == KindCourier })
	for i := range steps {
		steps[i].Lost = true
	}
	return steps
}
