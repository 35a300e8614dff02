// Command licences writes the modules that are built into aliquot, with their licences, to docs/licences.md. It fails
// if a licence is unknown or not accepted.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

//go:generate go run . -out ../../docs/licences.md

func main() {
	out := flag.String("out", "docs/licences.md", "the document to write")
	flag.Parse()
	if err := run(*out); err != nil {
		fmt.Fprintln(os.Stderr, "licences: "+err.Error())
		os.Exit(1)
	}
}

func run(out string) error {
	modules, err := linkedModules(context.Background())
	if err != nil {
		return err
	}
	var errs []error
	for i := range modules {
		if modules[i].licence, err = licenceOf(modules[i].dir); err == nil {
			err = checkLicence(modules[i])
		} else if modulesWithoutLicence[modules[i].name()] != "" {
			modules[i].licence, err = "none stated", nil
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", modules[i].path, err))
		}
	}
	for _, f := range embeddedFiles {
		if err := f.check(repositoryRoot()); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", f.name, err))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return os.WriteFile(out, []byte(renderDocument(modules)), 0o644)
}

// module is a module that is built into the program.
type module struct{ path, version, dir, licence string }

func (m module) name() string { return m.path + " " + m.version }

// linkedModules lists the modules of the program's packages on Linux, without the main module, as the go command
// reports them.
func linkedModules(ctx context.Context) ([]module, error) {
	const format = `{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}} {{.Dir}}{{end}}{{end}}`
	list := exec.CommandContext(ctx, "go", "list", "-deps", "-f", format, "github.com/aliquot-labs/aliquot/cmd/aliquot")
	list.Env = append(os.Environ(), "GOOS=linux", "GOARCH=amd64", "CGO_ENABLED=0")
	list.Stderr = os.Stderr
	text, err := list.Output()
	if err != nil {
		return nil, fmt.Errorf("listing the modules: %w", err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	slices.Sort(lines)
	var all []module
	for _, line := range slices.Compact(lines) {
		if fields := strings.Fields(line); len(fields) == 3 {
			all = append(all, module{path: fields[0], version: fields[1], dir: fields[2]})
		}
	}
	return all, nil
}

// licenceOf returns the licence in the licence file of a module's directory.
func licenceOf(dir string) (string, error) {
	for _, pattern := range []string{"LICENSE*", "LICENCE*", "License*", "license*", "COPYING*"} {
		files, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			return "", fmt.Errorf("looking for a licence: %w", err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				continue // a directory with that name
			}
			if found := classify(string(text)); found != "" {
				return found, nil
			}
		}
	}
	return "", errors.New("no licence that is known")
}

func renderDocument(modules []module) string {
	var b strings.Builder
	b.WriteString("<!-- Written by go generate ./internal/licences. Do not edit. -->\n# Licences\n\n")
	b.WriteString("The modules that are built into `aliquot`, with the licence of each. Accepted are: " +
		strings.Join(acceptedLicences, ", ") + ".\n")
	b.WriteString("`make sbom` writes the bill of materials of a build in the form of CycloneDX.\n\n" +
		"| module | version | licence |\n|---|---|---|\n")
	for _, m := range modules {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", m.path, m.version, m.licence)
	}
	b.WriteString("\n| file that is built in | version | licence |\n|---|---|---|\n")
	for _, f := range embeddedFiles {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", f.name, f.version, f.licence)
	}
	for _, name := range slices.Sorted(maps.Keys(modulesWithoutLicence)) {
		fmt.Fprintf(&b, "\n`%s` states no licence: %s.\n", name, modulesWithoutLicence[name])
	}
	return b.String()
}
