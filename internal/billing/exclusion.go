package billing

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// The kinds of exclusions in ICD-10-CM.
const (
	Excludes1 = "excludes1" // the two codes are never coded together
	Excludes2 = "excludes2" // neither code includes the other: if a patient has both, both are coded
)

// Exclusion is an exclusion note of ICD-10-CM at a code. It applies to all codes below that code.
type Exclusion struct {
	Code string `json:"code"`
	Kind string `json:"kind"` // Excludes1 or Excludes2
	// Codes are the excluded codes, including all codes below them. A range is written E08-E13.
	Codes []string `json:"codes"`
}

// excludedPattern matches an excluded code or a range of codes.
var excludedPattern = regexp.MustCompile(`^[A-Z][0-9][0-9A-Z](\.[0-9A-Z]{1,4})?` +
	`(-[A-Z][0-9][0-9A-Z](\.[0-9A-Z]{1,4})?)?$`)

func (e Exclusion) problems() []error {
	var errs []error
	if !icdPattern.MatchString(e.Code) {
		errs = append(errs, fmt.Errorf("an exclusion is at %q, which does not have the form of a code", e.Code))
	}
	if e.Kind != Excludes1 && e.Kind != Excludes2 {
		errs = append(errs, fmt.Errorf("the exclusion at %q is of the kind %q, not %s or %s", e.Code, e.Kind, Excludes1,
			Excludes2))
	}
	if len(e.Codes) == 0 {
		errs = append(errs, fmt.Errorf("the exclusion at %q excludes nothing", e.Code))
	}
	for _, c := range e.Codes {
		if !excludedPattern.MatchString(c) {
			errs = append(errs, fmt.Errorf("the exclusion at %q excludes %q, which is neither a code nor a range", e.Code, c))
		}
	}
	return errs
}

// Conflict is a pair of codes of one bill that an exclusion applies to.
type Conflict struct {
	Code, With string
	Kind       string
}

// Conflicts returns the exclusions that apply to the codes of a bill: each pair once, in the sequence of the bill. If
// the notes of two codes differ, the stricter one applies.
func (r *Reference) Conflicts(codes []string) []Conflict {
	var distinct []string
	for _, code := range codes {
		if code = normalizeCode(code); !slices.Contains(distinct, code) {
			distinct = append(distinct, code)
		}
	}
	var found []Conflict
	for i, code := range distinct {
		for _, with := range distinct[i+1:] {
			if kind := r.strictestExclusion(code, with); kind != "" {
				found = append(found, Conflict{Code: code, With: with, Kind: kind})
			}
		}
	}
	return found
}

// strictestExclusion returns the strictest kind by which one of two codes excludes the other; empty: none.
func (r *Reference) strictestExclusion(a, b string) string {
	strictest := ""
	for _, e := range r.exclusions {
		if e.excludes(a, b) || e.excludes(b, a) {
			if e.Kind == Excludes1 {
				return Excludes1
			}
			strictest = e.Kind
		}
	}
	return strictest
}

func (e Exclusion) excludes(code, other string) bool {
	return strings.HasPrefix(code, e.Code) &&
		slices.ContainsFunc(e.Codes, func(named string) bool { return includesCode(named, other) })
}

// includesCode reports whether a code is the named one, or within the named range, or below them.
func includesCode(named, code string) bool {
	from, to, isRange := strings.Cut(named, "-")
	if !isRange {
		to = from
	}
	return code >= from && code[:min(len(code), len(to))] <= to && (isRange || strings.HasPrefix(code, from))
}
