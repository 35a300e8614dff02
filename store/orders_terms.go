package store

import (
	"fmt"
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

// having is the condition of an order to have all terms of one of the lists.
func (l *listing) having(teamID string, what sought) string {
	lists := make([]string, len(what))
	for i, terms := range what {
		lists[i] = l.has(teamID, terms)
	}
	return "(" + strings.Join(lists, " OR ") + ")"
}

// havingFirst is a part for each way to have the terms of one of the lists, by a row of the list's first term. Who has those of two
// lists counts in the first.
func (l *listing) havingFirst(teamID string, what sought) (parts []string) {
	for i, terms := range what {
		rest := ""
		if len(terms) > 1 {
			rest = " AND " + l.has(teamID, terms[1:])
		}
		for _, earlier := range what[:i] {
			rest += " AND NOT (" + l.has(teamID, earlier) + ")"
		}
		for _, hash := range terms[0].hashes {
			parts = append(parts, l.bind("field = '"+terms[0].field+"' AND hash = ?", []string{hash})+rest)
		}
	}
	return parts
}

// has is the condition of an order to have all of these terms.
func (l *listing) has(teamID string, terms []soughtTerm) string {
	each := make([]string, len(terms))
	for i, t := range terms {
		team := l.bind("team_id = ?", []string{teamID})
		each[i] = "EXISTS (SELECT 1 FROM order_search e WHERE e." + team + " AND " + l.same("e", "order_id") + " AND " + l.term(t) + ")"
	}
	return strings.Join(each, " AND ")
}

// uncritical leaves out orders whose results are critical. Where the list is read in order of time, PostgreSQL is to read the critical
// ones beside it, as far as it comes. It does not see by itself that their index gives them in that order.
func (s *Store) uncritical(l *listing, by OrderQuery) {
	ordered, few := l.table == "orders" && !by.ByStatus, by.UserID != "" || by.TransactionID != "" || len(by.IDs) > 0
	for _, hash := range s.keys.Hashes(searchInterpretation, string(order.Critical)) {
		critical := filter{args: l.args}
		critical.and("team_id = ?", by.TeamID)
		critical.with("field = '" + searchInterpretation + "'")
		critical.and("hash = ?", hash)
		from := "order_search c" + critical.String() + " AND "
		if s.dialect == postgres && ordered && !few {
			critical.created(by)
			from = fmt.Sprintf("(SELECT created_at, order_id FROM order_search%s ORDER BY created_at %[2]s, order_id %[2]s OFFSET 0) c WHERE ",
				critical.String(), l.direction)
		}
		l.args = critical.args
		l.with("NOT EXISTS (SELECT 1 FROM " + from + l.same("c", "order_id") + ")")
	}
}
