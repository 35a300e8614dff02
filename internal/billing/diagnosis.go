package billing

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Diagnosis is a billable ICD-10-CM code.
type Diagnosis struct {
	Code        string `json:"code"` // with its point, such as E11.9
	Description string `json:"description"`
	// Secondary: the code must not be the first one of a bill.
	Secondary bool `json:"secondary,omitempty"`
}

// icdPattern matches the form of an ICD-10-CM code: a category of three characters, and up to four after the point.
var icdPattern = regexp.MustCompile(`^[A-Z][0-9][0-9A-Z](\.[0-9A-Z]{1,4})?$`)

// normalizeCode returns a code in its printed form, E11.9, from other spellings such as e119 or " E11.9".
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
		errs = append(errs, fmt.Errorf("diagnosis %q does not have the form of an ICD-10-CM code", d.Code))
	}
	if d.Description == "" {
		errs = append(errs, fmt.Errorf("diagnosis %q has no description", d.Code))
	}
	return errs
}

// DiagnosisByCode finds a diagnosis by its code in any spelling.
func (r *Reference) DiagnosisByCode(code string) (Diagnosis, bool) {
	i, ok := r.diagnosisIndex[normalizeCode(code)]
	if !ok {
		return Diagnosis{}, false
	}
	return r.diagnoses[i], true
}

// maxDiagnoses is the greatest number of search results.
const maxDiagnoses = 50

// SearchDiagnoses finds diagnoses whose code begins with the query, and then those whose description contains, for
// every word of the query, a word that begins with it. Both parts are sorted by code.
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

// isSeparator reports whether a character separates words of a description.
func isSeparator(r rune) bool { return strings.ContainsRune(" ,()[]/-", r) }

func hasWords(description string, words []string) bool {
	own := strings.FieldsFunc(strings.ToLower(description), isSeparator)
	return !slices.ContainsFunc(words, func(word string) bool {
		return !slices.ContainsFunc(own, func(o string) bool { return strings.HasPrefix(o, word) })
	})
}

// ErrNotICD and ErrNotBillable are the errors of CheckDiagnosisCode.
var (
	ErrNotICD      = errors.New("has not the form of an ICD-10-CM code")
	ErrNotBillable = errors.New("is not a billable ICD-10-CM code")
)

// CheckDiagnosisCode checks that a code can be used on a bill. Its error is ErrNotICD or ErrNotBillable.
func (r *Reference) CheckDiagnosisCode(code string) error {
	if !icdPattern.MatchString(normalizeCode(code)) {
		return ErrNotICD
	}
	if _, ok := r.DiagnosisByCode(code); !ok {
		return ErrNotBillable
	}
	return nil
}
