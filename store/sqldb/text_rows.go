package sqldb

import (
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"
)

// The characters that end a value and a row in a column that lists rows. No id, code or number contains them.
const (
	valueSeparator = "\x1f"
	rowSeparator   = "\x1e"
)

// RowsAsText returns a column expression that lists the rows of another table as text. NULL values are not allowed. A
// join would repeat the documents of the order in each row, and JSON would cost three times as much.
func RowsAsText(values, from string) string {
	return `(SELECT COALESCE(string_agg(concat_ws('` + valueSeparator + `', ` + values + `), '` + rowSeparator +
		`'), '') FROM ` + from + `)`
}

// TextRow is one row of such a list. Its values are read one after another.
type TextRow struct {
	unread  string
	hasMore bool
	err     error
}

// ErrMalformedTextRow is the error for a row that has more or fewer values than were read, or values of another type.
var ErrMalformedTextRow = errors.New("a listed row does not have the expected form")

// TextRows returns the rows of a list.
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

// Finish returns an error unless exactly the values of the row have been read.
func (r *TextRow) Finish() error {
	if r.err == nil && r.hasMore {
		return ErrMalformedTextRow
	}
	return r.err
}

// QualifyColumns adds the table's name to each column.
func QualifyColumns(table, columns string) string {
	names := strings.Split(columns, ",")
	for i, name := range names {
		names[i] = table + "." + strings.TrimSpace(name)
	}
	return strings.Join(names, ", ")
}

// QualifyOptionalColumns is QualifyColumns for a row that may not exist. Its columns are empty then.
func QualifyOptionalColumns(table, columns string) string {
	names := strings.Split(QualifyColumns(table, columns), ", ")
	for i, name := range names {
		switch {
		case strings.HasSuffix(name, "_at"):
			names[i] = `COALESCE(` + name + `, 0)`
		case strings.HasSuffix(name, ".id") || strings.HasSuffix(name, "_id"):
			names[i] = `COALESCE(CAST(` + name + ` AS TEXT), '')`
		default:
			names[i] = `COALESCE(` + name + `, '')`
		}
	}
	return strings.Join(names, ", ")
}
