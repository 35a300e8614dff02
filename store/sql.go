package store

import (
	"database/sql"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
)

// filter is a WHERE clause that is put together.
type filter struct {
	terms []string
	args  []any
}

// and adds a term, in which ? stands for the value.
func (f *filter) and(term string, value any) {
	f.args = append(f.args, value)
	f.terms = append(f.terms, strings.ReplaceAll(term, "?", "$"+strconv.Itoa(len(f.args))))
}

// in adds a term, in which ? stands for a list of values.
func (f *filter) in(term string, values []string) { f.terms = append(f.terms, f.bind(term, values)) }

// bind is a term, in which ? stands for a list of values, without adding it.
func (f *filter) bind(term string, values []string) string {
	list := placeholders(len(f.args)+1, len(values))
	for _, v := range values {
		f.args = append(f.args, v)
	}
	return strings.ReplaceAll(term, "?", list)
}

// with adds a term that has no value.
func (f *filter) with(term string) { f.terms = append(f.terms, term) }

func (f *filter) String() string {
	if len(f.terms) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(f.terms, " AND ")
}

// The bounds of a page.
const (
	defaultPageSize = 50
	maxPageSize     = 100
)

// page is the LIMIT clause of a page; pages count from 1.
func page(number, size int) string {
	limit, offset := window(number, size)
	return fmt.Sprintf(" LIMIT %d OFFSET %d", limit, offset)
}

// window is how many rows a page has, after how many others.
func window(number, size int) (limit, offset int) {
	if size < 1 {
		size = defaultPageSize
	}
	size = min(size, maxPageSize)
	return size, (max(number, 1) - 1) * size
}

// placeholders is "$from,$from+1,…", n of them.
func placeholders(from, n int) string {
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

// newID is a fresh id that sorts by its time of making.
func newID() string { return uuid.Must(uuid.NewV7()).String() }

// maxPartnerText bounds what a partner may put into a column of clear text, some of which are indexed.
const maxPartnerText = 200

// storable makes a partner's text fit for a column: PostgreSQL refuses zero bytes and broken UTF-8, and a report must not be lost
// for either. The text as sent stays in the sealed body.
func storable(text string) string {
	text = strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "")
	if len(text) > maxPartnerText {
		text = strings.ToValidUTF8(text[:maxPartnerText], "")
	}
	return text
}

// micros and instant convert times to and from their stored form. The zero time is stored as 0.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func instant(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

// nullable stores an empty text as NULL.
func nullable(text string) sql.NullString { return sql.NullString{String: text, Valid: text != ""} }
