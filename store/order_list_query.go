package store

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// OrderQuery selects a client's orders. What is empty does not matter; the rest must hold all at once.
type OrderQuery struct {
	TeamID         string
	UserID         string
	TransactionID  string
	IDs            []string
	Statuses       []string // low-level
	Methods        []string
	Interpretation order.Interpretation // of the newest results that the client sees
	Critical       *bool                // whether that is critical

	// Both ends of each span of time belong to it.
	CreatedSince, CreatedUntil time.Time
	UpdatedSince, UpdatedUntil time.Time

	// Scheduled selects by whether the order waits for a day after Today.
	Scheduled *bool
	Today     order.Date

	// Whole words, as they are kept as keyed hashes only.
	PatientName   string
	RecipientName string // of a kit that is registered later
	Search        string // in both names; or a day of birth, an order's id or a user's

	// By what they are sorted; else by creation.
	ByStatus  bool
	ByPatient bool // last name, then first; at most MaxSortedByPatient orders
	Ascending bool

	Page int // from 1
	Size int // 1 to 100; 0 means 50
}

// withoutSort asks for the same orders to be counted. PostgreSQL reads what it joins forward then, so what is read beside it has to come in
// that order too.
func (by OrderQuery) withoutSort() OrderQuery {
	by.ByStatus, by.ByPatient, by.Ascending = false, false, true
	return by
}

// orderListQuery is a query for the ids of orders, by what must hold for all of them. It reads the orders or, where something is searched
// for, their terms, which lie in the same order. Either has an index for what is asked for most; so only a page is read.
type orderListQuery struct {
	sqldb.Where
	table, idColumn string
	sortColumns     []string // columns, the most important one first
	direction       string
	// alternatives exclude each other, and the list is what fulfils one of them. An index gives each of them in the list's order, as it
	// does not with several values at once.
	alternatives []string
}

func (s *Store) newOrderListQuery(by OrderQuery) orderListQuery {
	l := orderListQuery{table: "orders", idColumn: "id", direction: "DESC"}
	if by.Ascending {
		l.direction = "ASC"
	}
	sought, ids := s.searchedTerms(by)
	l.And("team_id = ?", by.TeamID)
	restrictCreation(&l.Where, by)
	if len(sought) > 0 && !by.ByStatus {
		l.table, l.idColumn = "order_search", "order_id"
		l.alternatives = l.alternativeConditions(by.TeamID, sought[0])
		sought = sought[1:]
		l.restrictToMatchingOrders(by)
	} else if ids != "" {
		restrictOrderColumns(&l.Where, by, nil)
	} else {
		restrictOrderColumns(&l.Where, by, &l.alternatives)
	}
	for _, what := range sought {
		l.AndTerm(l.hasAnyAlternative(by.TeamID, what))
	}
	if by.Critical != nil && !*by.Critical {
		s.excludeCriticalResults(&l, by)
	}
	if ids != "" {
		l.restrictToID(by.TeamID, ids)
	}
	l.sortColumns = []string{"created_at", l.idColumn}
	if by.ByStatus {
		l.sortColumns = append([]string{"status"}, l.sortColumns...)
	}
	return l
}

// restrictCreation restricts the time of creation. What was changed last before some time was created before it too, by whatever clock.
func restrictCreation(f *sqldb.Where, by OrderQuery) {
	const clocks = time.Hour
	until := by.CreatedUntil
	if !by.UpdatedUntil.IsZero() && (until.IsZero() || by.UpdatedUntil.Add(clocks).Before(until)) {
		until = by.UpdatedUntil.Add(clocks)
	}
	andTime(f, "created_at >= ?", by.CreatedSince)
	andTime(f, "created_at <= ?", until)
}

func andTime(f *sqldb.Where, term string, at time.Time) {
	if !at.IsZero() {
		f.And(term, sqldb.ToMicros(at))
	}
}

// sameOrderCondition is the condition of a row of another table to be of the same order. Both lie by team and time, so that either can be looked up by
// the other, or both be read side by side.
func (l *orderListQuery) sameOrderCondition(alias, id string) string {
	return fmt.Sprintf("%[1]s.created_at = %[3]s.created_at AND %[1]s.%[2]s = %[3]s.%[4]s", alias, id, l.table, l.idColumn)
}

// restrictToMatchingOrders restricts terms to those of orders that the rest of the query selects.
func (l *orderListQuery) restrictToMatchingOrders(by OrderQuery) {
	of := sqldb.Where{Args: l.Args}
	restrictOrderColumns(&of, by, nil)
	if len(of.Terms) == 0 {
		return
	}
	of.And("team_id = ?", by.TeamID)
	restrictCreation(&of, by)
	l.Args = of.Args
	l.AndTerm("EXISTS (SELECT 1 FROM orders o" + of.String() + " AND " + l.sameOrderCondition("o", "id") + ")")
}

// restrictOrderColumns restricts what is a column of an order. Several statuses or methods become parts, where those are asked for.
func restrictOrderColumns(f *sqldb.Where, by OrderQuery, parts *[]string) {
	for _, is := range []struct{ term, value string }{{"user_id = ?", by.UserID},
		{"transaction_id = ?", by.TransactionID}} {
		if is.value != "" {
			f.And(is.term, is.value)
		}
	}
	for _, in := range []struct {
		column string
		values []string
	}{{"id", by.IDs}, {"status", by.Statuses}, {"modality", by.Methods}} {
		values := sortedUnique(slices.Clone(in.values))
		switch {
		case len(values) == 0:
		case len(values) > 1 && parts != nil && len(*parts) == 0 && in.column != "id" && len(by.IDs) == 0:
			for _, v := range values {
				*parts = append(*parts, f.Bind(in.column+" = ?", []string{v}))
			}
		default:
			f.AndIn(in.column+" IN (?)", values)
		}
	}
	andTime(f, "updated_at >= ?", by.UpdatedSince)
	andTime(f, "updated_at <= ?", by.UpdatedUntil)
	if by.Scheduled != nil {
		f.And(negateUnless(*by.Scheduled, "(activate_by IS NOT NULL AND activate_by > ?)"), by.Today.String())
	}
}

// negateUnless negates the term where the condition does not hold.
func negateUnless(holds bool, term string) string {
	if holds {
		return term
	}
	return "NOT " + term
}

// restrictToID restricts to the order, or to the orders of the user, with an id.
func (l *orderListQuery) restrictToID(teamID, id string) {
	if l.table != "orders" {
		team := l.Bind("team_id = ?", []string{teamID})
		l.AndIn("(order_id = ? OR EXISTS (SELECT 1 FROM orders i WHERE i."+team+" AND "+l.sameOrderCondition("i",
			"id")+" AND i.user_id = ?))", []string{id})
		return
	}
	order := l.Bind("id = ?", []string{id})
	l.alternatives = []string{order, l.Bind("user_id = ?", []string{id}) + " AND NOT " + order}
}

// pageStatement is the query for a page of them.
func (l *orderListQuery) pageStatement(limit, offset int) string {
	order := fmt.Sprintf(" ORDER BY %s %s", strings.Join(l.sortColumns, " "+l.direction+", "), l.direction)
	page := fmt.Sprintf(" LIMIT %d OFFSET %d", limit, offset)
	if len(l.alternatives) < 2 {
		return "SELECT " + l.idColumn + " FROM " + l.table + l.whereAlternative(0) + order + page
	}
	parts := make([]string, len(l.alternatives))
	for i := range l.alternatives {
		parts[i] = fmt.Sprintf("SELECT * FROM (SELECT %s FROM %s%s%s LIMIT %d) p%d",
			strings.Join(l.sortColumns, ", "), l.table, l.whereAlternative(i), order, limit+offset, i)
	}
	return "SELECT " + l.idColumn + " FROM (" + strings.Join(parts, " UNION ALL ") + ") l" + order + page
}

// countStatement is the query for how many there are, which stops counting at a limit.
func (l *orderListQuery) countStatement(limit int) string {
	parts := make([]string, max(len(l.alternatives), 1))
	for i := range parts {
		parts[i] = "SELECT 1 FROM " + l.table + l.whereAlternative(i)
	}
	return fmt.Sprintf("SELECT COUNT(*) FROM (%s LIMIT %d) l", strings.Join(parts, " UNION ALL "), limit)
}

// whereAlternative is the clause of one part of the list.
func (l *orderListQuery) whereAlternative(i int) string {
	terms := l.Terms
	if i < len(l.alternatives) {
		terms = append(slices.Clone(terms), l.alternatives[i])
	}
	return " WHERE " + strings.Join(terms, " AND ")
}
