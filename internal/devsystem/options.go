package devsystem

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"unicode"
)

// DefaultData is the default data folder.
const DefaultData = ".aliquot"

// Options configure Run.
type Options struct {
	Data     string // the data folder; created if it does not exist
	Postgres string // URL of a PostgreSQL database; empty: an SQLite file in the data folder
	NoDemo   bool   // places no order, and receives no webhooks
	Speed    string // of the simulated lab, for simlab.ParseSpeed
	Lab      string // auto, or manual: the simulated lab sends only what control endpoints ask for

	// The addresses of the processes. Port 0 is any free port.
	API          string
	LabAddr      string
	Receiver     string
	TemporalPort int
	UIPort       int

	// Program is the path of the aliquot binary. Defaults to the running program.
	Program string
	// Out gets the messages for the user.
	Out io.Writer
}

// ErrNoTemporal means that the Temporal CLI was not found.
var ErrNoTemporal = errors.New("no temporal program on PATH, nor in tools/ beside aliquot: " +
	"run make tools, or install the Temporal CLI")

// temporalProgram finds the Temporal CLI: on PATH, or where make installs it.
func temporalProgram(aliquot string) (string, error) {
	for _, name := range []string{"temporal", filepath.Join(filepath.Dir(aliquot), "tools", "temporal")} {
		if path, err := exec.LookPath(name); err == nil {
			return filepath.Abs(path) // it runs in another folder
		}
	}
	return "", ErrNoTemporal
}

func (o Options) withDefaults() (Options, error) {
	if strings.ContainsFunc(o.Data, unicode.IsControl) {
		return o, errors.New("the data folder has a control character in its name, such as a line feed")
	}
	o.Postgres = strings.TrimSpace(o.Postgres)
	if o.Program != "" {
		return o, nil
	}
	var err error
	o.Program, err = os.Executable()
	return o, err
}
