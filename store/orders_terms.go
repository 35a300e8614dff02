package store

import (
	"strings"

	"github.com/google/uuid"

	"github.com/aliquot-labs/aliquot/order"
)

// soughtTerm is a search term that orders must have, in one of some fields: by field, its hashes by each key.
type soughtTerm struct {
	fields []string
	hashes [][]string
}

// sought lists the terms that a query looks for, those that fewest orders have first; and an id, where that is searched for.
func (s *Store) sought(by OrderQuery) (terms []soughtTerm, id string) {
	add := func(value string, fields ...string) {
		t := soughtTerm{fields: fields}
		for _, field := range fields {
			t.hashes = append(t.hashes, s.keys.Hashes(field, value))
		}
		terms = append(terms, t)
	}
	words := func(text string, fields ...string) {
		each := strings.Fields(normalise(text))
		if text != "" && len(each) == 0 {
			add("", fields...) // which nobody is called
		}
		for _, word := range each {
			add(word, fields...)
		}
	}
	words(by.PatientName, searchName)
	words(by.RecipientName, searchRecipient)
	search := strings.TrimSpace(by.Search)
	if parsed, err := uuid.Parse(search); err == nil {
		id = parsed.String()
	} else if born, err := order.ParseDate(search); err == nil {
		add(born.String(), searchBirthDate)
	} else {
		words(by.Search, searchName, searchRecipient)
	}
	if by.Interpretation != "" {
		add(string(by.Interpretation), searchInterpretation)
	}
	if by.Critical != nil && *by.Critical {
		add(string(order.Critical), searchInterpretation)
	}
	return terms, id
}

// having selects the orders of a team that have the term.
func (f *filter) having(teamID string, t soughtTerm) string {
	team := f.bind("team_id = ?", []string{teamID})
	var fields []string
	for i, field := range t.fields {
		fields = append(fields, f.bind("field = '"+field+"' AND hash IN (?)", t.hashes[i]))
	}
	return "SELECT order_id FROM order_search WHERE " + team + " AND (" + strings.Join(fields, " OR ") + ")"
}

// havingEither is a part for each way to have the term. An order that has it in two fields counts in the first.
func (f *filter) havingEither(t soughtTerm) (parts []string) {
	earlier := ""
	for i, field := range t.fields {
		for _, hash := range t.hashes[i] {
			parts = append(parts, f.bind("field = '"+field+"' AND hash = ?", []string{hash})+earlier)
		}
		if i == len(t.fields)-1 {
			break
		}
		earlier += f.bind(" AND NOT EXISTS (SELECT 1 FROM order_search e WHERE e.order_id = order_search.order_id AND e.field = '"+field+
			"' AND e.hash IN (?))", t.hashes[i])
	}
	return parts
}
