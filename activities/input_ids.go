package activities

import (
	"slices"

	"go.temporal.io/sdk/temporal"

	"github.com/aliquot-labs/aliquot/internal/dispatch"
	"github.com/aliquot-labs/aliquot/order"
)

// Inputs come from our workflows, whose ids the API and the store have made, and from whoever starts a workflow or
// sends a signal by hand. The store never sees a text that is no id.

// checkOrderID returns the final error of an unknown order for a text that is no id. No order has it: the id of a
// workflow is made of the order's id in the form in which the store has it.
func checkOrderID(doing, orderID string) error {
	if order.IsID(orderID) {
		return nil
	}
	return temporal.NewNonRetryableApplicationError(doing+": unknown order", dispatch.ErrorUnknownOrder, nil)
}

// checkPage returns a final error for the id after which a page begins, unless it is one, or empty for the first page.
func checkPage(doing, after string) error {
	if after == "" || order.IsID(after) {
		return nil
	}
	return temporal.NewNonRetryableApplicationError(doing+": the page does not begin after an id", dispatch.ErrorFault,
		nil)
}

// withoutNonIDs returns the ids of a list, and how many other texts it has, each counted once.
func withoutNonIDs(texts []string) (ids []string, others int) {
	distinct := slices.Compact(slices.Sorted(slices.Values(texts)))
	ids = slices.DeleteFunc(slices.Clone(distinct), func(text string) bool { return !order.IsID(text) })
	return ids, len(distinct) - len(ids)
}
