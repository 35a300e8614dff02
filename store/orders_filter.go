package store

import (
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

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

	ByStatus  bool // sorted by status instead of by creation
	Ascending bool

	Page int // from 1
	Size int // 1 to 100; 0 means 50
}

func (by OrderQuery) sorting() string {
	column, direction := "created_at", "DESC"
	if by.ByStatus {
		column = "status"
	}
	if by.Ascending {
		direction = "ASC"
	}
	return fmt.Sprintf(" ORDER BY %s %[2]s, id %[2]s", column, direction)
}

func (s *Store) orderFilter(by OrderQuery) (f filter) {
	for _, is := range []struct{ term, value string }{
		{"team_id = ?", by.TeamID}, {"user_id = ?", by.UserID}, {"transaction_id = ?", by.TransactionID},
	} {
		if is.value != "" {
			f.and(is.term, is.value)
		}
	}
	for _, in := range []struct {
		term   string
		values []string
	}{{"id IN (?)", by.IDs}, {"status IN (?)", by.Statuses}, {"modality IN (?)", by.Methods}} {
		if len(in.values) > 0 {
			f.in(in.term, in.values)
		}
	}
	for _, when := range []struct {
		term string
		at   time.Time
	}{
		{"created_at >= ?", by.CreatedSince}, {"created_at <= ?", by.CreatedUntil},
		{"updated_at >= ?", by.UpdatedSince}, {"updated_at <= ?", by.UpdatedUntil},
	} {
		if !when.at.IsZero() {
			f.and(when.term, micros(when.at))
		}
	}
	if by.Scheduled != nil {
		f.and(unless(*by.Scheduled, "(activate_by IS NOT NULL AND activate_by > ?)"), by.Today.String())
	}
	s.filterByResults(&f, by)
	s.filterByNames(&f, by)
	return f
}

// unless negates the term where the condition does not hold.
func unless(holds bool, term string) string {
	if holds {
		return term
	}
	return "NOT " + term
}

const hasTerm = "id IN (SELECT order_id FROM order_search WHERE field IN ('%s') AND hash IN (?))"

func (s *Store) filterByResults(f *filter, by OrderQuery) {
	interpreted := fmt.Sprintf(hasTerm, searchInterpretation)
	if by.Interpretation != "" {
		f.in(interpreted, s.keys.Hashes(searchInterpretation, string(by.Interpretation)))
	}
	if by.Critical != nil {
		f.in(unless(*by.Critical, interpreted), s.keys.Hashes(searchInterpretation, string(order.Critical)))
	}
}

func (s *Store) filterByNames(f *filter, by OrderQuery) {
	s.filterByWords(f, by.PatientName, searchName)
	s.filterByWords(f, by.RecipientName, searchRecipient)
	search := strings.TrimSpace(by.Search)
	if id, err := uuid.Parse(search); err == nil {
		f.and("? IN (id, user_id)", id.String())
		return
	}
	if born, err := order.ParseDate(search); err == nil {
		f.in(fmt.Sprintf(hasTerm, searchBirthDate), s.keys.Hashes(searchBirthDate, born.String()))
		return
	}
	s.filterByWords(f, search, searchName, searchRecipient)
}

// filterByWords selects orders that have each word in one of the fields.
func (s *Store) filterByWords(f *filter, text string, fields ...string) {
	words := strings.Fields(normalise(text))
	if text != "" && len(words) == 0 {
		f.with("1 = 0")
	}
	for _, word := range words {
		var hashes []string
		for _, field := range fields {
			hashes = append(hashes, s.keys.Hashes(field, word)...)
		}
		f.in(fmt.Sprintf(hasTerm, strings.Join(fields, "', '")), hashes)
	}
}
