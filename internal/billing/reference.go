package billing

import (
	"bytes"
	_ "embed" // for the built-in set
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/aliquot-labs/aliquot/internal/bodytext"
)

//go:embed reference.json
var builtInJSON []byte

// Reference is a set of payors and diagnoses. It does not change.
type Reference struct {
	payors     []Payor
	diagnoses  []Diagnosis
	exclusions []Exclusion

	payorIndex     map[string]int
	diagnosisIndex map[string]int
}

// document is the form of the file.
type document struct {
	Payors    []Payor     `json:"payors"`
	Diagnoses []Diagnosis `json:"diagnoses"`
	Excludes  []Exclusion `json:"excludes"`
}

// BuiltIn returns the built-in set.
func BuiltIn() (*Reference, error) { return parse(builtInJSON) }

// Load reads the set of a file, or returns the built-in set if path is empty. Its error lists everything that is wrong
// with the file.
func Load(path string) (*Reference, error) {
	if path == "" {
		return BuiltIn()
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading payors and diagnoses: %w", err)
	}
	if text, err = bodytext.FromFile(text); err != nil {
		return nil, fmt.Errorf("reading payors and diagnoses from %s: %w", path, err)
	}
	r, err := parse(text)
	if err != nil {
		return nil, fmt.Errorf("reading payors and diagnoses from %s: %w", path, err)
	}
	return r, nil
}

// parse decodes a set. An unknown name is an error, so that misspelt names are found.
func parse(text []byte) (*Reference, error) {
	var in document
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&in); err != nil {
		return nil, fmt.Errorf("decoding: %w", err)
	}
	if d.More() {
		return nil, errors.New("decoding: there is more than one document")
	}
	r := &Reference{
		payors: in.Payors, diagnoses: in.Diagnoses, exclusions: in.Excludes,
		payorIndex: make(map[string]int, len(in.Payors)), diagnosisIndex: make(map[string]int, len(in.Diagnoses)),
	}
	return r, r.buildIndex()
}

// buildIndex indexes the set by code and normalizes the codes of diagnoses. Its error lists everything that is wrong.
func (r *Reference) buildIndex() error {
	var errs []error
	if len(r.payors) == 0 || len(r.diagnoses) == 0 {
		errs = append(errs, errors.New("there have to be payors and diagnoses"))
	}
	for i, p := range r.payors {
		if _, twice := r.payorIndex[p.Code]; twice {
			errs = append(errs, fmt.Errorf("payor %q is listed twice", p.Code))
		}
		r.payorIndex[p.Code] = i
		errs = append(errs, p.problems()...)
	}
	for i, d := range r.diagnoses {
		code := normalizeCode(d.Code)
		if _, twice := r.diagnosisIndex[code]; twice {
			errs = append(errs, fmt.Errorf("diagnosis %q is listed twice", d.Code))
		}
		r.diagnosisIndex[code] = i
		errs = append(errs, d.problems()...)
		r.diagnoses[i].Code = code
	}
	for _, e := range r.exclusions {
		errs = append(errs, e.problems()...)
	}
	return errors.Join(errs...)
}
