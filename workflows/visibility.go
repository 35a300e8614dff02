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
	workflow.SetCurrentDetails(ctx, detailsText(r.agenda, r.strays))
	var updates []temporal.SearchAttributeUpdate
	first := r.published.status == "" // a run that continues another one has the attributes of that run
	if first {
		updates = append(updates, dispatch.AttrMethod.ValueSet(string(r.agenda.Modality)),
			dispatch.AttrTeam.ValueSet(r.agenda.TeamID))
	}
	if status := string(r.agenda.FullStatus); status != r.published.status {
		r.published.status = status
		updates = append(updates, dispatch.AttrStatus.ValueSet(status))
	}
	if attention := r.agenda.MarkReasons(); first || !slices.Equal(attention, r.published.attention) {
		r.published.attention = attention
		updates = append(updates, dispatch.AttrAttention.ValueSet(attention))
	}
	if len(updates) == 0 {
		return nil
	}
	return workflow.UpsertTypedSearchAttributes(ctx, updates...)
}

// detailsText returns the current details of the order for the Temporal UI, in Markdown.
func detailsText(a order.Agenda, strays int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "**%s** (event %d)", a.FullStatus, a.Sequence)
	if a.Detail != "" {
		fmt.Fprintf(&b, ", %s", a.Detail)
	}
	fmt.Fprintf(&b, "\n\nLab order number %s", a.Number)
	if a.Accession != "" {
		fmt.Fprintf(&b, ", accession number %s", a.Accession)
	}
	for _, m := range a.Attention {
		fmt.Fprintf(&b, "\n- attention: %s, since %s", m.Reason, m.Since.Format(time.RFC3339))
	}
	for _, f := range a.Parked {
		fmt.Fprintf(&b, "\n- parked: %s, received %s", f.Kind, f.ReceivedAt.Format(time.RFC3339))
	}
	for _, dl := range a.Deadlines {
		fmt.Fprintf(&b, "\n- next: %s at %s", dl.Name, dl.Due.Format(time.RFC3339))
	}
	if f := a.Fetch; f != nil {
		fmt.Fprintf(&b, "\n- results: attempt %d at %s", f.Attempts+1, f.Due.Format(time.RFC3339))
	}
	if strays > 0 {
		fmt.Fprintf(&b, "\n- dropped: %d signals without a meaning, or that name nothing of this order", strays)
	}
	return b.String()
}
