package main

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// output is the flag by which a command is told how to show what it has found or done.
type output string

// The values of --output. With JSON, answers of the API are shown as they are; otherwise everything is in words and tables.
const (
	outputText = "text"
	outputJSON = "json"
)

func (o *output) addTo(f *pflag.FlagSet) {
	f.StringVarP((*string)(o), "output", "o", outputText, "text or json")
}

// check refuses what is neither; before anything is done.
func (o *output) check() error {
	if *o != outputText && *o != outputJSON && *o != "table" {
		return fmt.Errorf("--output is %q, not text or json", string(*o))
	}
	return nil
}

// show shows a value as JSON, or says it in words.
func (o *output) show(w io.Writer, v any, words func(io.Writer) error) error {
	if *o != outputJSON {
		return words(w)
	}
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(v)
}

// say shows a value as JSON, or as one line of words.
func (o *output) say(w io.Writer, v any, format string, args ...any) error {
	return o.show(w, v, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, format+"\n", args...)
		return err
	})
}

// prints gives a command that does not go through the API the flag.
func prints(cmd *cobra.Command, o *output) *cobra.Command {
	o.addTo(cmd.Flags())
	return checks(cmd, o)
}

// checks has a command look at the flag, which it has already, before it runs.
func checks(cmd *cobra.Command, o *output) *cobra.Command {
	cmd.PreRunE = func(*cobra.Command, []string) error { return o.check() }
	return cmd
}
