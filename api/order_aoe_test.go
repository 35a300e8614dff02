package api_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/order"
)

// Questions of the demonstration catalogue at Quest.
const (
	asksFasting = 5200000000001
	asksPurpose = 5200000000011
	asksType    = 5200000000012
	asksCounty  = 5200000000013
)

func aoe(marker int64, question int, answer string) map[string]any {
	return map[string]any{"marker_id": marker, "question_id": question, "answer": answer}
}

func TestAnswersOnOrderEntry(t *testing.T) {
	t.Parallel()
	f := newDemo(t)
	lead := f.marker("quest", "lead-blood")
	given := map[string]any{
		"order_set.lab_test_ids": []any{questLead},
		"aoe_answers": []any{aoe(lead, asksPurpose, "I"), aoe(lead, asksType, "V"),
			aoe(lead, asksCounty, "Maricopa")},
	}
	require.Equal(t, []order.AoEAnswer{
		{MarkerID: lead, QuestionID: asksPurpose, Answer: "I", Code: "PBPURPOSE",
			Question: "What is the purpose of the blood lead test?", Text: "Initial screening"},
		{MarkerID: lead, QuestionID: asksType, Answer: "V", Code: "PBTYPE", Question: "How is the blood taken?",
			Text: "Venous"},
		{MarkerID: lead, QuestionID: asksCounty, Answer: "Maricopa", Code: "PBCOUNTY",
			Question: "In which county does the patient live?"},
	}, f.order(f.createOrder(given)).AoEAnswers)

	// Questions without an answer: the lab test says whether the patient has fasted, a question has a default, and an
	// optional one stays open.
	answers := func(set map[string]any) map[string]string {
		out := map[string]string{}
		for _, a := range f.order(f.createOrder(set)).AoEAnswers {
			out[a.Code] = a.Answer
		}
		return out
	}
	require.Equal(t, map[string]string{"FASTING": "Y"},
		answers(map[string]any{"order_set.lab_test_ids": []any{questAnnual}}))
	require.Equal(t, map[string]string{"FASTING": "N"},
		answers(map[string]any{"order_set.lab_test_ids": []any{questTeam}}))
	metabolic, lipids := f.marker("quest", "comprehensive-metabolic-panel"), f.marker("quest", "lipid-panel")
	require.Equal(t, map[string]string{"FASTING": "N"}, answers(map[string]any{
		"order_set.lab_test_ids": []any{questAnnual}, "aoe_answers": []any{aoe(metabolic, asksFasting, "N"),
			aoe(lipids, asksFasting, "N")},
	}), "an explicit answer overrides it")
	require.Equal(t, map[string]string{"SYMPTOMS": "NONE"}, answers(map[string]any{
		"order_set": map[string]any{"add_on": map[string]any{"marker_ids": []any{f.marker("quest",
			"trichomonas-vaginalis-urine")}}}, "collection_method": "walk_in_test",
	}))
	require.NotContains(t, f.logs.String(), "Maricopa")
}

func TestAnswersThatDoNotFit(t *testing.T) {
	t.Parallel()
	f := newDemo(t)
	lead := f.marker("quest", "lead-blood")
	ask := func(test string, answers ...any) reply {
		return f.sendWithKey(http.MethodPost, "/v3/order", f.key,
			f.orderBody(map[string]any{"order_set.lab_test_ids": []any{test}, "aoe_answers": answers}))
	}
	r := ask(questLead, aoe(lead, asksPurpose, "X"), aoe(1, asksPurpose, "I"), aoe(lead, 1, "I"), aoe(lead, asksType, "V"),
		aoe(lead, asksType, "C"),
		aoe(lead, asksCounty, "12"))
	for i, want := range []struct {
		at    int
		field string
	}{{0, "answer"}, {1, "marker_id"}, {2, "question_id"}, {4, "question_id"}, {5, "answer"}} {
		requireAmong(t, r, []any{"body", "aoe_answers", float64(want.at), want.field}, "value_error")
		require.Len(t, r.detail(t), 5, i)
	}
	require.NotContains(t, string(r.body), `"12"`, "what was sent is not repeated")

	r = ask(questLead, aoe(lead, asksType, "V"))
	require.Equal(t, http.StatusBadRequest, r.status)
	require.Contains(t, r.detail(t), "What is the purpose of the blood lead test?")
	require.NotContains(t, r.detail(t), "How is the blood taken?")

	// A failed validation is not stored under an idempotency key.
	body := f.orderBody(map[string]any{"order_set.lab_test_ids": []any{questLead},
		"aoe_answers": []any{aoe(lead, asksPurpose, "X")}})
	require.Equal(t, http.StatusUnprocessableEntity, f.sendWithKey(http.MethodPost, "/v3/order", f.key, body,
		"X-Idempotency-Key", "k").status)
	body["aoe_answers"] = []any{aoe(lead, asksPurpose, "I"), aoe(lead, asksType, "V")}
	require.Equal(t, http.StatusOK, f.sendWithKey(http.MethodPost, "/v3/order", f.key, body, "X-Idempotency-Key",
		"k").status)
	require.Equal(t, 1, f.countOrders())
}
