// Command openapidoc writes the OpenAPI document of the API to a file, or, with -check, fails when the file is not what it would
// write.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"

	"github.com/aliquot-labs/aliquot/api"
)

func main() {
	out := flag.String("out", "docs/openapi.json", "the file")
	check := flag.Bool("check", false, "compare instead of writing")
	flag.Parse()
	if err := run(*out, *check); err != nil {
		fmt.Fprintln(os.Stderr, "openapidoc:", err)
		os.Exit(1)
	}
}

func run(path string, check bool) error {
	want, err := api.Document()
	if err != nil {
		return err
	}
	if !check {
		return os.WriteFile(path, want, 0o644)
	}
	have, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if !bytes.Equal(have, want) {
		return errors.New(path + " is out of date: run `go run ./api/openapidoc`")
	}
	return nil
}
