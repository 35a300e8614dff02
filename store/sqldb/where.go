package sqldb

import (
	"fmt"
	"strconv"
	"strings"
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

// AndIfSet is And for a text that is not empty. It does nothing for an empty one, which stands for "any".
func (f *Where) AndIfSet(term, text string) {
	if text != "" {
		f.And(term, text)
	}
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
	DefaultPageSize = 50
	MaxPageSize     = 100
)

// LimitClause returns the LIMIT clause of a page. Pages count from 1.
func LimitClause(number, size int) string {
	limit, offset := LimitOffset(number, size)
	return fmt.Sprintf(" LIMIT %d OFFSET %d", limit, offset)
}

// LimitOffset returns the number of rows of a page, and the number of rows before it.
func LimitOffset(number, size int) (limit, offset int) {
	if size < 1 {
		size = DefaultPageSize
	}
	size = min(size, MaxPageSize)
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

// TypedRows returns n rows of placeholders for VALUES, "(CAST($from AS type),…),…", with a column of each type. Without
// the casts, PostgreSQL takes the values of such a list for texts.
func TypedRows(from, n int, types ...string) string {
	rows := make([]string, n)
	for i := range rows {
		columns := make([]string, len(types))
		for j, t := range types {
			columns[j] = fmt.Sprintf("CAST($%d AS %s)", from+i*len(types)+j, t)
		}
		rows[i] = "(" + strings.Join(columns, ", ") + ")"
	}
	return strings.Join(rows, ", ")
}
