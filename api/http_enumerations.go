package api

import (
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
	"github.com/aliquot-labs/aliquot/webhooks"
)

// LowStatusFilter is a query parameter: a low-level status of client-api#17-enums.
type LowStatusFilter string

// Schema returns the enumeration of all low-level statuses.
func (LowStatusFilter) Schema(huma.Registry) *huma.Schema {
	var names []string
	for _, s := range lifecycle.Statuses() {
		if name := string(s.Low()); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return newEnumeration(names)
}

// AttentionFilter is a query parameter: the reason of an attention mark, or any.
type AttentionFilter string

// Schema returns the enumeration of all reasons, and any.
func (AttentionFilter) Schema(huma.Registry) *huma.Schema {
	return newEnumeration(append([]string{store.AnyAttention},
		convertAll(order.AllAttentionReasons(), toText)...))
}

// EventTypeFilter is a query parameter: the type of a webhook message.
type EventTypeFilter string

// Schema returns the enumeration of all event types.
func (EventTypeFilter) Schema(huma.Registry) *huma.Schema {
	return newEnumeration(webhooks.EventTypes())
}

// toText returns the text of a value of an enumeration.
func toText[T ~string](v T) string { return string(v) }

// newEnumeration returns the schema of a text that is one of names.
func newEnumeration(names []string) *huma.Schema {
	schema := &huma.Schema{Type: huma.TypeString}
	for _, name := range names {
		schema.Enum = append(schema.Enum, name)
	}
	schema.PrecomputeMessages()
	return schema
}
