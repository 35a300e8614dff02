package devsystem

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

// DefaultData is the data folder when none is named.
const DefaultData = ".aliquot"

// Options say what Run runs, and where.
type Options struct {
	Data     string // the data folder; made if it is not there
	Postgres string // URL of a PostgreSQL database. Empty: an SQLite file in the data folder.
	NoDemo   bool   // places no order, and takes no webhooks
	Speed    string // of the simulated lab, as sandbox.ParseSpeed reads it
	Lab      string // auto, or manual: the simulated lab sends nothing by itself

	// Where the parts listen. Port 0 stands for a free one.
	API          string
	LabAddr      string
	Receiver     string
	TemporalPort int
	UIPort       int

	// Program is the aliquot binary that the parts run. Defaults to this process's own.
	Program string
	// Out gets what is to be shown.
	Out io.Writer
}

// ErrNoTemporal is returned when there is no Temporal development server on this machine.
var ErrNoTemporal = errors.New("no temporal program on PATH, nor in tools/ beside aliquot: run make tools, or install the Temporal CLI")

// temporalProgram finds the Temporal CLI: on PATH, or where make puts it.
func temporalProgram(aliquot string) (string, error) {
	for _, name := range []string{"temporal", filepath.Join(filepath.Dir(aliquot), "tools", "temporal")} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", ErrNoTemporal
}

func (o Options) withDefaults() (Options, error) {
	if o.Program != "" {
		return o, nil
	}
	var err error
	o.Program, err = os.Executable()
	return o, err
}
