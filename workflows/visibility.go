package workflows

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/order"
)

// publishedAttributes has the last values of the run's search attributes.
type publishedAttributes struct {
	status    string
	attention []string
}

// publishVisibility updates the search attributes and the current details in the Temporal UI. It writes only what has
// changed, because every upsert is a history event and a write to the visibility store.
func (r *orderRun) publishVisibility(ctx workflow.Context) error {
	workflow.SetCurrentDetails(ctx, detailsText(r.state))
	var updates []temporal.SearchAttributeUpdate
	if r.published.status == "" {
		updates = append(updates, dispatch.AttrMethod.ValueSet(string(r.state.Modality)),
			dispatch.AttrTeam.ValueSet(r.state.TeamID))
	}
	if status := string(r.state.FullStatus()); status != r.published.status {
		r.published.status = status
		updates = append(updates, dispatch.AttrStatus.ValueSet(status))
	}
	if attention := r.state.MarkReasons(); !slices.Equal(attention, r.published.attention) {
		r.published.attention = attention
		updates = append(updates, dispatch.AttrAttention.ValueSet(attention))
	}
	if len(updates) == 0 {
		return nil
	}
	return workflow.UpsertTypedSearchAttributes(ctx, updates...)
}

// detailsText returns the current details of the order for the Temporal UI, in Markdown.
func detailsText(s order.State) string {
	var b strings.Builder
	fmt.Fprintf(&b, "**%s** (event %d)", s.FullStatus(), s.Sequence)
	if s.Detail != "" {
		fmt.Fprintf(&b, ", %s", s.Detail)
	}
	fmt.Fprintf(&b, "\n\nLab order number %s", s.Number)
	if s.Accession != "" {
		fmt.Fprintf(&b, ", accession number %s", s.Accession)
	}
	for _, a := range s.Attention {
		fmt.Fprintf(&b, "\n- attention: %s, since %s", a.Reason, a.Since.Format(time.RFC3339))
	}
	for _, f := range s.ParkedFacts {
		fmt.Fprintf(&b, "\n- parked: %s, received %s", f.Kind, f.ReceivedAt.Format(time.RFC3339))
	}
	for _, dl := range s.Deadlines {
		fmt.Fprintf(&b, "\n- next: %s at %s", dl.Name, dl.Due.Format(time.RFC3339))
	}
	if due, ok := s.NextFetch(); ok {
		fmt.Fprintf(&b, "\n- results: attempt %d at %s", s.Fetch.Attempts+1, due.Format(time.RFC3339))
	}
	return b.String()
}
