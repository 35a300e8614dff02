package main

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// outputFormat is the flag by which a command is told how to show what it has found or done.
type outputFormat string

// The values of --output. With JSON, answers of the API are shown as they are; otherwise everything is in words and tables.
const (
	outputText = "text"
	outputJSON = "json"
)

func (o *outputFormat) addFlag(f *pflag.FlagSet) {
	f.StringVarP((*string)(o), "output", "o", outputText, "text or json")
}

// validate refuses what is neither; before anything is done.
func (o *outputFormat) validate() error {
	if *o != outputText && *o != outputJSON && *o != "table" {
		return fmt.Errorf("--output is %q, not text or json", string(*o))
	}
	return nil
}

// printValue shows a value as JSON, or says it in words.
func (o *outputFormat) printValue(w io.Writer, v any, words func(io.Writer) error) error {
	if *o != outputJSON {
		return words(w)
	}
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(v)
}

// printLine shows a value as JSON, or as one line of words.
func (o *outputFormat) printLine(w io.Writer, v any, format string, args ...any) error {
	return o.printValue(w, v, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, format+"\n", args...)
		return err
	})
}

// withOutputFlag gives a command that does not go through the API the flag.
func withOutputFlag(cmd *cobra.Command, o *outputFormat) *cobra.Command {
	o.addFlag(cmd.Flags())
	return validateOutputFirst(cmd, o)
}

// validateOutputFirst has a command look at the flag, which it has already, before it runs.
func validateOutputFirst(cmd *cobra.Command, o *outputFormat) *cobra.Command {
	cmd.PreRunE = func(*cobra.Command, []string) error { return o.validate() }
	return cmd
}
