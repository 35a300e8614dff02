package partnerhttp

import (
	"regexp"
	"strings"

	"github.com/aliquot-labs/aliquot/lifecycle"
)

// rejectionPatterns maps the words of a rejection to a status detail. The first row that matches applies. The detail is
// for display only: whether a kit can be recovered is never concluded from the words (molecular-api#d19). No lab has
// published a list of its reasons.
var rejectionPatterns = []struct {
	detail lifecycle.Detail
	words  *regexp.Regexp
}{
	// This row is before those about devices, because "sex at birth / device discrepancy" is about the patient.
	{
		lifecycle.DemographicInformationMismatch,
		regexp.MustCompile(`\bidentifiers? (does not|do not|doesn't|don't) match|` +
			`\b(identifiers?|sex( at birth)?|gender)\b.* (mismatch|discrepancy)|` +
			`mismatch(ed)? .*\b(identifiers?|sex|gender)\b`),
	},
	{
		lifecycle.SampleQuantityNotSufficient,
		regexp.MustCompile(`\bqns\b|\b(quantity|volume) (is |was )?(not sufficient|insufficient)|` +
			`\binsufficient (quantity|volume|sample|specimen)|\bleak(s|ed|ing|age)?\b`),
	},
	{lifecycle.SampleHemolyzed, regexp.MustCompile(`\bha?emoly[sz]`)},
	{lifecycle.SampleContaminated, regexp.MustCompile(`contaminat`)},
	{
		lifecycle.SampleStabilityExceeded,
		regexp.MustCompile(`\bexpired\b|\bcollection date\b.*(\d+ days|exceed|outside)|` +
			`\boutside (of )?(the )?acceptance criteria|\bstability\b`),
	},
	{
		lifecycle.SampleImproperCollection,
		regexp.MustCompile(`\b(invalid|wrong|incorrect) (specimen|sample|collection)? ?(type|device)|\bover-? ?filled`),
	},
}

// RejectionDetail returns the status detail for the words of a rejection; empty if no pattern matches.
func RejectionDetail(reason string) lifecycle.Detail {
	reason = strings.TrimSuffix(strings.Join(strings.Fields(strings.ToLower(reason)), " "), ".")
	for _, row := range rejectionPatterns {
		if row.words.MatchString(reason) {
			return row.detail
		}
	}
	return ""
}
