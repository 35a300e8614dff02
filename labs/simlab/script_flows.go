package simlab

import (
	"slices"
	"strconv"
	"time"
)

// flowScripts returns the named scripts of a flow of the neutral protocol, "happy" first. Of names that differ only in
// a number at the end, it returns one.
func flowScripts(flow string) []Script {
	collect := collectionSteps(flow)
	scripts := []Script{happyFlowScript(flow)}
	scripts = append(scripts, answerScripts(flow)...)
	scripts = append(scripts, deliveryFaultScripts(collect)...)
	scripts = append(scripts, reportScripts(collect, redrawScriptName(flow))...)
	scripts = append(scripts, rejectionScripts(collect)...)
	switch flow {
	case FlowTestkit:
		return slices.Concat(scripts, flowCourierScripts(collect), transitScripts())
	case FlowRegistrable:
		return slices.Concat(scripts, registrableScripts())
	case FlowWalkIn:
		return slices.Concat(scripts, walkInScripts(), providerScripts(flow), bookingScripts(flow))
	case FlowPhlebotomy:
		return slices.Concat(scripts, phlebotomyScripts(), providerScripts(flow), bookingScripts(flow))
	}
	return scripts
}

// flowScript returns the script with this name in a flow.
func flowScript(flow, name string) (Script, bool) {
	if !slices.Contains(flows(), flow) {
		return Script{}, false
	}
	for prefix, make := range numberedScripts {
		if number, ok := numberInName(name, prefix.name, prefix.limit); ok &&
			(prefix.booking == "" || hasAppointments(flow)) {
			return make(happyFlowScript(flow), number), true
		}
	}
	scripts := flowScripts(flow)
	i := slices.IndexFunc(scripts, func(s Script) bool { return s.Name == name })
	if i < 0 {
		return Script{}, false
	}
	return scripts[i], true
}

// hasAppointments reports whether orders of the flow have appointments.
func hasAppointments(flow string) bool { return flow == FlowWalkIn || flow == FlowPhlebotomy }

type numberedScript struct {
	name    string
	limit   int
	booking string // set: for flows with appointments only
}

const maxHoldSeconds = int(maxHold / time.Second)

// numberedScripts holds the scripts whose names end in a number. They are made from the flow's "happy".
var numberedScripts = map[numberedScript]func(Script, int) Script{
	{name: "fail-place-", limit: maxUnavailable}:           withFailedPlacement,
	{name: "timeout-after-accept-", limit: maxHoldSeconds}: withUnansweredPlacement,
	{name: "slow-place-", limit: maxHoldSeconds}:           withSlowPlacement,
	{name: "fail-register-", limit: maxUnavailable}:        withFailedRegistration,
	{name: "fail-results-", limit: maxUnavailable}:         withFailedResults,
	{name: "fail-book-", limit: maxUnavailable, booking: "book"}: func(s Script, n int) Script {
		s.Book.Unavailable = n
		return withName(s, "fail-book-"+strconv.Itoa(n), "the first bookings (the number) are answered 503, then as happy")
	},
	{name: "slow-book-", limit: maxHoldSeconds, booking: "book"}: func(s Script, n int) Script {
		s.Book.HoldOpen = Duration(time.Duration(n) * time.Second)
		return withName(s, "slow-book-"+strconv.Itoa(n), "bookings are answered after that number of seconds, then as happy")
	},
}

func withName(s Script, name, description string) Script {
	s.Name, s.Description = name, description
	return s
}

func withFailedPlacement(s Script, n int) Script {
	s.Place.Unavailable = n
	return withName(s, "fail-place-"+strconv.Itoa(n),
		"the first placing calls (the number) are answered 503, then as happy")
}

func withUnansweredPlacement(s Script, seconds int) Script {
	s.Place.DropAnswer, s.Place.HoldOpen = true, Duration(time.Duration(seconds)*time.Second)
	name := "timeout-after-accept"
	if seconds > 0 {
		name += "-" + strconv.Itoa(seconds)
	}
	return withName(s, name,
		"accepted, but the connection is closed without an answer (with a number: after that number of seconds); "+
			"otherwise as happy")
}

func withSlowPlacement(s Script, seconds int) Script {
	s.Place.HoldOpen = Duration(time.Duration(seconds) * time.Second)
	return withName(s, "slow-place-"+strconv.Itoa(seconds),
		"the placing call is answered after that number of seconds, webhooks are sent before; otherwise as happy")
}

func withFailedRegistration(s Script, n int) Script {
	return withFailedCall(s, n, "fail-register-", opRegister,
		"the first registrations (the number) are answered 503, then as happy")
}

func withFailedResults(s Script, n int) Script {
	return withFailedCall(s, n, "fail-results-", opResults,
		"the first calls for results (the number) are answered 503, then as happy")
}

func withFailedCall(s Script, n int, prefix, operation, description string) Script {
	s.Calls = map[string]CallBehaviour{operation: {Unavailable: n}}
	return withName(s, prefix+strconv.Itoa(n), description)
}

// answerScripts are the scripts that answer calls about an order in another way than happy.
func answerScripts(flow string) []Script {
	happy := happyFlowScript(flow)
	refuse := withName(happy, "refuse-place", "the lab refuses the order")
	refuse.Place.RefuseWith, refuse.Steps = "a test is not offered in this state", nil
	uncancellable := withName(Script{}, "refuse-cancel", "nothing follows, and the order cannot be cancelled")
	uncancellable.Calls = map[string]CallBehaviour{opCancel: {RefuseWith: codeNotCancellable}}
	uncancellable.Book.NeverConfirmed = true
	unanswered := withName(Script{}, "unanswered-cancel", "nothing follows; a cancellation is accepted without an answer")
	unanswered.Calls = map[string]CallBehaviour{opCancel: {DropAnswer: true}}
	scripts := []Script{
		withFailedPlacement(happy, 3), refuse, withUnansweredPlacement(happy, 0), withSlowPlacement(happy, 3), uncancellable,
		unanswered,
		withFailedResults(happy, 3),
	}
	if flow != FlowRegistrable {
		return scripts
	}
	refuseRegister := withName(happy, "refuse-register", "the lab does not register the patient")
	refuseRegister.Calls = map[string]CallBehaviour{opRegister: {RefuseWith: codeAlreadyRegistered}}
	unansweredRegister := withName(happy, "unanswered-register", "the patient is registered without an answer")
	unansweredRegister.Calls = map[string]CallBehaviour{opRegister: {DropAnswer: true}}
	return append(scripts, refuseRegister, unansweredRegister,
		withFailedRegistration(happy, 3))
}

// deliveryFaultScripts are the scripts that send facts twice, late, in another sequence or not at all.
func deliveryFaultScripts(collect []Step) []Script {
	silent := newScript("silent", "accepts the order and does nothing; appointments are not confirmed either")
	silent.Book.NeverConfirmed = true
	lost := newScript("webhooks-lost", "no fact is ever sent; GET …/facts has them",
		withFactsUnsent(collect, finalResultSteps()))
	lost.Book.ConfirmationUnsent = true
	return []Script{
		silent, lost,
		newScript("silent-after-sample", "nothing after sample_received",
			collect),
		newScript("send-twice", "every fact sent twice, the same each time",
			sendTwice(collect, finalResultSteps())),
		newScript("early-report", "report_ready comes before the results exist",
			collect, []Step{{Kind: KindReport, After: 2 * day}, {Kind: KindResults, After: hours(1)}}),
		newScript("out-of-order", "report_ready comes before sample_received, each with its true time",
			collect[:len(collect)-1], []Step{
				{Kind: KindHappens, Fact: KindSample, After: day},
				{Kind: KindResults, After: 2 * day}, {Kind: KindReport, After: hours(1)}, {Kind: KindSample, After: hours(1)},
			}),
	}
}

// reportScripts are the scripts with other lab reports.
func reportScripts(collect []Step, redraw string) []Script {
	lacking := func(name, description, failure string) Script {
		script := newScript(name, description, collect, announceResultSteps(Step{Missing: failure}))
		script.Redraw = redraw
		return script
	}
	again := lacking("missing-lab-fault-again", "as missing-lab-fault, and the redraw misses a result too",
		"internal_lab_failure")
	again.Redraw = ""
	return []Script{
		newScript("partial", "partial results, then final ones",
			collect, partialResultSteps(), finalResultSteps()),
		newScript("partial-twice", "partial results, announced twice, then final ones",
			collect, partialResultSteps(), partialResultSteps(), finalResultSteps()),
		newScript("partial-silent", "partial results, then nothing",
			collect, partialResultSteps()),
		newScript("abnormal", "the first result is abnormal",
			collect, announceResultSteps(Step{Interpretation: abnormal})),
		newScript("critical", "the first result is critical",
			collect, announceResultSteps(Step{Interpretation: critical})),
		newScript("critical-partial", "critical already in the partial results",
			collect, announceResultSteps(Step{Interpretation: critical, Partial: true}),
			announceResultSteps(Step{Interpretation: critical})),
		lacking("missing-lab-fault", "a result is missing by the lab's fault; a redraw is complete",
			"internal_lab_failure"),
		again,
		lacking("missing-order-entry", "a result is missing because the order was entered wrong; a redraw is complete",
			"order_entry_failure"),
		newScript("missing-patient-fault", "a result is missing for another reason",
			collect, announceResultSteps(Step{Missing: "quantity_not_sufficient_failure"})),
		newScript("no-results", "a lab report without results, complete four hours later",
			collect, []Step{
				{Kind: KindResults, After: 2 * day, Empty: true}, {Kind: KindReport, After: hours(1)},
				{Kind: KindResults, After: hours(3)}, {Kind: KindReport, After: hours(1)},
			}),
		newScript("corrected", "results, then a corrected version, announced again",
			collect, finalResultSteps(), finalResultSteps()),
		newScript("repeated-report", "the same results are announced again",
			collect, finalResultSteps(), []Step{{Kind: KindReport, After: day}}),
	}
}

// rejectionScripts are the scripts in which the lab rejects the sample.
func rejectionScripts(collect []Step) []Script {
	reject := func(recoverable bool, reason, detail string) []Step {
		return []Step{{Kind: KindSampleRejected, After: hours(4),
			Details: Details{Recoverable: &recoverable, Reason: reason, Detail: detail}}}
	}
	blocked := reject(true, reasonRecoverable, "")
	return []Script{
		newScript("sample-error", "the sample is rejected as not recoverable",
			collect, reject(false, reasonNotRecoverable, "sample_quantity_not_sufficient")),
		newScript("sample-error-in-words", "the sample is rejected as not recoverable; only the words of the reason say why",
			collect, reject(false, "Sample hemolyzed.", "")),
		newScript("reject-recoverable", "rejected as recoverable, received again, then results",
			collect, blocked, []Step{{Kind: KindSample, After: 2 * day}}, finalResultSteps()),
		newScript("reject-recoverable-corrected",
			"rejected as recoverable; received again after the patient has been corrected",
			collect, blocked, []Step{{Kind: KindSample, Awaits: AwaitCorrected, After: hours(4)}}, finalResultSteps()),
		newScript("reject-recoverable-silent", "rejected as recoverable, then nothing",
			collect, blocked),
		newScript("reject-twice-final", "rejected as recoverable, then as not recoverable",
			collect, blocked, reject(false, reasonNotRecoverable, "")),
	}
}

// finalResultSteps returns the steps of the analysis and of the announcement of final results.
func finalResultSteps() []Step { return announceResultSteps(Step{}) }

func partialResultSteps() []Step { return announceResultSteps(Step{Partial: true}) }

func announceResultSteps(results Step) []Step {
	results.Kind, results.After = KindResults, hours(47)
	return []Step{results, {Kind: KindReport, After: hours(1)}}
}

// withFactsUnsent returns the steps without sending their facts. Courier steps are left out, because no tracker is
// requested for a kit that was not reported.
func withFactsUnsent(parts ...[]Step) []Step {
	steps := slices.DeleteFunc(slices.Concat(parts...), func(s Step) bool { return s.Kind == KindCourier })
	for i := range steps {
		steps[i].Unsent = true
	}
	return steps
}
