package store

import (
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"
)

// What ends a value and a row of rows that are listed in one column. No id, no code and no number has either.
const (
	valueEnd = "\x1f"
	rowEnd   = "\x1e"
)

// listed is a column that lists rows of another table, with values that are not NULL: a statement that joins them would repeat the
// documents of the order in each. JSON would do, at three times the cost.
func listed(values, from string) string {
	return `(SELECT COALESCE(string_agg(concat_ws('` + valueEnd + `', ` + values + `), '` + rowEnd + `'), '') FROM ` + from + `)`
}

// listedRow is one of them, which is read value by value.
type listedRow struct {
	rest string
	more bool
	err  error
}

var errListed = errors.New("a listed row does not have the expected form")

// rowsOf are the rows that a column lists.
func rowsOf(list string) iter.Seq[*listedRow] {
	return func(yield func(*listedRow) bool) {
		for list != "" {
			var row string
			row, list, _ = strings.Cut(list, rowEnd)
			if !yield(&listedRow{rest: row, more: true}) {
				return
			}
		}
	}
}

func (r *listedRow) text() (value string) {
	if !r.more {
		r.err = errListed
		return ""
	}
	value, r.rest, r.more = strings.Cut(r.rest, valueEnd)
	return value
}

func (r *listedRow) number() int64 {
	n, err := strconv.ParseInt(r.text(), 10, 64)
	if err != nil && r.err == nil {
		r.err = fmt.Errorf("%w: %w", errListed, err)
	}
	return n
}

// end is nil when there was a value for each that was read, and no other.
func (r *listedRow) end() error {
	if r.err == nil && r.more {
		return errListed
	}
	return r.err
}

// qualified says of columns which table's they are.
func qualified(table, columns string) string {
	names := strings.Split(columns, ",")
	for i, name := range names {
		names[i] = table + "." + strings.TrimSpace(name)
	}
	return strings.Join(names, ", ")
}

// optional is qualified for a row that may not be there: its columns are empty then.
func optional(table, columns string) string {
	names := strings.Split(qualified(table, columns), ", ")
	for i, name := range names {
		empty := "''"
		if strings.HasSuffix(name, "_at") {
			empty = "0"
		}
		names[i] = `COALESCE(` + name + `, ` + empty + `)`
	}
	return strings.Join(names, ", ")
}
