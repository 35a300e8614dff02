package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/aliquot-labs/aliquot/internal/bodytext"
)

// secretFlag is a flag with a secret, and the flag --NAME-file that reads it from a file.
type secretFlag struct {
	name, value, file string
}

// addTo defines both flags.
func (s *secretFlag) addTo(f *pflag.FlagSet, name, usage string) {
	s.name = name
	f.StringVar(&s.value, name, "", usage+"; visible to other users of this machine, so prefer --"+name+"-file")
	f.StringVar(&s.file, name+"-file", "", "file with the value of --"+name+"; - reads it from standard input")
}

// read returns the secret, and "" when neither flag is given. It warns of a secret on the command line.
func (s *secretFlag) read(cmd *cobra.Command) (string, error) {
	switch {
	case s.file != "" && s.value != "":
		return "", fmt.Errorf("--%s and --%s-file are both given", s.name, s.name)
	case s.file != "":
		return readSecretFile(cmd.InOrStdin(), s.file)
	case s.value != "":
		warnOfVisibleSecret(cmd, s.name, s.name+"-file")
	}
	return s.value, nil
}

// warnOfVisibleSecret warns that the value of a flag is in the list of processes and in the shell's history.
func warnOfVisibleSecret(cmd *cobra.Command, flag, instead string) {
	fmt.Fprintf(cmd.ErrOrStderr(),
		"warning: other users of this machine can see the value of --%s in the list of processes; use --%s\n", flag, instead)
}

// readSecretFile returns the secret that a file holds, without surrounding blanks and line feeds; - is in.
func readSecretFile(in io.Reader, file string) (string, error) {
	var content []byte
	var err error
	if file == "-" {
		content, err = io.ReadAll(in)
	} else {
		content, err = os.ReadFile(file)
	}
	if err != nil {
		return "", fmt.Errorf("reading a secret: %w", err)
	}
	if content, err = bodytext.FromFile(content); err != nil {
		return "", fmt.Errorf("reading %s: %w", nameOfInput(file), err)
	}
	secret := strings.TrimSpace(string(content))
	if secret == "" {
		return "", fmt.Errorf("%s is empty", nameOfInput(file))
	}
	return secret, nil
}

// nameOfInput returns how messages name a file; - is standard input.
func nameOfInput(file string) string {
	if file == "-" {
		return "standard input"
	}
	return file
}

// errMalformedKey means that a text cannot be an API key.
var errMalformedKey = errors.New("the API key is malformed")

// checkAPIKey refuses a text that cannot be sent as an API key, such as one with the rest of a line. The error says
// where, and does not repeat the key.
func checkAPIKey(key string) error {
	for i, r := range []rune(key) {
		if r > ' ' && r < 0x7f && r != '"' && r != '\'' {
			continue
		}
		return fmt.Errorf("%w: its character %d is not one of a key, which has letters, digits and underscores only, "+
			"such as sk_us_…", errMalformedKey, i+1)
	}
	return nil
}

// readHeaders returns the headers of a file with one name=value on each line.
func readHeaders(in io.Reader, file string) (map[string]string, error) {
	text, err := readSecretFile(in, file)
	if err != nil {
		return nil, err
	}
	headers := map[string]string{}
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		name, value, ok := strings.Cut(line, "=")
		if !ok || name == "" {
			return nil, fmt.Errorf("line %d of %s is not name=value", number, nameOfInput(file))
		}
		headers[strings.TrimSpace(name)] = strings.TrimSpace(value)
	}
	return headers, nil
}

// headerFlags are a flag with headers, whose values may be credentials, and one that reads them from a file.
type headerFlags struct {
	name   string
	values map[string]string
	file   string
}

// addTo defines both flags.
func (h *headerFlags) addTo(f *pflag.FlagSet, name, usage string) {
	h.name = name
	f.StringToStringVar(&h.values, name, nil, usage)
	f.StringVar(&h.file, name+"-file", "", "file with a header, name=value, on each line; - reads it from standard input")
}

// read returns the headers, and whether a flag was given. It warns of values on the command line.
func (h *headerFlags) read(cmd *cobra.Command) (headers map[string]string, given bool, err error) {
	onLine := cmd.Flags().Changed(h.name)
	switch {
	case onLine && h.file != "":
		return nil, false, fmt.Errorf("--%s and --%s-file are both given", h.name, h.name)
	case h.file != "":
		headers, err = readHeaders(cmd.InOrStdin(), h.file)
		return headers, err == nil, err
	case len(h.values) > 0:
		warnOfVisibleSecret(cmd, h.name, h.name+"-file")
	}
	return h.values, onLine, nil
}
