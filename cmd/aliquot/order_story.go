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

func newOrderStory(r *remoteFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "story ID",
		Short: "Show everything that happened to an order, and its next deadlines",
		Args:  cobra.MatchAll(cobra.ExactArgs(1), parseIDArgument),
		RunE: func(cmd *cobra.Command, args []string) error {
			return callAPI(cmd, r, http.MethodGet, "/ops/orders/"+args[0]+"/story", nil, printStory)
		},
	}
}

// storyLine is one entry of a story.
type storyLine struct {
	at         time.Time
	kind, text string
}

func printStory(w io.Writer, s api.OpsStory) {
	writeRow(w, "order", s.OrderID)
	writeRow(w, "status", s.Status)
	writeRow(w, "at the lab", fmt.Sprintf("%s, the lab's number: %s", s.Number,
		firstNonEmpty(s.Accession, "unknown")))
	writeRow(w, "attention", firstNonEmpty(attentionReasons(s.Attention), "none"))
	writeRow(w)
	for _, l := range storyLines(s) {
		writeRow(w, l.at.Local().Format("2006-01-02 15:04:05.000"), l.kind, l.text)
	}
	for _, d := range s.Deadlines {
		writeRow(w, formatTime(d.Due), "deadline", d.Name)
	}
}

// storyLines returns all entries of a story in the sequence in which they happened.
func storyLines(s api.OpsStory) []storyLine {
	lines := []storyLine{}
	add := func(at time.Time, kind, format string, args ...any) {
		lines = append(lines, storyLine{at, kind, fmt.Sprintf(format, args...)})
	}
	for _, e := range s.Events {
		add(e.RecordedAt, "event", "%d %s%s", e.Sequence, e.Status, textIf(e.Implied, ", implied"))
	}
	for _, f := range s.InboxItems {
		add(f.ReceivedAt, "fact", "%s from %s: %s%s", f.Kind, f.Partner, f.State, inParentheses(f.ReasonCode))
	}
	for _, d := range s.Demands {
		add(d.CreatedAt, "demand", "%s by %s: %s%s", d.Kind, d.By, d.State, inParentheses(string(d.Reason)))
	}
	for _, a := range s.Appointments {
		for _, e := range a.Events {
			add(e.At, "appointment", "%s at %s, by %s%s", e.Status, a.Provider, e.Origin, textIf(e.Reschedule, ", moved"))
		}
	}
	for _, d := range s.Decisions {
		if d.To == "" {
			add(d.At, "decision", "%s: %s%s", d.Cause, d.Outcome, inParentheses(string(d.Reason)))
		}
	}
	for _, c := range s.Calls {
		add(c.StartedAt, "call", "%s, attempt %d: %s", c.Kind, c.Attempt, firstNonEmpty(c.Outcome, "under way"))
	}
	for _, d := range s.Deliveries {
		for _, a := range d.Attempts {
			add(a.At, "webhook", "%s of event %d to endpoint %s: %s after %d ms", d.EventType, d.Sequence, d.EndpointID,
				firstNonEmpty(a.Failure, fmt.Sprintf("answered %d", a.StatusCode)), a.DurationMS)
		}
	}
	for _, a := range s.Audit {
		add(a.At, "audit", "%s by key %s%s", a.Action, a.KeyID, inParentheses(a.Detail))
	}
	slices.SortStableFunc(lines, func(a, b storyLine) int { return cmp.Compare(a.at.UnixMicro(), b.at.UnixMicro()) })
	return lines
}

func textIf(condition bool, text string) string {
	if condition {
		return text
	}
	return ""
}

func inParentheses(text string) string {
	return textIf(text != "", " ("+text+")")
}
