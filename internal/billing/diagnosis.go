package billing

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Diagnosis is a billable code of ICD-10-CM.
type Diagnosis struct {
	Code        string `json:"code"` // with its point: E11.9
	Description string `json:"description"`
	// Secondary says that the code never stands first on a bill.
	Secondary bool `json:"secondary,omitempty"`
}

// icdPattern is the form of an ICD-10-CM code: a category of three characters, and up to four after the point.
var icdPattern = regexp.MustCompile(`^[A-Z][0-9][0-9A-Z](\.[0-9A-Z]{1,4})?$`)

// normalizeCode is a code as it is printed, E11.9, however it was written: e119, " E11.9".
func normalizeCode(code string) string {
	code = strings.ToUpper(strings.ReplaceAll(strings.TrimSpace(code), ".", ""))
	if len(code) <= 3 {
		return code
	}
	return code[:3] + "." + code[3:]
}

func (d Diagnosis) problems() []error {
	var errs []error
	if !icdPattern.MatchString(normalizeCode(d.Code)) {
		errs = append(errs, fmt.Errorf("diagnosis %q has not the form of an ICD-10-CM code", d.Code))
	}
	if d.Description == "" {
		errs = append(errs, fmt.Errorf("diagnosis %q has no description", d.Code))
	}
	return errs
}

// DiagnosisByCode finds a diagnosis by its code, however that is written.
func (r *Reference) DiagnosisByCode(code string) (Diagnosis, bool) {
	i, ok := r.diagnosisIndex[normalizeCode(code)]
	if !ok {
		return Diagnosis{}, false
	}
	return r.diagnoses[i], true
}

// maxDiagnoses is how many diagnoses a search finds at most.
const maxDiagnoses = 50

// SearchDiagnoses finds diagnoses whose code begins with the query, or whose description has all its words, each at the beginning of one of
// its own; codes first, then by code.
func (r *Reference) SearchDiagnoses(query string) []Diagnosis {
	code, words := normalizeCode(query), strings.Fields(strings.ToLower(query))
	if len(words) == 0 {
		return nil
	}
	var byCode, byWord []Diagnosis
	for _, d := range r.diagnoses {
		switch {
		case strings.HasPrefix(d.Code, code):
			byCode = append(byCode, d)
		case hasWords(d.Description, words):
			byWord = append(byWord, d)
		}
	}
	for _, found := range [][]Diagnosis{byCode, byWord} {
		slices.SortFunc(found, func(a, b Diagnosis) int { return strings.Compare(a.Code, b.Code) })
	}
	found := slices.Concat(byCode, byWord)
	return found[:min(len(found), maxDiagnoses)]
}

// isSeparator are what stands between the words of a description.
func isSeparator(r rune) bool { return strings.ContainsRune(" ,()[]/-", r) }

func hasWords(description string, words []string) bool {
	own := strings.FieldsFunc(strings.ToLower(description), isSeparator)
	return !slices.ContainsFunc(words, func(word string) bool {
		return !slices.ContainsFunc(own, func(o string) bool { return strings.HasPrefix(o, word) })
	})
}

// ErrNotICD and ErrNotBillable say why a code is not good.
var (
	ErrNotICD      = errors.New("has not the form of an ICD-10-CM code")
	ErrNotBillable = errors.New("is not a billable ICD-10-CM code")
)

// CheckDiagnosisCode says whether a code may stand on a bill. The error is ErrNotICD or ErrNotBillable.
func (r *Reference) CheckDiagnosisCode(code string) error {
	if !icdPattern.MatchString(normalizeCode(code)) {
		return ErrNotICD
	}
	if _, ok := r.DiagnosisByCode(code); !ok {
		return ErrNotBillable
	}
	return nil
}
