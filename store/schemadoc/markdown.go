package main

import (
	"fmt"
	"slices"
	"strings"
)

// markdown renders the schema: a picture of each subject, and a table of the columns of each table.
func (s *schema) markdown() string {
	var b strings.Builder
	b.WriteString(`# The schema

<!-- Generated from store/migrations/postgres by go generate ./store. Do not edit. -->

The tables of the store on PostgreSQL. SQLite has the same tables and columns. Times are microseconds since 1970
(0: never). JSON is TEXT. A BYTEA column is sealed ([security.md](security.md)) unless it says otherwise. An id that
Aliquot makes is a uuid, and NULL means none. A line of a picture is a foreign key.

`)
	for _, sec := range s.sections {
		if len(sec.tables) == 0 {
			continue
		}
		fmt.Fprintf(&b, "## %s\n\n", sec.title)
		if sec.intro != "" {
			b.WriteString(wrap(strings.ToUpper(sec.intro[:1])+sec.intro[1:]) + "\n")
		}
		for _, note := range sec.notes {
			b.WriteString(wrap(note) + "\n")
		}
		b.WriteString(sec.picture())
		for _, t := range sec.tables {
			b.WriteString(t.markdown())
		}
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}

// picture renders a diagram with the keys of the section's tables.
func (sec section) picture() string {
	var b strings.Builder
	b.WriteString("```mermaid\nerDiagram\n")
	for _, t := range sec.tables {
		fmt.Fprintf(&b, "    %s {\n", t.name)
		for _, c := range t.columns {
			var keys []string
			if t.isPrimary(c) {
				keys = append(keys, "PK")
			}
			if c.references != "" {
				keys = append(keys, "FK")
			}
			if len(keys) > 0 {
				fmt.Fprintf(&b, "        %s %s %s\n", strings.ReplaceAll(c.kind, " ", "_"), c.name, strings.Join(keys, ", "))
			}
		}
		b.WriteString("    }\n")
	}
	for _, t := range sec.tables {
		for _, c := range t.columns {
			if c.references != "" {
				many := "o{"
				if strings.Contains(c.rest, "PRIMARY KEY") || strings.Contains(c.rest, "UNIQUE") {
					many = "o|"
				}
				fmt.Fprintf(&b, "    %s ||--%s %s : %s\n", c.references, many, t.name, c.name)
			}
		}
	}
	b.WriteString("```\n\n")
	return b.String()
}

// isPrimary reports whether a column is in the primary key.
func (t *table) isPrimary(c column) bool {
	if strings.Contains(c.rest, "PRIMARY KEY") {
		return true
	}
	return slices.ContainsFunc(t.constraints, func(text string) bool {
		list, found := strings.CutPrefix(text, "PRIMARY KEY (")
		return found && slices.Contains(strings.Split(strings.TrimSuffix(list, ")"), ", "), c.name)
	})
}

func (t *table) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "### %s\n\n", t.name)
	if t.purpose != "" {
		b.WriteString(wrap(t.purpose) + "\n")
	}
	if t.partitioned != "" {
		fmt.Fprintf(&b, "Partitioned by %s.\n\n", t.partitioned)
	}
	b.WriteString("| column | type | | meaning |\n|---|---|---|---|\n")
	for _, c := range t.columns {
		rest := c.rest
		if c.references != "" {
			rest = strings.TrimSpace(rest + " → " + c.references)
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", c.name, c.kind, escape(rest), escape(c.meaning))
	}
	b.WriteString("\n")
	if len(t.constraints)+len(t.indexes) == 0 {
		return b.String()
	}
	b.WriteString("| index or constraint | |\n|---|---|\n")
	for _, text := range t.constraints {
		fmt.Fprintf(&b, "| | `%s` |\n", escape(text))
	}
	for _, text := range t.indexes {
		name, rest, _ := strings.Cut(text, ": ")
		name, unique, _ := strings.Cut(name, " ")
		fmt.Fprintf(&b, "| `%s` | `%s`%s |\n", name, escape(rest), strings.TrimRight(" "+unique, " "))
	}
	b.WriteString("\n")
	return b.String()
}

func escape(text string) string { return strings.ReplaceAll(text, "|", "\\|") }

// wrap breaks a paragraph into lines of at most 120 columns.
func wrap(text string) string {
	var b strings.Builder
	width := 0
	for _, word := range strings.Fields(text) {
		if width > 0 && width+1+len(word) > 120 {
			b.WriteString("\n")
			width = 0
		} else if width > 0 {
			b.WriteString(" ")
			width++
		}
		b.WriteString(word)
		width += len(word)
	}
	return b.String() + "\n"
}
