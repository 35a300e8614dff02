package store

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aliquot-labs/aliquot/order"
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

// unsorted asks for the same orders to be counted. PostgreSQL reads what it joins forward then, so what is read beside it has to come in
// that order too.
func (by OrderQuery) unsorted() OrderQuery {
	by.ByStatus, by.ByPatient, by.Ascending = false, false, true
	return by
}

// listing is a query for the ids of orders, by what must hold for all of them. It reads the orders or, where something is searched
// for, their terms, which lie in the same order. Either has an index for what is asked for most; so only a page is read.
type listing struct {
	filter
	table, id string
	sort      []string // columns, the most important one first
	direction string
	// parts exclude each other, and the list is what fulfils one of them. An index gives each of them in the list's order, as it
	// does not with several values at once.
	parts []string
}

func (s *Store) listing(by OrderQuery) listing {
	l := listing{table: "orders", id: "id", direction: "DESC"}
	if by.Ascending {
		l.direction = "ASC"
	}
	sought, ids := s.sought(by)
	l.and("team_id = ?", by.TeamID)
	l.created(by)
	if len(sought) > 0 && !by.ByStatus {
		l.table, l.id = "order_search", "order_id"
		l.parts = l.havingFirst(by.TeamID, sought[0])
		sought = sought[1:]
		l.belonging(by)
	} else if ids != "" {
		l.orders(by, nil)
	} else {
		l.orders(by, &l.parts)
	}
	for _, what := range sought {
		l.with(l.having(by.TeamID, what))
	}
	if by.Critical != nil && !*by.Critical {
		s.uncritical(&l, by)
	}
	if ids != "" {
		l.identified(by.TeamID, ids)
	}
	l.sort = []string{"created_at", l.id}
	if by.ByStatus {
		l.sort = append([]string{"status"}, l.sort...)
	}
	return l
}

// created restricts the time of creation. What was changed last before some time was created before it too, by whatever clock.
func (f *filter) created(by OrderQuery) {
	const clocks = time.Hour
	until := by.CreatedUntil
	if !by.UpdatedUntil.IsZero() && (until.IsZero() || by.UpdatedUntil.Add(clocks).Before(until)) {
		until = by.UpdatedUntil.Add(clocks)
	}
	f.when("created_at >= ?", by.CreatedSince)
	f.when("created_at <= ?", until)
}

func (f *filter) when(term string, at time.Time) {
	if !at.IsZero() {
		f.and(term, micros(at))
	}
}

// same is the condition of a row of another table to be of the same order. Both lie by team and time, so that either can be looked up by
// the other, or both be read side by side.
func (l *listing) same(alias, id string) string {
	return fmt.Sprintf("%[1]s.created_at = %[3]s.created_at AND %[1]s.%[2]s = %[3]s.%[4]s", alias, id, l.table, l.id)
}

// belonging restricts terms to those of orders that the rest of the query selects.
func (l *listing) belonging(by OrderQuery) {
	of := filter{args: l.args}
	of.orders(by, nil)
	if len(of.terms) == 0 {
		return
	}
	of.and("team_id = ?", by.TeamID)
	of.created(by)
	l.args = of.args
	l.with("EXISTS (SELECT 1 FROM orders o" + of.String() + " AND " + l.same("o", "id") + ")")
}

// orders restricts what is a column of an order. Several statuses or methods become parts, where those are asked for.
func (f *filter) orders(by OrderQuery, parts *[]string) {
	for _, is := range []struct{ term, value string }{{"user_id = ?", by.UserID}, {"transaction_id = ?", by.TransactionID}} {
		if is.value != "" {
			f.and(is.term, is.value)
		}
	}
	for _, in := range []struct {
		column string
		values []string
	}{{"id", by.IDs}, {"status", by.Statuses}, {"modality", by.Methods}} {
		values := unrepeated(slices.Clone(in.values))
		switch {
		case len(values) == 0:
		case len(values) > 1 && parts != nil && len(*parts) == 0 && in.column != "id" && len(by.IDs) == 0:
			for _, v := range values {
				*parts = append(*parts, f.bind(in.column+" = ?", []string{v}))
			}
		default:
			f.in(in.column+" IN (?)", values)
		}
	}
	f.when("updated_at >= ?", by.UpdatedSince)
	f.when("updated_at <= ?", by.UpdatedUntil)
	if by.Scheduled != nil {
		f.and(unless(*by.Scheduled, "(activate_by IS NOT NULL AND activate_by > ?)"), by.Today.String())
	}
}

// unless negates the term where the condition does not hold.
func unless(holds bool, term string) string {
	if holds {
		return term
	}
	return "NOT " + term
}

// identified restricts to the order, or to the orders of the user, with an id.
func (l *listing) identified(teamID, id string) {
	if l.table != "orders" {
		team := l.bind("team_id = ?", []string{teamID})
		l.in("(order_id = ? OR EXISTS (SELECT 1 FROM orders i WHERE i."+team+" AND "+l.same("i", "id")+" AND i.user_id = ?))", []string{id})
		return
	}
	order := l.bind("id = ?", []string{id})
	l.parts = []string{order, l.bind("user_id = ?", []string{id}) + " AND NOT " + order}
}

// ids is the query for a page of them.
func (l *listing) ids(limit, offset int) string {
	order := fmt.Sprintf(" ORDER BY %s %s", strings.Join(l.sort, " "+l.direction+", "), l.direction)
	page := fmt.Sprintf(" LIMIT %d OFFSET %d", limit, offset)
	if len(l.parts) < 2 {
		return "SELECT " + l.id + " FROM " + l.table + l.part(0) + order + page
	}
	parts := make([]string, len(l.parts))
	for i := range l.parts {
		parts[i] = fmt.Sprintf("SELECT * FROM (SELECT %s FROM %s%s%s LIMIT %d) p%d",
			strings.Join(l.sort, ", "), l.table, l.part(i), order, limit+offset, i)
	}
	return "SELECT " + l.id + " FROM (" + strings.Join(parts, " UNION ALL ") + ") l" + order + page
}

// count is the query for how many there are, which stops counting at a limit.
func (l *listing) count(limit int) string {
	parts := make([]string, max(len(l.parts), 1))
	for i := range parts {
		parts[i] = "SELECT 1 FROM " + l.table + l.part(i)
	}
	return fmt.Sprintf("SELECT COUNT(*) FROM (%s LIMIT %d) l", strings.Join(parts, " UNION ALL "), limit)
}

// part is the clause of one part of the list.
func (l *listing) part(i int) string {
	terms := l.terms
	if i < len(l.parts) {
		terms = append(slices.Clone(terms), l.parts[i])
	}
	return " WHERE " + strings.Join(terms, " AND ")
}
