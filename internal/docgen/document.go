// Package docgen implements the commands that write a generated document, or check that it is current.
package docgen

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"os"
)

// GeneratedFile is a document that is generated from code.
type GeneratedFile struct {
	Command string // the command's name
	Path    string // path of the document, relative to the repository's root
	Package string // the package whose go:generate line writes it
	Render  func() ([]byte, error)
}

// Run writes the document. With -check it checks that the document is current. -out names another file. It returns the
// exit code: 1 if the file differs or cannot be written, 2 for wrong usage.
func (g GeneratedFile) Run(args []string, stderr io.Writer) int {
	flags := flag.NewFlagSet(g.Command, flag.ContinueOnError)
	flags.SetOutput(stderr)
	out := flags.String("out", g.Path, "the file to write or check")
	check := flags.Bool("check", false, "write nothing; exit 1 if the file is not current")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	do := g.write
	if *check {
		do = g.checkCurrent
	}
	if err := do(*out); err != nil {
		fmt.Fprintf(stderr, "%s: %v\n", g.Command, err)
		return 1
	}
	return 0
}

func (g GeneratedFile) write(path string) error {
	text, err := g.Render()
	if err != nil {
		return fmt.Errorf("rendering %s: %w", path, err)
	}
	if err := os.WriteFile(path, text, 0o644); err != nil {
		return fmt.Errorf("writing a document: %w", err)
	}
	return nil
}

func (g GeneratedFile) checkCurrent(path string) error {
	want, err := g.Render()
	if err != nil {
		return fmt.Errorf("rendering %s: %w", path, err)
	}
	found, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("reading a document: %w", err)
	}
	if !bytes.Equal(found, want) {
		return fmt.Errorf("%s is not current: run go generate %s", path, g.Package)
	}
	return nil
}
