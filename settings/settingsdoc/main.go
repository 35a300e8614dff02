// Command settingsdoc writes docs/settings.md from the structs in package settings, or with -check says whether it is current.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/aliquot-labs/aliquot/settings"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stderr))
}

// run returns the exit code: 1 when the file differs or cannot be written, 2 on wrong usage.
func run(args []string, stderr io.Writer) int {
	flags := flag.NewFlagSet("settingsdoc", flag.ContinueOnError)
	flags.SetOutput(stderr)
	out := flags.String("out", "docs/settings.md", "the file to write or check")
	check := flags.Bool("check", false, "write nothing; exit 1 if the file is not current")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	do := write
	if *check {
		do = verify
	}
	if err := do(*out); err != nil {
		fmt.Fprintln(stderr, "settingsdoc:", err)
		return 1
	}
	return 0
}

func write(path string) error {
	if err := os.WriteFile(path, []byte(settings.Table()), 0o644); err != nil {
		return fmt.Errorf("writing the document of settings: %w", err)
	}
	return nil
}

func verify(path string) error {
	found, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("reading the document of settings: %w", err)
	}
	if !bytes.Equal(found, []byte(settings.Table())) {
		return fmt.Errorf("%s is not current: run go generate ./settings", path)
	}
	return nil
}
