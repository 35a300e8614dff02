package main

import (
	"regexp"
	"slices"
	"strings"
)

// schema is what the statements and comments of the migrations say.
type schema struct{ sections []section }

// section is a subject: a comment of one line that stands alone begins it.
type section struct {
	title, intro string
	notes        []string // further comments that stand alone
	tables       []*table
}

type table struct {
	name, purpose, partitioned string
	columns                    []column
	constraints                []string // of the table as a whole
	indexes                    []string
}

type column struct {
	name, kind, rest, meaning string
	references                string // a table
}

var (
	tableLine  = regexp.MustCompile(`^CREATE TABLE (\w+) \($`)
	endLine    = regexp.MustCompile(`^\)(?: PARTITION BY (\w+ \([^)]*\)))?.*;$`)
	columnLine = regexp.MustCompile(`^(\w+)\s+(DOUBLE PRECISION|\w+)\s*(.*)$`)
	reference  = regexp.MustCompile(`\s*REFERENCES (\w+) \(\w+(?:, \w+)*\)`)
	foreignKey = regexp.MustCompile(`FOREIGN KEY \(([^)]*)\) REFERENCES (\w+)`)
	indexText  = regexp.MustCompile(`(?s)^CREATE (UNIQUE )?INDEX (?:CONCURRENTLY )?(\w+) ON (\w+) (.*);$`)
	addText    = regexp.MustCompile(`(?s)^ALTER TABLE (\w+)\s+ADD COLUMN (.*);$`)
	dropText   = regexp.MustCompile(`^DROP (?:INDEX CONCURRENTLY|TABLE) (\w+);$`)
)

// apply reads the part Up of a migration.
func (s *schema) apply(text string) {
	_, text, _ = strings.Cut(text, "-- +goose Up")
	text, _, _ = strings.Cut(text, "-- +goose Down")
	lines := strings.Split(text, "\n")
	var comment []string
	for i := 0; i < len(lines); i++ {
		line := lines[i]
		switch {
		case strings.HasPrefix(line, "-- +"):
		case strings.HasPrefix(line, "--"):
			comment = append(comment, strings.TrimSpace(strings.TrimPrefix(line, "--")))
			continue
		case line == "":
			s.standalone(comment)
		case tableLine.MatchString(line):
			i = s.createTable(lines, i, strings.Join(comment, " "))
		default:
			statement := line
			for !strings.HasSuffix(lines[i], ";") && i+1 < len(lines) && lines[i+1] != "" {
				i++
				statement += " " + strings.TrimSpace(lines[i])
			}
			s.alter(statement)
		}
		comment = nil
	}
}

// standalone begins a section, or adds a note to the present one.
func (s *schema) standalone(comment []string) {
	switch {
	case len(comment) == 0:
	case len(comment) == 1:
		title, intro := comment[0], ""
		if i := strings.IndexAny(title, ":."); i >= 0 {
			title, intro = title[:i], strings.TrimSpace(title[i+1:])
		}
		s.sections = append(s.sections, section{title: title, intro: intro})
	case len(s.sections) > 0:
		last := &s.sections[len(s.sections)-1]
		last.notes = append(last.notes, strings.Join(comment, " "))
	}
}

// createTable reads a table from its first line on, and returns the number of its last line.
func (s *schema) createTable(lines []string, i int, purpose string) int {
	if len(s.sections) == 0 {
		s.sections = append(s.sections, section{title: "Tables"})
	}
	t := &table{name: tableLine.FindStringSubmatch(lines[i])[1], purpose: purpose}
	last := &s.sections[len(s.sections)-1]
	last.tables = append(last.tables, t)
	var above string // a comment on a line of its own is about the columns that follow
	for i++; i < len(lines); i++ {
		if end := endLine.FindStringSubmatch(lines[i]); end != nil {
			t.partitioned = end[1]
			return i
		}
		text, meaning, _ := strings.Cut(strings.TrimSpace(lines[i]), "--")
		text, meaning = strings.TrimSuffix(strings.TrimSpace(text), ","), strings.TrimSpace(meaning)
		if text == "" {
			above = strings.TrimSpace(above + " " + meaning)
			continue
		}
		t.add(text, strings.TrimSpace(strings.TrimSpace(above+" "+meaning)))
		above = ""
	}
	return i
}

// add adds a column, or a constraint of the whole table.
func (t *table) add(text, meaning string) {
	for _, word := range []string{"PRIMARY KEY ", "UNIQUE ", "FOREIGN KEY ", "CHECK ", "CONSTRAINT "} {
		if strings.HasPrefix(text, word) {
			t.constraints = append(t.constraints, text)
			if key := foreignKey.FindStringSubmatch(text); key != nil {
				first, _, _ := strings.Cut(key[1], ",")
				for i := range t.columns {
					if t.columns[i].name == first {
						t.columns[i].references = key[2]
					}
				}
			}
			return
		}
	}
	m := columnLine.FindStringSubmatch(text)
	if m == nil {
		return
	}
	c := column{name: m[1], kind: m[2], rest: m[3], meaning: meaning}
	if to := reference.FindStringSubmatch(c.rest); to != nil {
		c.references = to[1]
		c.rest = strings.TrimSpace(strings.Replace(c.rest, to[0], "", 1))
	}
	t.columns = append(t.columns, c)
}

// alter applies the statements that change what is documented.
func (s *schema) alter(statement string) {
	if m := indexText.FindStringSubmatch(statement); m != nil {
		if t := s.table(m[3]); t != nil {
			t.indexes = append(t.indexes, strings.TrimSpace(m[2]+" "+strings.ToLower(m[1]))+": "+m[4])
		}
	}
	if m := addText.FindStringSubmatch(statement); m != nil {
		if t := s.table(m[1]); t != nil {
			t.add(m[2], "")
		}
	}
	if m := dropText.FindStringSubmatch(statement); m != nil {
		for i := range s.sections {
			tables := &s.sections[i].tables
			*tables = slices.DeleteFunc(*tables, func(t *table) bool { return t.name == m[1] })
			for _, t := range *tables {
				t.indexes = slices.DeleteFunc(t.indexes, func(x string) bool { return indexName(x) == m[1] })
			}
		}
	}
}

func indexName(text string) string {
	name, _, _ := strings.Cut(text, ":")
	name, _, _ = strings.Cut(name, " ")
	return name
}

func (s *schema) table(name string) *table {
	for _, sec := range s.sections {
		for _, t := range sec.tables {
			if t.name == name {
				return t
			}
		}
	}
	return nil
}
