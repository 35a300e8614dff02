package main

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// outputFormat is the value of the flag --output.
type outputFormat string

// The values of --output. With json, answers of the API are printed as they are; otherwise as text and tables.
const (
	outputText = "text"
	outputJSON = "json"
)

func (o *outputFormat) addFlag(f *pflag.FlagSet) {
	f.StringVarP((*string)(o), "output", "o", outputText, "text or json")
}

// validate returns an error for an unknown format. "table" is accepted as well. Commands call it before they do
// anything.
func (o *outputFormat) validate() error {
	if *o != outputText && *o != outputJSON && *o != "table" {
		return fmt.Errorf("--output is %q, not text or json", string(*o))
	}
	return nil
}

// printValue prints a value as JSON, or calls words to print it as text.
func (o *outputFormat) printValue(w io.Writer, v any, words func(io.Writer) error) error {
	if *o != outputJSON {
		return words(w)
	}
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(v)
}

// printLine prints a value as JSON, or as one formatted line.
func (o *outputFormat) printLine(w io.Writer, v any, format string, args ...any) error {
	return o.printValue(w, v, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, format+"\n", args...)
		return err
	})
}

// withOutputFlag adds the flag --output to a command that does not use the API.
func withOutputFlag(cmd *cobra.Command, o *outputFormat) *cobra.Command {
	o.addFlag(cmd.Flags())
	return validateOutputFirst(cmd, o)
}

// validateOutputFirst makes a command check its flag --output before it runs.
func validateOutputFirst(cmd *cobra.Command, o *outputFormat) *cobra.Command {
	cmd.PreRunE = func(*cobra.Command, []string) error { return o.validate() }
	return cmd
}
