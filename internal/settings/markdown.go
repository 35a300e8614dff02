package settings

import (
	"fmt"
	"reflect"
	"strings"
)

// fileSuffix is the suffix of the variable that names the file of a secret.
const fileSuffix = "_FILE"

// field describes one setting.
type field struct {
	name     string // of the Go field
	variable string
	value    string // the default
	meaning  string
	secret   bool
	list     bool // its value is comma-separated
	required bool
}

var secretType = reflect.TypeFor[Secret]()

// allFields lists the settings of a struct and of its embedded structs.
func allFields(t reflect.Type) []field {
	fields := ownFields(t)
	for i := range t.NumField() {
		if f := t.Field(i); f.Anonymous {
			fields = append(fields, allFields(f.Type)...)
		}
	}
	return fields
}

// ownFields lists the settings of a struct without those of embedded structs.
func ownFields(t reflect.Type) []field {
	var fields []field
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous || !f.IsExported() {
			continue
		}
		variable, options, _ := strings.Cut(f.Tag.Get("env"), ",")
		fields = append(fields, field{
			name:     f.Name,
			variable: variable,
			value:    f.Tag.Get("envDefault"),
			meaning:  meanings[t.Name()+"."+f.Name],
			secret:   f.Type == secretType || f.Type.Kind() == reflect.Slice && f.Type.Elem() == secretType,
			list:     f.Type.Kind() == reflect.Slice,
			required: strings.Contains(options, "required"),
		})
	}
	return fields
}

// MarkdownTable returns docs/settings.md: tables of all settings.
func MarkdownTable() string {
	var b strings.Builder
	b.WriteString(preface)
	for _, section := range []struct {
		title, about string
		of           any
	}{
		{"Every process", "", Process{}},
		{"API, workers, `migrate`, `backfill`, `bootstrap`, `rebuild` and `key rotate`", "", Common{}},
		{"Schema: `aliquot migrate` and `aliquot backfill`", "", Migrate{}},
		{"The same commands, and `aliquot key new-encryption --wrap`", "", Master{}},
		{"Connections to Temporal", temporalIntro, Temporal{}},
		{"API and workers", "", WebhookNetworks{}},
		{"API and workers: shutdown", "", Shutdown{}},
		{"A replica of the database, for the API", "", Replica{}},
		{"Traces of the API and workers", "", Traces{}},
		{"API: `aliquot api`", "", API{}},
		{"Worker: `aliquot worker`", "", Worker{}},
		{"Workers and `aliquot rollout`", "", Deployment{}},
		{"Workers, `aliquot migrate` and `aliquot backfill`", "", PartitionRetention{}},
		{"Simulated lab: `aliquot sandbox`", "", SimulatedLab{}},
		{"Administrative commands", clientIntro, Client{}},
	} {
		fmt.Fprintf(&b, "\n## %s\n\n%s| variable | default | meaning |\n|---|---|---|\n", section.title, section.about)
		for _, f := range ownFields(reflect.TypeOf(section.of)) {
			fmt.Fprintf(&b, "| `%s` | %s | %s |\n", f.variable, f.defaultText(), f.meaningText())
		}
	}
	return b.String()
}

const preface = `<!-- Written by go generate ./internal/settings. Do not edit. -->
# Settings

Every setting is an environment variable, which a process reads once, when it starts. If settings are wrong, the process
lists every problem and does not start. A secret can also be in a file: ` + "`NAME_FILE`" + ` is the path of the file
with the value of ` + "`NAME`" + `. Secrets are never logged. White space, line feeds and byte order marks around a
value and around each member of a list do not count.
`

const temporalIntro = "API, workers, `rebuild` and `rollout`. The client certificate is read again for every\n" +
	"connection, and an API key from a file for every call, so renewed ones need no restart. While the\n" +
	"files hold nothing that can be used, the log says so, and the one before is used.\n\n"

const clientIntro = "The flags `--api`, `--key-file`, `--key` and `--data` override these variables. With\n" +
	"neither flags nor variables, the values come from `dev.env` in the data folder of a running `aliquot dev`.\n\n"

func (f field) defaultText() string {
	switch {
	case f.required:
		return "required"
	case f.value == "":
		return "empty"
	}
	return "`" + f.value + "`"
}

func (f field) meaningText() string {
	text := strings.NewReplacer("<", "&lt;", ">", "&gt;", "|", "\\|").Replace(f.meaning)
	if f.secret {
		return text + " Secret."
	}
	return text
}
