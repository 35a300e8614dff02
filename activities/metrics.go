package activities

import (
	"errors"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
	"github.com/aliquot-labs/aliquot/webhooks"
)

// Metrics are the counters of a worker. Labels are codes from fixed sets, never ids or data of a patient.
type Metrics struct {
	transitions     *prometheus.CounterVec
	decisions       *prometheus.CounterVec
	attention       *prometheus.CounterVec
	partnerCalls    *prometheus.CounterVec
	callsNotMade    *prometheus.CounterVec
	attempts        *prometheus.CounterVec
	attemptDuration prometheus.Histogram
	deliveryLag     prometheus.Histogram
	inboxLag        prometheus.Histogram
	exhausted       prometheus.Counter
	droppedAttempts prometheus.Counter
	leases          *prometheus.CounterVec
	disabled        *prometheus.CounterVec
	auditTampered   prometheus.Gauge
	lastSweep       prometheus.Gauge
	healings        *prometheus.CounterVec
	unknownSignals  prometheus.Counter
	sweepFailures   *prometheus.CounterVec
}

// NewMetrics registers the worker's metrics.
func NewMetrics(r prometheus.Registerer) *Metrics {
	f := promauto.With(r)
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return f.NewCounterVec(prometheus.CounterOpts{Namespace: "aliquot", Name: name, Help: help}, labels)
	}
	m := &Metrics{
		transitions: counter("order_transitions_total", "Events recorded, by the status entered.", "status"),
		decisions: counter("order_decisions_total", "Causes recorded, by kind and what became of them.", "cause",
			"outcome"),
		attention:    counter("order_attention_total", "Attention marks raised, by reason.", "reason"),
		partnerCalls: counter("partner_calls_total", "Calls to labs and couriers, by kind and outcome.", "kind", "outcome"),
		callsNotMade: counter("partner_calls_not_made_total",
			"Calls to labs and couriers that were asked for and not made, by kind and reason.", "kind", "reason"),
		attempts: counter("delivery_attempts_total", "Attempts to deliver a webhook, by failure; empty means delivered.",
			"failure"),
		attemptDuration: f.NewHistogram(prometheus.HistogramOpts{
			Namespace: "aliquot", Name: "delivery_attempt_seconds", Help: "Duration of delivery attempts.",
			Buckets: []float64{.01, .05, .1, .5, 1, 5, 15},
		}),
		deliveryLag: f.NewHistogram(prometheus.HistogramOpts{
			Namespace: "aliquot", Name: "delivery_lag_seconds", Help: "How long after it was due a delivery attempt began.",
			Buckets: []float64{.01, .05, .1, .5, 1, 5, 30, 300, 3600},
		}),
		inboxLag: f.NewHistogram(prometheus.HistogramOpts{
			Namespace: "aliquot", Name: "inbox_lag_seconds",
			Help: "How long after its receipt a decision on a partner's report was recorded; " +
				"one that was parked counts again.",
			Buckets: []float64{.01, .05, .1, .5, 1, 5, 30, 300, 3600},
		}),
		exhausted: f.NewCounter(prometheus.CounterOpts{
			Namespace: "aliquot", Name: "deliveries_exhausted_total", Help: "Messages that were given up for an endpoint.",
		}),
		droppedAttempts: f.NewCounter(prometheus.CounterOpts{
			Namespace: "aliquot", Name: "delivery_attempts_dropped_total",
			Help: "Attempts left out because another batch had recorded the same attempt.",
		}),
		leases: counter("delivery_leases_total",
			"Batches that waited for the lease of their endpoint, or lost it to another batch.", "outcome"),
		disabled: counter("endpoints_disabled_total", "Endpoints that were disabled because of their answers, by reason.",
			"reason"),
		auditTampered: f.NewGauge(prometheus.GaugeOpts{
			Namespace: "aliquot", Name: "audit_tampered",
			Help: "1 when the end of the audit's chain is not what was sealed last.",
		}),
		lastSweep: f.NewGauge(prometheus.GaugeOpts{
			Namespace: "aliquot", Name: "reconciler_last_success_timestamp_seconds",
			Help: "When a sweep of the reconciler last succeeded in every step on this worker; 0: never since it started.",
		}),
		unknownSignals: f.NewCounter(prometheus.CounterOpts{
			Namespace: "aliquot", Name: "order_unknown_signals_total",
			Help: "Signals to orders that have no meaning, or that name an inbox item which the order does not have.",
		}),
		healings:      counter("reconciler_healed_total", "What the reconciler had to heal; zero without faults.", "kind"),
		sweepFailures: counter("sweep_step_failures_total", "Steps of the reconciler's sweeps that failed, by step.", "step"),
	}
	m.countHealed(dispatch.SweepResult{}) // start at zero, so that alerts find the series
	for _, step := range allSweepSteps() {
		m.sweepFailures.WithLabelValues(string(step))
	}
	m.callsNotMade.WithLabelValues("place", "turn")
	for _, reason := range order.AllAttentionReasons() {
		m.attention.WithLabelValues(string(reason))
	}
	for _, outcome := range []string{"waited", "lost"} {
		m.leases.WithLabelValues(outcome)
	}
	for _, reason := range []string{store.DisabledReasonGone, store.DisabledReasonFailing} {
		m.disabled.WithLabelValues(reason)
	}
	for _, outcome := range []order.Outcome{order.OutcomeApplied, order.OutcomeLate, order.OutcomeParked,
		order.OutcomeRefused} {
		m.decisions.WithLabelValues("inbox", string(outcome))
	}
	return m
}

func (m *Metrics) countRecording(rec order.Recording) {
	next := rec.Decision.Next
	for _, s := range rec.Decision.Steps {
		if full, ok := lifecycle.FullStatus(next.Modality, s.To); ok {
			m.transitions.WithLabelValues(string(full)).Inc()
		}
	}
	m.decisions.WithLabelValues(order.KindOfCause(rec.Cause), string(rec.Decision.Outcome)).Inc()
	if f := rec.Fact; f != nil && !f.ReceivedAt.IsZero() {
		m.inboxLag.Observe(max(rec.At.Sub(f.ReceivedAt), 0).Seconds())
	}
	for _, a := range next.Attention {
		if a.Since.Equal(rec.At) {
			m.attention.WithLabelValues(string(a.Reason)).Inc()
		}
	}
}

// countCall counts a partner's answer. The partner's own code is no label, because the number of codes is not bounded.
func (m *Metrics) countCall(kind string, err error) {
	outcome, _, _ := strings.Cut(callOutcome(err), ":")
	m.partnerCalls.WithLabelValues(kind, outcome).Inc()
}

// countNotMade counts a call that was not made.
func (m *Metrics) countNotMade(kind string, why error) {
	reason := "fault"
	if back, ok := errors.AsType[*comeBackError](why); ok {
		reason = back.reason
	}
	switch {
	case errors.Is(why, errTurnNotNear):
		reason = "skipped"
	case errors.Is(why, errAccountRefused):
		reason = "account_refused"
	case errors.Is(why, errStaleCall):
		reason = "stale"
	case errors.Is(why, errNoCallLeft):
		reason = "none_left"
	}
	m.callsNotMade.WithLabelValues(kind, reason).Inc()
}

func (m *Metrics) countAttempt(o webhooks.AttemptOutcome, lag time.Duration) {
	m.deliveryLag.Observe(max(lag, 0).Seconds())
	m.attempts.WithLabelValues(string(o.Failure)).Inc()
	m.attemptDuration.Observe(o.Duration.Seconds())
}

// setAuditTampered sets whether the end of the audit's chain differs from the end that was signed last.
func (m *Metrics) setAuditTampered(broken bool) {
	m.auditTampered.Set(0)
	if broken {
		m.auditTampered.Set(1)
	}
}

func (m *Metrics) countHealed(r dispatch.SweepResult) {
	m.healings.WithLabelValues("order").Add(float64(r.OrdersStarted))
	m.healings.WithLabelValues("endpoint").Add(float64(r.EndpointsNudged))
	m.healings.WithLabelValues("unsettled").Add(float64(r.OrdersWoken))
	m.healings.WithLabelValues("behind").Add(float64(r.OrdersBehind))
	m.healings.WithLabelValues("count").Add(float64(r.CountsCorrected))
	m.healings.WithLabelValues("silence").Add(float64(r.FactsPolled))
}

// countSweepStepFailure counts a step of a sweep that failed.
func (m *Metrics) countSweepStepFailure(step sweepStep) {
	m.sweepFailures.WithLabelValues(string(step)).Inc()
}

// setLastSweep sets when a sweep was started that succeeded in every step.
func (m *Metrics) setLastSweep(now time.Time) { m.lastSweep.Set(float64(now.Unix())) }
