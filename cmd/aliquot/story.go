package main

import (
	"cmp"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/aliquot-labs/aliquot/api"
)

func newOrderStory(r *remote) *cobra.Command {
	return &cobra.Command{
		Use:   "story ID",
		Short: "Tell everything that happened to an order, and what comes next",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return call(cmd, r, http.MethodGet, "/ops/orders/"+args[0]+"/story", nil, showStory)
		},
	}
}

// line is one thing that happened.
type line struct {
	at         time.Time
	kind, what string
}

func showStory(w io.Writer, s api.OpsStory) {
	row(w, "order", s.OrderID)
	row(w, "status", s.Status)
	row(w, "at the lab", fmt.Sprintf("%s, the lab's number: %s", s.Number, first(s.Accession, "not told yet")))
	row(w, "attention", first(reasons(s.Attention), "none"))
	row(w)
	for _, l := range storyLines(s) {
		row(w, l.at.Local().Format("2006-01-02 15:04:05.000"), l.kind, l.what)
	}
	for _, d := range s.Deadlines {
		row(w, clock(d.Due), "deadline", d.Name)
	}
}

// storyLines are all kinds of things in the order in which they happened.
func storyLines(s api.OpsStory) []line {
	lines := []line{}
	add := func(at time.Time, kind, format string, args ...any) {
		lines = append(lines, line{at, kind, fmt.Sprintf(format, args...)})
	}
	for _, e := range s.Events {
		add(e.RecordedAt, "event", "%d %s%s", e.Sequence, e.Status, when(e.Implied, ", implied"))
	}
	for _, f := range s.Facts {
		add(f.ReceivedAt, "fact", "%s from %s: %s%s", f.Kind, f.Partner, f.State, detail(f.Code))
	}
	for _, d := range s.Demands {
		add(d.CreatedAt, "demand", "%s by %s: %s%s", d.Kind, d.By, d.State, detail(string(d.Reason)))
	}
	for _, a := range s.Appointments {
		for _, e := range a.Events {
			add(e.At, "appointment", "%s at %s, by %s%s", e.Status, a.Provider, e.Origin, when(e.Reschedule, ", moved"))
		}
	}
	for _, d := range s.Decisions {
		if d.To == "" {
			add(d.At, "decision", "%s: %s%s", d.Cause, d.Outcome, detail(string(d.Reason)))
		}
	}
	for _, c := range s.Calls {
		add(c.StartedAt, "call", "%s, attempt %d: %s", c.Kind, c.Attempt, first(c.Outcome, "under way"))
	}
	for _, d := range s.Deliveries {
		for _, a := range d.Attempts {
			add(a.At, "webhook", "%s of event %d to endpoint %s: %s after %d ms", d.EventType, d.Sequence, d.EndpointID,
				first(a.Failure, fmt.Sprintf("answered %d", a.StatusCode)), a.DurationMS)
		}
	}
	for _, a := range s.Audit {
		add(a.At, "audit", "%s by key %s%s", a.Action, a.KeyID, detail(a.Detail))
	}
	slices.SortStableFunc(lines, func(a, b line) int { return cmp.Compare(a.at.UnixMicro(), b.at.UnixMicro()) })
	return lines
}

func when(condition bool, text string) string {
	if condition {
		return text
	}
	return ""
}

func detail(text string) string {
	return when(text != "", " ("+text+")")
}
