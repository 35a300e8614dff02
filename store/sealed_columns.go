package store

import (
	"strings"
)

// sealContext returns the seal context of a column of a row.
func sealContext(table, id, column string) string { return table + "/" + id + "/" + column }

// sealBytes seals a value, or returns nil (NULL) for nil.
func (s *Store) sealBytes(context string, plain []byte) []byte {
	if plain == nil {
		return nil
	}
	return s.keys.Seal(context, plain)
}

// sealText and openText map nil to NULL and back.
func (s *Store) sealText(context string, text *string) []byte {
	if text == nil {
		return nil
	}
	return s.keys.Seal(context, []byte(*text))
}

func (s *Store) openText(context string, sealed []byte) (*string, error) {
	plain, err := s.keys.Open(context, sealed)
	if err != nil || len(sealed) == 0 {
		return nil, err
	}
	text := string(plain)
	return &text, nil
}

// sealedTable describes a table with sealed columns. Key rotation goes through these tables, and the erasure of an
// order empties them. A test compares the list with the schema, so that no sealed column is missing.
type sealedTable struct {
	name            string
	key             []string // the columns of its primary key
	keySeparator    string   // between their values in the seal context
	contextColumn   string   // the column that the seal context has instead of the primary key; empty: none
	nullableColumns []string // sealed, may be NULL
	requiredColumns []string // sealed, NOT NULL
	// orderCondition selects the rows of the order $1. It is empty when the rows do not belong to an order.
	orderCondition string
	// deletedWithOrder says that the erasure of an order deletes the rows (orderDeleteStatements, eraseMessages), as it
	// does where there are requiredColumns.
	deletedWithOrder bool
	// ownerNote says what the rows belong to when orderCondition is empty.
	ownerNote string
}

const (
	ownedByTeam = "a team's own, to do with no patient"
	ownedByUser = "a user's, erased with the user"
)

var sealedTables = []sealedTable{
	{
		name: "order_documents", key: []string{"order_id"}, orderCondition: "order_id = $1",
		nullableColumns: []string{"patient", "address", "shipping", "physician", "clinical", "results"},
	},
	{name: "shipments", key: []string{"order_id"}, contextColumn: "id", orderCondition: "order_id = $1",
		nullableColumns: []string{"notes"}},
	{name: "inbox", key: []string{"id"}, orderCondition: "order_id = $1",
		nullableColumns: []string{"headers", "body", "reason"}},
	{name: "demands", key: []string{"id"}, orderCondition: "order_id = $1", nullableColumns: []string{"body"}},
	{name: "calls", key: []string{"id"}, orderCondition: "order_id = $1", nullableColumns: []string{"answer"}},
	{name: "results", key: []string{"id"}, orderCondition: "order_id = $1", requiredColumns: []string{"report"},
		nullableColumns: []string{"raw", "pdf"}},
	{name: "messages", key: []string{"id"}, orderCondition: "order_id = $1", requiredColumns: []string{"body"}},
	{
		name: "attempts", key: []string{"message_id", "endpoint_id", "round", "number"}, keySeparator: " ",
		nullableColumns:  []string{"excerpt"},
		orderCondition:   "message_id IN (SELECT id FROM messages WHERE order_id = $1)",
		deletedWithOrder: true,
	},
	{
		name: "idempotency", key: []string{"team_id", "route", "key_hash"}, keySeparator: " ",
		nullableColumns:  []string{"answer"},
		orderCondition:   "order_id = $1",
		deletedWithOrder: true,
	},
	{name: "appointments", key: []string{"id"}, orderCondition: "order_id = $1",
		nullableColumns: []string{"notes", "place"}},
	{
		name: "appointment_places", key: []string{"order_id", "reference"}, keySeparator: "/",
		requiredColumns: []string{"place"},
		orderCondition:  "order_id = $1",
	},
	{
		name: "reviews", key: []string{"id"}, orderCondition: "$1 IN (order_id, resolved_order_id)",
		requiredColumns: []string{"report"}, nullableColumns: []string{"raw", "pdf", "note"},
	},
	{name: "users", key: []string{"id"}, nullableColumns: []string{"fallback_birth_date", "info"}, ownerNote: ownedByUser},
	{name: "user_insurance", key: []string{"id"}, requiredColumns: []string{"document"}, ownerNote: ownedByUser},
	{name: "physicians", key: []string{"team_id", "npi"}, keySeparator: " ", requiredColumns: []string{"document"},
		ownerNote: ownedByTeam},
	{name: "lab_accounts", key: []string{"id"}, requiredColumns: []string{"credentials"}, ownerNote: ownedByTeam},
	{name: "endpoints", key: []string{"id"}, requiredColumns: []string{"secret"},
		nullableColumns: []string{"previous_secret", "headers"}, ownerNote: ownedByTeam},
	{name: "encryption_checks", key: []string{"key_id"}, requiredColumns: []string{"sealed"},
		ownerNote: "the database's, a text that is known"},
}

// sealedColumns lists all sealed columns of the table.
func (t sealedTable) sealedColumns() []string {
	return append(append([]string(nil), t.requiredColumns...), t.nullableColumns...)
}

// contextIDExpr returns the SQL expression of the row's part of the seal context.
func (t sealedTable) contextIDExpr() string {
	if t.contextColumn != "" {
		return t.contextColumn
	}
	texts := make([]string, len(t.key))
	for i, column := range t.key {
		texts[i] = "CAST(" + column + " AS TEXT)"
	}
	return strings.Join(texts, " || '"+t.keySeparator+"' || ")
}
