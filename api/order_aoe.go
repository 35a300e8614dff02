package api

import (
	"fmt"
	"strings"

	"github.com/aliquot-labs/aliquot/order"
)

// This file checks and completes the client's answers to the lab's questions at order entry (AOE, client-api#8-orders).

// resolveAoEAnswers returns the AOE answers of an order of the test: the client's, and for questions that the client
// has not answered the presumed ones. It refuses the client's answers with all their problems at once.
func resolveAoEAnswers(test order.LabTest, given []AoEAnswerRequest) ([]order.AoEAnswer, error) {
	var out []order.AoEAnswer
	var problems []*problem
	has := map[[2]int64]bool{}
	for i, a := range given {
		at := fmt.Sprintf("body.aoe_answers[%d].", i)
		q, field, text := findAoEQuestion(test, a)
		key := [2]int64{a.MarkerID, a.QuestionID}
		switch {
		case q == nil:
			problems = append(problems, newProblem("value_error", text, at+field))
			continue
		case has[key]:
			problems = append(problems, newProblem("value_error", "The question is answered twice", at+"question_id"))
		}
		has[key] = true
		if text := q.AnswerProblem(a.Answer); text != "" {
			problems = append(problems, newProblem("value_error", text, at+"answer"))
			continue
		}
		out = append(out, q.AnswerWith(a.MarkerID, a.Answer))
	}
	if len(problems) > 0 {
		return nil, validationError(problems...)
	}
	return addPresumedAnswers(test, out, has)
}

// findAoEQuestion returns the question of an answer. Where there is none it returns the field of the answer that is
// wrong, and the text of the problem.
func findAoEQuestion(test order.LabTest, a AoEAnswerRequest) (question *order.Question, field, text string) {
	for _, m := range test.Markers {
		if m.ID != a.MarkerID {
			continue
		}
		for i := range m.Questions {
			if m.Questions[i].ID == a.QuestionID {
				return &m.Questions[i], "", ""
			}
		}
		return nil, "question_id", "The marker has no such question"
	}
	return nil, "marker_id", "The marker is not ordered"
}

// addPresumedAnswers adds the presumed answers to questions that the client has not answered. It refuses the order when
// a required question has no answer then.
func addPresumedAnswers(test order.LabTest, out []order.AoEAnswer, has map[[2]int64]bool) ([]order.AoEAnswer, error) {
	var open []string
	for _, m := range test.Markers {
		for _, q := range m.Questions {
			if has[[2]int64{m.ID, q.ID}] {
				continue
			}
			if answer, ok := q.PresumedAnswer(test.Fasting); ok {
				out = append(out, q.AnswerWith(m.ID, answer))
			} else if q.Required {
				open = append(open, fmt.Sprintf("%s: %s (marker_id %d, question_id %d)", m.Name, q.Text, m.ID, q.ID))
			}
		}
	}
	if len(open) > 0 {
		return nil, badRequest("Required questions are not answered: " + strings.Join(open, "; "))
	}
	return out, nil
}
