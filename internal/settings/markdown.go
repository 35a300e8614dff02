package settings

import (
	"fmt"
	"reflect"
	"strings"
)

// fileSuffix makes the name of the variable that names the file of a secret.
const fileSuffix = "_FILE"

// field is what is known of one setting without its value.
type field struct {
	name     string // of the Go field
	variable string
	value    string // the default
	meaning  string
	secret   bool
	required bool
}

var secretType = reflect.TypeFor[Secret]()

// allFields lists the settings of a struct, those of embedded structs too.
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
		if f.Anonymous {
			continue
		}
		variable, options, _ := strings.Cut(f.Tag.Get("env"), ",")
		fields = append(fields, field{
			name:     f.Name,
			variable: variable,
			value:    f.Tag.Get("envDefault"),
			meaning:  f.Tag.Get("desc"),
			secret:   f.Type == secretType || f.Type.Kind() == reflect.Slice && f.Type.Elem() == secretType,
			required: strings.Contains(options, "required"),
		})
	}
	return fields
}

// MarkdownTable is the document of all settings, in Markdown.
func MarkdownTable() string {
	var b strings.Builder
	b.WriteString(preface)
	for _, section := range []struct {
		title, about string
		of           any
	}{
		{"Every process", "", Process{}},
		{"API, workers, `migrate`, `bootstrap`, `rebuild` and `key rotate`", "", Common{}},
		{"The same, and `aliquot key new-encryption --wrap`", "", Master{}},
		{"Whoever reaches Temporal", temporalIntro, Temporal{}},
		{"API and workers", "", WebhookNetworks{}},
		{"API and workers: how they end", "", Shutdown{}},
		{"Traces of the API and workers", "", Traces{}},
		{"API: `aliquot api`", "", API{}},
		{"Worker: `aliquot worker`", "", Worker{}},
		{"Workers and `aliquot rollout`", "", Deployment{}},
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

const preface = `<!-- Written by go generate ./settings. Do not edit. -->
# Settings

Every setting is an environment variable, read once at start. A process that finds anything wrong with its settings says
all of it and does not start. A secret can also come from a file: ` + "`NAME_FILE`" + ` names the file that holds
` + "`NAME`" + `. Secrets are never logged.
`

const temporalIntro = "API, workers, `rebuild` and `rollout`. Our certificate is read anew for every connection, so a renewed one needs no restart.\n\n"

const clientIntro = "Flags (`--api`, `--key`, `--data`) win over these; what is set nowhere comes from `dev.env` in the data folder of a\n" +
	"running `aliquot dev`.\n\n"

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
