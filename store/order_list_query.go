package store

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// OrderQuery selects orders of a team. Empty fields select all; an order has to match all other fields.
type OrderQuery struct {
	TeamID         string
	UserID         string
	TransactionID  string
	IDs            []string
	Statuses       []string // low-level
	Methods        []string
	Interpretation order.Interpretation // of the newest visible results
	Critical       *bool                // whether those results are critical

	// Both ends of each time span are included.
	CreatedSince, CreatedUntil time.Time
	UpdatedSince, UpdatedUntil time.Time

	// Scheduled selects orders by whether they wait for a day after Today.
	Scheduled *bool
	Today     order.Date

	// Searches find whole words only, because the store holds keyed hashes of words.
	PatientName   string
	RecipientName string // of a kit that was ordered without a patient
	Search        string // words of both names, a date of birth, or the id of an order or a user

	// The sort order; the default is the time of creation.
	ByStatus  bool
	ByPatient bool // last name, then first name; at most MaxOrdersSortedByPatient orders
	Ascending bool

	Page int // from 1
	Size int // 1 to 100; 0 means 50
}

// withoutSort returns the query without its sort order, for counting. PostgreSQL then reads a joined table in ascending
// order, so the tables that are read in parallel have to be in ascending order too.
func (by OrderQuery) withoutSort() OrderQuery {
	by.ByStatus, by.ByPatient, by.Ascending = false, false, true
	return by
}

// orderListQuery is a query for the ids of orders. It reads the table order_progress or, for a search, the table
// order_search, which has the same sort order. Both have indexes for the most frequent queries, so only one page is
// read.
type orderListQuery struct {
	sqldb.Where
	table       string
	sortColumns []string // columns, the most important one first
	direction   string
	// alternatives are conditions that exclude each other; the list has the orders that fulfil one of them. An index
	// returns the rows of each condition in the list's order, which it does not do for several values in one condition.
	alternatives []string
}

func (s *Store) newOrderListQuery(by OrderQuery) orderListQuery {
	l := orderListQuery{table: "order_progress", direction: "DESC"}
	if by.Ascending {
		l.direction = "ASC"
	}
	sought, ids := s.searchedTerms(by)
	l.And("team_id = ?", by.TeamID)
	restrictCreation(&l.Where, by)
	if len(sought) > 0 && !by.ByStatus {
		l.table = "order_search"
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
	l.sortColumns = []string{"created_at", "order_id"}
	if by.ByStatus {
		l.sortColumns = append([]string{"status"}, l.sortColumns...)
	}
	return l
}

// restrictCreation restricts the time of creation. An order whose last change was before some time was created before
// it too. The query allows one hour for clocks that differ.
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

// sameOrderCondition returns the condition that a row of another table belongs to the same order. Both tables are
// sorted by team and time, so the database can look up either row by the other, or read both tables in parallel.
func (l *orderListQuery) sameOrderCondition(alias string) string {
	return fmt.Sprintf("%[1]s.created_at = %[2]s.created_at AND %[1]s.order_id = %[2]s.order_id", alias, l.table)
}

// restrictToMatchingOrders restricts the search terms to orders that match the rest of the query.
func (l *orderListQuery) restrictToMatchingOrders(by OrderQuery) {
	of := sqldb.Where{Args: l.Args}
	restrictOrderColumns(&of, by, nil)
	if len(of.Terms) == 0 {
		return
	}
	of.And("team_id = ?", by.TeamID)
	restrictCreation(&of, by)
	l.Args = of.Args
	l.AndTerm("EXISTS (SELECT 1 FROM order_progress o" + of.String() + " AND " + l.sameOrderCondition("o") + ")")
}

// restrictOrderColumns restricts the columns of the orders. Several statuses or modalities become alternatives when
// parts is not nil.
func restrictOrderColumns(f *sqldb.Where, by OrderQuery, parts *[]string) {
	for _, is := range []struct{ term, value string }{{"user_id = ?", by.UserID},
		{"order_id IN (SELECT id FROM orders WHERE transaction_id = ?)", by.TransactionID}} {
		if is.value != "" {
			f.And(is.term, is.value)
		}
	}
	for _, in := range []struct {
		column string
		values []string
	}{{"order_id", by.IDs}, {"status", by.Statuses}, {"modality", by.Methods}} {
		values := sortedUnique(slices.Clone(in.values))
		switch {
		case len(values) == 0:
		case len(values) > 1 && parts != nil && len(*parts) == 0 && in.column != "order_id" && len(by.IDs) == 0:
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

// negateUnless returns the term, negated when holds is false.
func negateUnless(holds bool, term string) string {
	if holds {
		return term
	}
	return "NOT " + term
}

// restrictToID restricts the query to the order with an id, or to the orders of the user with that id.
func (l *orderListQuery) restrictToID(teamID, id string) {
	if l.table != "order_progress" {
		team := l.Bind("team_id = ?", []string{teamID})
		l.AndIn("(order_id = ? OR EXISTS (SELECT 1 FROM order_progress i WHERE i."+team+" AND "+
			l.sameOrderCondition("i")+" AND i.user_id = ?))", []string{id})
		return
	}
	order := l.Bind("order_id = ?", []string{id})
	l.alternatives = []string{order, l.Bind("user_id = ?", []string{id}) + " AND NOT " + order}
}

// pageStatement returns the statement for one page of ids.
func (l *orderListQuery) pageStatement(limit, offset int) string {
	order := fmt.Sprintf(" ORDER BY %s %s", strings.Join(l.sortColumns, " "+l.direction+", "), l.direction)
	page := fmt.Sprintf(" LIMIT %d OFFSET %d", limit, offset)
	if len(l.alternatives) < 2 {
		return "SELECT order_id FROM " + l.table + l.whereAlternative(0) + order + page
	}
	parts := make([]string, len(l.alternatives))
	for i := range l.alternatives {
		parts[i] = fmt.Sprintf("SELECT * FROM (SELECT %s FROM %s%s%s LIMIT %d) p%d",
			strings.Join(l.sortColumns, ", "), l.table, l.whereAlternative(i), order, limit+offset, i)
	}
	return "SELECT order_id FROM (" + strings.Join(parts, " UNION ALL ") + ") l" + order + page
}

// countStatement returns the statement that counts the orders, up to a limit.
func (l *orderListQuery) countStatement(limit int) string {
	parts := make([]string, max(len(l.alternatives), 1))
	for i := range parts {
		parts[i] = "SELECT 1 FROM " + l.table + l.whereAlternative(i)
	}
	return fmt.Sprintf("SELECT COUNT(*) FROM (%s LIMIT %d) l", strings.Join(parts, " UNION ALL "), limit)
}

// whereAlternative returns the WHERE clause of one alternative.
func (l *orderListQuery) whereAlternative(i int) string {
	terms := l.Terms
	if i < len(l.alternatives) {
		terms = append(slices.Clone(terms), l.alternatives[i])
	}
	return " WHERE " + strings.Join(terms, " AND ")
}
