package order

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// QuestionType says how a question is answered.
type QuestionType string

// The types of client-api#question.
const (
	QuestionChoice      QuestionType = "choice"       // the code of one of its choices
	QuestionMultiChoice QuestionType = "multi_choice" // the codes of some of them, separated by commas
	QuestionText        QuestionType = "text"
	QuestionNumeric     QuestionType = "numeric" // digits, with an optional decimal point
)

// maxAnswerLength bounds an answer in characters where the question does not.
const maxAnswerLength = 500

// Question is a question that a lab asks at order entry (AOE).
type Question struct {
	ID         int64        `json:"id"`
	Code       string       `json:"code"` // the lab's own
	Text       string       `json:"value"`
	Type       QuestionType `json:"type"`
	Required   bool         `json:"required"`
	Sequence   int          `json:"sequence"`
	Choices    []Choice     `json:"answers,omitempty"`
	Constraint *string      `json:"constraint,omitempty"` // a hint for people; the fields below are what is checked
	Default    *string      `json:"default,omitempty"`    // the answer if none is given
	Pattern    string       `json:"pattern,omitempty"`    // text: RE2, of the whole answer
	MaxLength  int          `json:"max_length,omitempty"` // text: characters; 0: 500
	Minimum    *float64     `json:"minimum,omitempty"`    // numeric
	Maximum    *float64     `json:"maximum,omitempty"`    // numeric
	// the question asks whether the patient has fasted; the lab test answers it
	Fasting *FastingAnswers `json:"fasting,omitempty"`
}

// Choice is one of the answers to choose from.
type Choice struct {
	ID   int64  `json:"id"`
	Code string `json:"code"`
	Text string `json:"value"`
}

// FastingAnswers are the two answers to a question that asks whether the patient has fasted.
type FastingAnswers struct {
	Yes string `json:"yes"`
	No  string `json:"no"`
}

var numberPattern = regexp.MustCompile(`^\d{1,12}(\.\d{1,6})?$`)

// AnswerProblem says what is wrong with an answer; empty: it is valid.
func (q Question) AnswerProblem(answer string) string {
	switch q.Type {
	case QuestionChoice:
		return q.choiceProblem(answer)
	case QuestionMultiChoice:
		return q.choicesProblem(answer)
	case QuestionNumeric:
		return q.numberProblem(answer)
	}
	return q.textProblem(answer)
}

func (q Question) choiceProblem(code string) string {
	if slices.ContainsFunc(q.Choices, func(c Choice) bool { return c.Code == code }) {
		return ""
	}
	codes := make([]string, len(q.Choices))
	for i, c := range q.Choices {
		codes[i] = c.Code
	}
	return "Input should be one of " + strings.Join(codes, ", ")
}

func (q Question) choicesProblem(answer string) string {
	chosen := splitChoiceCodes(answer)
	for _, code := range chosen {
		if wrong := q.choiceProblem(code); wrong != "" {
			return wrong
		}
	}
	slices.Sort(chosen)
	if len(slices.Compact(chosen)) != len(splitChoiceCodes(answer)) {
		return "An answer is chosen twice"
	}
	return ""
}

func splitChoiceCodes(answer string) []string {
	codes := strings.Split(answer, ",")
	for i := range codes {
		codes[i] = strings.TrimSpace(codes[i])
	}
	return codes
}

func (q Question) numberProblem(answer string) string {
	value, err := strconv.ParseFloat(answer, 64)
	switch {
	case err != nil || !numberPattern.MatchString(answer):
		return "Input should be a number"
	case q.Minimum != nil && value < *q.Minimum:
		return "Input should be at least " + strconv.FormatFloat(*q.Minimum, 'f', -1, 64)
	case q.Maximum != nil && value > *q.Maximum:
		return "Input should be at most " + strconv.FormatFloat(*q.Maximum, 'f', -1, 64)
	}
	return ""
}

func (q Question) textProblem(answer string) string {
	limit := q.MaxLength
	if limit == 0 {
		limit = maxAnswerLength
	}
	switch {
	case strings.TrimSpace(answer) == "":
		return "Input should not be empty"
	case len([]rune(answer)) > limit:
		return "Input should have at most " + strconv.Itoa(limit) + " characters"
	case q.Pattern == "":
		return ""
	}
	whole, err := regexp.Compile(`^(?:` + q.Pattern + `)$`)
	if err != nil || whole.MatchString(answer) { // the catalogue holds only patterns that compile
		return ""
	}
	if q.Constraint != nil {
		return "Input does not have the form: " + *q.Constraint
	}
	return "Input does not have the form that the lab asks for"
}

// PresumedAnswer returns the answer to a question that nobody answered, for a test with or without fasting; false:
// there is none.
func (q Question) PresumedAnswer(fasting bool) (string, bool) {
	switch {
	case q.Fasting != nil && fasting:
		return q.Fasting.Yes, true
	case q.Fasting != nil:
		return q.Fasting.No, true
	case q.Default != nil:
		return *q.Default, true
	}
	return "", false
}

// AnswerWith returns an answer together with its question, so that it can be read without the catalogue.
func (q Question) AnswerWith(markerID int64, answer string) AoEAnswer {
	a := AoEAnswer{MarkerID: markerID, QuestionID: q.ID, Answer: answer, Code: q.Code, Question: q.Text}
	if q.Type != QuestionChoice && q.Type != QuestionMultiChoice {
		return a
	}
	var texts []string
	for _, code := range splitChoiceCodes(answer) {
		i := slices.IndexFunc(q.Choices, func(c Choice) bool { return c.Code == code })
		if i >= 0 {
			texts = append(texts, q.Choices[i].Text)
		}
	}
	a.Text = strings.Join(texts, ", ")
	return a
}
