package sqldb

import (
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"
)

// What ends a value and a row of rows that are listed in one column. No id, no code and no number has either.
const (
	valueSeparator = "\x1f"
	rowSeparator   = "\x1e"
)

// RowsAsText is a column that lists rows of another table, with values that are not NULL: a statement that joins them would repeat the
// documents of the order in each. JSON would do, at three times the cost.
func RowsAsText(values, from string) string {
	return `(SELECT COALESCE(string_agg(concat_ws('` + valueSeparator + `', ` + values + `), '` + rowSeparator +
		`'), '') FROM ` + from + `)`
}

// TextRow is one of them, which is read value by value.
type TextRow struct {
	unread  string
	hasMore bool
	err     error
}

// ErrMalformedTextRow is the error for a row that has more or fewer values than were read, or values of another type.
var ErrMalformedTextRow = errors.New("a listed row does not have the expected form")

// TextRows are the rows that a column lists.
func TextRows(list string) iter.Seq[*TextRow] {
	return func(yield func(*TextRow) bool) {
		for list != "" {
			var row string
			row, list, _ = strings.Cut(list, rowSeparator)
			if !yield(&TextRow{unread: row, hasMore: true}) {
				return
			}
		}
	}
}

// Text reads the next value.
func (r *TextRow) Text() (value string) {
	if !r.hasMore {
		r.err = ErrMalformedTextRow
		return ""
	}
	value, r.unread, r.hasMore = strings.Cut(r.unread, valueSeparator)
	return value
}

// Int64 reads the next value as a number.
func (r *TextRow) Int64() int64 {
	n, err := strconv.ParseInt(r.Text(), 10, 64)
	if err != nil && r.err == nil {
		r.err = fmt.Errorf("%w: %w", ErrMalformedTextRow, err)
	}
	return n
}

// Finish is nil when there was a value for each that was read, and no other.
func (r *TextRow) Finish() error {
	if r.err == nil && r.hasMore {
		return ErrMalformedTextRow
	}
	return r.err
}

// QualifyColumns says of columns which table's they are.
func QualifyColumns(table, columns string) string {
	names := strings.Split(columns, ",")
	for i, name := range names {
		names[i] = table + "." + strings.TrimSpace(name)
	}
	return strings.Join(names, ", ")
}

// QualifyOptionalColumns is qualified for a row that may not be there: its columns are empty then.
func QualifyOptionalColumns(table, columns string) string {
	names := strings.Split(QualifyColumns(table, columns), ", ")
	for i, name := range names {
		empty := "''"
		if strings.HasSuffix(name, "_at") {
			empty = "0"
		}
		names[i] = `COALESCE(` + name + `, ` + empty + `)`
	}
	return strings.Join(names, ", ")
}
