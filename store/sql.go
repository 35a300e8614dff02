package store

import (
	"database/sql"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
)

// Where builds a WHERE clause.
type Where struct {
	Terms []string
	Args  []any
}

// And adds a term, in which ? stands for the value.
func (f *Where) And(term string, value any) {
	f.Args = append(f.Args, value)
	f.Terms = append(f.Terms, strings.ReplaceAll(term, "?", "$"+strconv.Itoa(len(f.Args))))
}

// AndIn adds a term, in which ? stands for a list of values.
func (f *Where) AndIn(term string, values []string) { f.Terms = append(f.Terms, f.Bind(term, values)) }

// Bind returns a term, in which ? stands for a list of values, without adding it. The values become parameters of the
// clause.
func (f *Where) Bind(term string, values []string) string {
	list := Placeholders(len(f.Args)+1, len(values))
	for _, v := range values {
		f.Args = append(f.Args, v)
	}
	return strings.ReplaceAll(term, "?", list)
}

// AndTerm adds a term without a value.
func (f *Where) AndTerm(term string) { f.Terms = append(f.Terms, term) }

func (f *Where) String() string {
	if len(f.Terms) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(f.Terms, " AND ")
}

// The default and the largest page size.
const (
	defaultPageSize = 50
	maxPageSize     = 100
)

// LimitClause returns the LIMIT clause of a page. Pages count from 1.
func LimitClause(number, size int) string {
	limit, offset := LimitOffset(number, size)
	return fmt.Sprintf(" LIMIT %d OFFSET %d", limit, offset)
}

// LimitOffset returns the number of rows of a page, and the number of rows before it.
func LimitOffset(number, size int) (limit, offset int) {
	if size < 1 {
		size = defaultPageSize
	}
	size = min(size, maxPageSize)
	return size, (max(number, 1) - 1) * size
}

// Placeholders returns n placeholders, "$from,$from+1,…".
func Placeholders(from, n int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('$')
		b.WriteString(strconv.Itoa(from + i))
	}
	return b.String()
}

// NewID returns a new id. Ids sort by their time of creation.
func NewID() string { return uuid.Must(uuid.NewV7()).String() }

// maxPartnerText limits the length of a partner's text in a column that is not sealed. Some of these columns are
// indexed.
const maxPartnerText = 200

// storableText makes a partner's text storable: PostgreSQL refuses zero bytes and invalid UTF-8, and an inbox item must
// not be lost for that reason. The sealed body has the text as sent.
func storableText(text string) string {
	text = strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "")
	if len(text) > maxPartnerText {
		text = strings.ToValidUTF8(text[:maxPartnerText], "")
	}
	return text
}

// ToMicros and FromMicros convert times to and from their stored form. The zero time is stored as 0.
func ToMicros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func FromMicros(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

// NullIfEmpty converts an empty text to NULL.
func NullIfEmpty(text string) sql.NullString { return sql.NullString{String: text, Valid: text != ""} }
