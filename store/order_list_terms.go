package store

import (
	"fmt"
	"strings"

	"github.com/google/uuid"

	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// hashedTerm is a search term of a field, with its hash by each encryption key.
type hashedTerm struct {
	field  string
	hashes []string
}

// termAlternatives are lists of terms. An order has to have all terms of one of the lists. In each list the rarest term
// is first.
type termAlternatives [][]hashedTerm

// searchedTerms lists the terms that a query searches for, the rarest first. If the query searches for an id, it
// returns the id too.
func (s *Store) searchedTerms(by OrderQuery) (all []termAlternatives, id string) {
	add := func(alternatives ...[]hashedTerm) { all = append(all, alternatives) }
	if by.PatientName != "" {
		add(s.patientNameTerms(by.PatientName))
	}
	if by.RecipientName != "" {
		add(s.recipientNameTerms(by.RecipientName))
	}
	search := strings.TrimSpace(by.Search)
	if parsed, err := uuid.Parse(search); err == nil {
		id = parsed.String()
	} else if born, err := order.ParseDate(search); err == nil {
		add(s.hashTerms(searchTerm{searchBirthDate, born.String()}))
	} else if by.Search != "" {
		add(s.patientNameTerms(search), s.recipientNameTerms(search))
	}
	if by.Interpretation != "" {
		add(s.hashTerms(searchTerm{searchInterpretation, string(by.Interpretation)}))
	}
	if by.Critical != nil && *by.Critical {
		add(s.hashTerms(searchTerm{searchInterpretation, string(order.InterpretationCritical)}))
	}
	return all, id
}

func (s *Store) hashTerms(terms ...searchTerm) []hashedTerm {
	out := make([]hashedTerm, len(terms))
	for i, t := range terms {
		out[i] = hashedTerm{t.field, s.keys.SearchHashes(t.field, t.value)}
	}
	return out
}

// nameTerms returns the terms of orders that have all words of a text in a name: pairs of words as far as possible. The
// result is empty for a text without a word, and no order matches.
func (s *Store) nameTerms(text, word, pair string) []hashedTerm {
	words := nameWords(normaliseName(text))
	var terms []searchTerm
	for len(words) > 1 {
		terms = append(terms, namePairTerm(pair, words[0], words[1]))
		words = words[2:]
	}
	if len(words) > 0 || len(terms) == 0 {
		terms = append(terms, searchTerm{word, strings.Join(words, "")})
	}
	return s.hashTerms(terms...)
}

func (s *Store) patientNameTerms(text string) []hashedTerm {
	return s.nameTerms(text, searchName, searchNamePair)
}

func (s *Store) recipientNameTerms(text string) []hashedTerm {
	return s.nameTerms(text, searchRecipient, searchRecipientPair)
}

// termCondition returns the condition that a row of search terms is this term.
func termCondition(f *sqldb.Where, t hashedTerm) string {
	return f.Bind("field = '"+t.field+"' AND hash IN (?)", t.hashes)
}

// hasAnyAlternative returns the condition that an order has all terms of one of the lists.
func (l *orderListQuery) hasAnyAlternative(teamID string, what termAlternatives) string {
	lists := make([]string, len(what))
	for i, terms := range what {
		lists[i] = l.hasAllTerms(teamID, terms)
	}
	return "(" + strings.Join(lists, " OR ") + ")"
}

// alternativeConditions returns one condition on a row of search terms for each list: the row is the first term of the
// list, and its order has the other terms. An order that has the terms of two lists matches the first list only.
func (l *orderListQuery) alternativeConditions(teamID string, what termAlternatives) (parts []string) {
	for i, terms := range what {
		rest := ""
		if len(terms) > 1 {
			rest = " AND " + l.hasAllTerms(teamID, terms[1:])
		}
		for _, earlier := range what[:i] {
			rest += " AND NOT (" + l.hasAllTerms(teamID, earlier) + ")"
		}
		for _, hash := range terms[0].hashes {
			parts = append(parts, l.Bind("field = '"+terms[0].field+"' AND hash = ?", []string{hash})+rest)
		}
	}
	return parts
}

// hasAllTerms returns the condition that an order has all of these terms.
func (l *orderListQuery) hasAllTerms(teamID string, terms []hashedTerm) string {
	each := make([]string, len(terms))
	for i, t := range terms {
		team := l.Bind("team_id = ?", []string{teamID})
		each[i] = "EXISTS (SELECT 1 FROM order_search e WHERE e." + team + " AND " + l.sameOrderCondition("e") +
			" AND " + termCondition(&l.Where, t) + ")"
	}
	return strings.Join(each, " AND ")
}

// excludeCriticalResults excludes orders whose results are critical. When the list is read in order of time, PostgreSQL
// reads the critical orders in parallel, only as far as the page needs. The subquery is sorted because PostgreSQL does
// not recognize that the index returns them in that order.
func (s *Store) excludeCriticalResults(l *orderListQuery, by OrderQuery) {
	ordered := l.table == "order_progress" && !by.ByStatus
	few := by.UserID != "" || by.TransactionID != "" || len(by.IDs) > 0
	for _, hash := range s.keys.SearchHashes(searchInterpretation, string(order.InterpretationCritical)) {
		critical := sqldb.Where{Args: l.Args}
		critical.And("team_id = ?", by.TeamID)
		critical.AndTerm("field = '" + searchInterpretation + "'")
		critical.And("hash = ?", hash)
		from := "order_search c" + critical.String() + " AND "
		if s.db.Dialect == sqldb.Postgres && ordered && !few {
			restrictCreation(&critical, by)
			from = fmt.Sprintf("(SELECT created_at, order_id FROM order_search%s "+
				"ORDER BY created_at %[2]s, order_id %[2]s OFFSET 0) c WHERE ",
				critical.String(), l.direction)
		}
		l.Args = critical.Args
		l.AndTerm("NOT EXISTS (SELECT 1 FROM " + from + l.sameOrderCondition("c") + ")")
	}
}
