package store

import (
	"strings"

	"github.com/google/uuid"

	"github.com/aliquot-labs/aliquot/order"
)

// soughtTerm is a term of a field, by its hash of each key.
type soughtTerm struct {
	field  string
	hashes []string
}

// sought is what orders must have: all terms of one of the lists. In each list the first term is the one that fewest have.
type sought [][]soughtTerm

// sought lists what a query looks for, that which fewest orders have first; and an id, where one is searched for.
func (s *Store) sought(by OrderQuery) (all []sought, id string) {
	add := func(alternatives ...[]soughtTerm) { all = append(all, alternatives) }
	if by.PatientName != "" {
		add(s.ofPatient(by.PatientName))
	}
	if by.RecipientName != "" {
		add(s.ofRecipient(by.RecipientName))
	}
	search := strings.TrimSpace(by.Search)
	if parsed, err := uuid.Parse(search); err == nil {
		id = parsed.String()
	} else if born, err := order.ParseDate(search); err == nil {
		add(s.terms(searchTerm{searchBirthDate, born.String()}))
	} else if by.Search != "" {
		add(s.ofPatient(search), s.ofRecipient(search))
	}
	if by.Interpretation != "" {
		add(s.terms(searchTerm{searchInterpretation, string(by.Interpretation)}))
	}
	if by.Critical != nil && *by.Critical {
		add(s.terms(searchTerm{searchInterpretation, string(order.Critical)}))
	}
	return all, id
}

func (s *Store) terms(terms ...searchTerm) []soughtTerm {
	out := make([]soughtTerm, len(terms))
	for i, t := range terms {
		out[i] = soughtTerm{t.field, s.keys.Hashes(t.field, t.value)}
	}
	return out
}

// named are the terms of orders with all words of a text in a name, in pairs as far as that goes. A text without a word is nobody's
// name.
func (s *Store) named(text, word, pair string) []soughtTerm {
	words := unrepeated(strings.Fields(normalise(text)))
	var terms []searchTerm
	for len(words) > 1 {
		terms = append(terms, pairTerm(pair, words[0], words[1]))
		words = words[2:]
	}
	if len(words) > 0 || len(terms) == 0 {
		terms = append(terms, searchTerm{word, strings.Join(words, "")})
	}
	return s.terms(terms...)
}

func (s *Store) ofPatient(text string) []soughtTerm { return s.named(text, searchName, searchNamePair) }

func (s *Store) ofRecipient(text string) []soughtTerm {
	return s.named(text, searchRecipient, searchRecipientPair)
}

// term is the condition of a row of terms to be this one.
func (f *filter) term(t soughtTerm) string {
	return f.bind("field = '"+t.field+"' AND hash IN (?)", t.hashes)
}

// having selects the ids in a column that have all terms of one of the lists.
func (f *filter) having(column, teamID string, what sought) string {
	lists := make([]string, len(what))
	for i, terms := range what {
		each := make([]string, len(terms))
		for j, t := range terms {
			team := f.bind("team_id = ?", []string{teamID})
			each[j] = column + " IN (SELECT order_id FROM order_search WHERE " + team + " AND " + f.term(t) + ")"
		}
		lists[i] = strings.Join(each, " AND ")
	}
	return "(" + strings.Join(lists, " OR ") + ")"
}

// havingFirst is a part for each way to have the terms of one of the lists, by a row of the list's first term. Who has those of two
// lists counts in the first.
func (f *filter) havingFirst(teamID string, what sought) (parts []string) {
	for i, terms := range what {
		rest := ""
		if len(terms) > 1 {
			rest = " AND " + f.having("order_id", teamID, sought{terms[1:]})
		}
		for _, earlier := range what[:i] {
			rest += " AND NOT (" + f.has(earlier) + ")"
		}
		for _, hash := range terms[0].hashes {
			parts = append(parts, f.bind("field = '"+terms[0].field+"' AND hash = ?", []string{hash})+rest)
		}
	}
	return parts
}

// has is the condition of the order of a row of terms to have all of these.
func (f *filter) has(terms []soughtTerm) string {
	each := make([]string, len(terms))
	for i, t := range terms {
		each[i] = "EXISTS (SELECT 1 FROM order_search e WHERE e.order_id = order_search.order_id AND " + f.term(t) + ")"
	}
	return strings.Join(each, " AND ")
}
