package catalogue

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/aliquot-labs/aliquot/order"
)

func (r *reader) readMarker(m Marker) {
	r.requireUnique("id", "marker", m.ID)
	lab, ok := r.findLab(m.Lab)
	if !ok {
		return
	}
	if known, ok := r.knownMarkers[m.ID]; ok && known.LabID != nil && *known.LabID != lab.ID {
		r.addProblem("lab", "marker %d is known as one of another lab", m.ID)
	}
	if m.ProviderID != "" {
		r.requireUnique("provider_id", "code of "+m.Lab, m.ProviderID)
		if other, taken := r.knownCodes[markerCodeKey(lab.ID, m.ProviderID)]; taken {
			r.addProblem("provider_id", "marker %d, imported before, has %s too", other, m.ProviderID)
		}
	}
	if m.Reflex && m.ALaCarte {
		r.addProblem("a_la_carte", "a reflex cannot be ordered")
	}
	r.checkTurnaround(m.CommonTATDays, m.WorstCaseTATDays)
	r.checkLOINC("loinc", m.LOINC)
	marker := order.Marker{
		ID: m.ID, Name: m.Name, Slug: m.Slug, Description: m.Description, LabID: &lab.ID,
		Type: new(cmp.Or(m.Type, "biomarker")), LOINC: m.LOINC, Unit: m.Unit, SampleType: m.SampleType,
		Pricing:       m.Price.toOrderPrice(r),
		CommonTATDays: m.CommonTATDays, WorstCaseTATDays: m.WorstCaseTATDays, ALaCarte: m.ALaCarte,
		Reflex: m.Reflex, Inactive: m.Active != nil && !*m.Active,
	}
	if m.ProviderID != "" {
		marker.ProviderID = &m.ProviderID
	}
	if m.Price != nil {
		marker.Price = new(fmt.Sprintf("%d.%02d", m.Price.BaseCents/100, m.Price.BaseCents%100))
	}
	marker.Questions, marker.ExpectedResults = r.readQuestions(m.Questions), r.expectedResults(m)
	r.markers[m.ID] = marker
	r.out.Markers = append(r.out.Markers, marker)
}

// markerCodeKey returns a map key of a lab's code of a marker.
func markerCodeKey(labID int, code string) string { return strconv.Itoa(labID) + " " + code }

func (r *reader) checkLOINC(field string, code *string) {
	if code != nil && !validLOINC(*code) {
		r.addProblem(field, "%s has a wrong check digit", *code)
	}
}

func (r *reader) readQuestions(all []Question) []order.Question {
	out := make([]order.Question, 0, len(all))
	ids := map[int64]bool{}
	at := r.path
	defer func() { r.path = at }()
	for i, q := range all {
		r.path = fmt.Sprintf("%s.aoe[%d]", at, i)
		if ids[q.ID] {
			r.addProblem("id", "another question has %d too", q.ID)
		}
		ids[q.ID] = true
		out = append(out, r.readQuestion(q, i))
	}
	if len(out) == 0 {
		return nil
	}
	slices.SortStableFunc(out, func(a, b order.Question) int { return a.Sequence - b.Sequence })
	return out
}

func (r *reader) readQuestion(q Question, i int) order.Question {
	out := order.Question{
		ID: q.ID, Code: q.Code, Text: q.Value, Type: order.QuestionType(q.Type), Required: q.Required,
		Sequence: cmp.Or(q.Sequence, i+1), Constraint: q.Constraint, Default: q.Default, Pattern: q.Pattern,
		MaxLength: q.MaxLength, Minimum: q.Minimum, Maximum: q.Maximum, Fasting: (*order.FastingAnswers)(q.Fasting),
	}
	codes := map[string]bool{}
	for j, a := range q.Answers {
		if codes[a.Code] {
			r.addProblem(fmt.Sprintf("answers[%d].code", j), "another answer has %s too", a.Code)
		}
		codes[a.Code] = true
		out.Choices = append(out.Choices, order.Choice{ID: a.ID, Code: a.Code, Text: a.Value})
	}
	r.checkQuestionType(q, out)
	if q.Default != nil {
		if wrong := out.AnswerProblem(*q.Default); wrong != "" {
			r.addProblem("default", "no good answer: %s", wrong)
		}
	}
	return out
}

// checkQuestionType records fields of a question that its type does not allow.
func (r *reader) checkQuestionType(q Question, out order.Question) {
	choice := q.Type == string(order.QuestionChoice) || q.Type == string(order.QuestionMultiChoice)
	text, number := q.Type == string(order.QuestionText), q.Type == string(order.QuestionNumeric)
	if choice != (len(q.Answers) > 0) {
		r.addProblem("answers", "needed for the types choice and multi_choice, and only for them")
	}
	if !text && (q.Pattern != "" || q.MaxLength > 0) {
		r.addProblem("pattern", "only for the type text")
	}
	if !number && (q.Minimum != nil || q.Maximum != nil) {
		r.addProblem("minimum", "only for the type numeric")
	}
	if q.Minimum != nil && q.Maximum != nil && *q.Minimum > *q.Maximum {
		r.addProblem("maximum", "less than minimum")
	}
	if _, err := regexp.Compile(q.Pattern); err != nil {
		r.addProblem("pattern", "not a regular expression")
	}
	if q.Fasting == nil {
		return
	}
	for field, code := range map[string]string{"yes": q.Fasting.Yes, "no": q.Fasting.No} {
		if out.AnswerProblem(code) != "" {
			r.addProblem("fasting."+field, "%q is no answer", code)
		}
	}
}

// expectedResults returns the results of a marker: those of the file, or one with the marker's own name and codes if it
// has a LOINC code.
func (r *reader) expectedResults(m Marker) []order.ExpectedResult {
	if len(m.Expected) == 0 {
		if m.LOINC == nil {
			return nil
		}
		result := order.ExpectedResult{ID: m.ID, Name: m.Name, Slug: m.Slug, Required: true,
			LOINC: newLOINC(*m.LOINC, m.Name, m.Slug, m.Unit)}
		if m.ProviderID != "" {
			result.ProviderID = &m.ProviderID
		}
		return []order.ExpectedResult{result}
	}
	ids := map[int64]bool{}
	out := make([]order.ExpectedResult, len(m.Expected))
	for i, e := range m.Expected {
		at := fmt.Sprintf("expected_results[%d].", i)
		r.checkLOINC(at+"loinc", e.LOINC)
		if ids[e.ID] {
			r.addProblem(at+"id", "another result has %d too", e.ID)
		}
		ids[e.ID] = true
		out[i] = order.ExpectedResult{ID: e.ID, Name: e.Name, Slug: e.Slug, ProviderID: e.ProviderID,
			Required: e.Required == nil || *e.Required}
		if e.LOINC != nil {
			out[i].LOINC = newLOINC(*e.LOINC, e.Name, e.Slug, e.Unit)
		}
	}
	return out
}

// newLOINC returns a LOINC code. Its id is the number before the check digit.
func newLOINC(code, name, slug string, unit *string) *order.LOINC {
	digits, _, _ := strings.Cut(code, "-")
	id, _ := strconv.ParseInt(digits, 10, 64)
	return &order.LOINC{ID: id, Name: name, Slug: slug, Code: code, Unit: unit}
}

// validLOINC reports whether a code has the check digit of the LOINC Users' Guide (Appendix C), which is Luhn's.
func validLOINC(code string) bool {
	digits, check, found := strings.Cut(code, "-")
	if !found || len(check) != 1 || digits == "" {
		return false
	}
	sum := 0
	for i := range len(digits) {
		digit := int(digits[len(digits)-1-i] - '0')
		if digit < 0 || digit > 9 {
			return false
		}
		if i%2 == 0 {
			digit *= 2
		}
		sum += digit/10 + digit%10
	}
	return int(check[0]-'0') == (10-sum%10)%10
}
