package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// embeddedFile is a file of others that is built into the program and belongs to no module.
type embeddedFile struct {
	name, version, licence string
	text                   string   // the file with its licence, from the top of the repository
	words                  []string // words that the licence contains
}

// embeddedFiles lists them. A licence here is not one of acceptedLicences; it was read and accepted for its file.
var embeddedFiles = []embeddedFile{{
	name: "DejaVu Sans Condensed, regular and bold", version: "2.37",
	licence: "[Bitstream Vera](../internal/documents/fonts/LICENSE), changes in the public domain: it may be used, " +
		"copied " +
		"and distributed as part of a program",
	text: "internal/documents/fonts/LICENSE",
	words: []string{"Bitstream Vera is a trademark", "DejaVu changes are in public domain",
		"reproduce and distribute the\nFont Software", "sold as part of a larger software package"},
}}

// check returns an error if the licence is not beside the file, or is another one.
func (f embeddedFile) check(repository string) error {
	text, err := os.ReadFile(filepath.Join(repository, f.text))
	if err != nil {
		return fmt.Errorf("reading its licence: %w", err)
	}
	var errs []error
	for _, word := range f.words {
		if !strings.Contains(string(text), word) {
			errs = append(errs, fmt.Errorf("its licence does not say %q", word))
		}
	}
	return errors.Join(errs...)
}

// repositoryRoot returns the folder above the present one that has the go.mod file.
func repositoryRoot() string {
	root := "."
	for range 10 {
		if _, err := os.Stat(filepath.Join(root, "go.mod")); err == nil {
			return root
		}
		root = filepath.Join(root, "..")
	}
	return "."
}
