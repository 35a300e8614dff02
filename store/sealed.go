package store

import "strings"

// sealedTable is a table with sealed columns: what rotation goes over, and what the erasure of an order empties. A test compares
// the list with the schema, so that no sealed column is forgotten.
type sealedTable struct {
	name     string
	key      []string // the columns of its primary key
	between  string   // what stands between their values in a sealed value's place
	bound    string   // the column that stands there instead of them, if any
	columns  []string // sealed, may be NULL
	required []string // sealed, NOT NULL
	// ofOrder is the condition for the rows that belong to the order $1. Empty: what is sealed there is no order's.
	ofOrder string
	// own is for those alone: whose it is.
	own string
}

const (
	ofTeam = "a team's own, to do with no patient"
	ofUser = "a user's, erased with the user"
)

var sealedTables = []sealedTable{
	{
		name: "orders", key: []string{"id"}, ofOrder: "id = $1",
		columns: []string{"patient", "address", "shipping", "physician", "clinical", "results"},
	},
	{name: "shipments", key: []string{"order_id"}, bound: "id", ofOrder: "order_id = $1", columns: []string{"notes"}},
	{name: "inbox", key: []string{"id"}, ofOrder: "order_id = $1", columns: []string{"headers", "body", "reason"}},
	{name: "demands", key: []string{"id"}, ofOrder: "order_id = $1", columns: []string{"body"}},
	{name: "calls", key: []string{"id"}, ofOrder: "order_id = $1", columns: []string{"answer"}},
	{name: "results", key: []string{"id"}, ofOrder: "order_id = $1", required: []string{"report"}, columns: []string{"raw", "pdf"}},
	{name: "messages", key: []string{"id"}, ofOrder: "order_id = $1", required: []string{"body"}},
	{
		name: "attempts", key: []string{"message_id", "endpoint_id", "round", "number"}, between: " ", columns: []string{"excerpt"},
		ofOrder: "message_id IN (SELECT id FROM messages WHERE order_id = $1)",
	},
	{
		name: "idempotency", key: []string{"team_id", "route", "key_hash"}, between: " ", columns: []string{"answer"},
		ofOrder: "order_id = $1",
	},
	{name: "appointments", key: []string{"id"}, ofOrder: "order_id = $1", columns: []string{"notes", "place"}},
	{
		name: "appointment_places", key: []string{"order_id", "reference"}, between: "/", required: []string{"place"},
		ofOrder: "order_id = $1",
	},
	{
		name: "reviews", key: []string{"id"}, ofOrder: "$1 IN (order_id, resolved_order_id)",
		required: []string{"report"}, columns: []string{"raw", "pdf", "note"},
	},
	{name: "users", key: []string{"id"}, columns: []string{"fallback_birth_date", "info"}, own: ofUser},
	{name: "user_insurance", key: []string{"id"}, required: []string{"document"}, own: ofUser},
	{name: "physicians", key: []string{"team_id", "npi"}, between: " ", required: []string{"document"}, own: ofTeam},
	{name: "lab_accounts", key: []string{"id"}, required: []string{"credentials"}, own: ofTeam},
	{name: "endpoints", key: []string{"id"}, required: []string{"secret"}, columns: []string{"previous_secret", "headers"}, own: ofTeam},
}

// sealed lists all sealed columns of the table.
func (t sealedTable) sealed() []string {
	return append(append([]string(nil), t.required...), t.columns...)
}

// id is what a sealed value's place says of its row, as an expression.
func (t sealedTable) id() string {
	if t.bound != "" {
		return t.bound
	}
	texts := make([]string, len(t.key))
	for i, column := range t.key {
		texts[i] = "CAST(" + column + " AS TEXT)"
	}
	return strings.Join(texts, " || '"+t.between+"' || ")
}
