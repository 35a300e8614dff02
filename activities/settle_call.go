package activities

import (
	"context"
	"strconv"
	"strings"

	"github.com/aliquot-labs/aliquot/order"
)

// kindsOfRounds are the kinds of calls, as the story shows them, whose rounds without an answer raise a mark.
var kindsOfRounds = map[order.CallKind]string{order.CallPlace: "place", order.CallCancel: "cancel",
	order.CallCorrect: "correct"}

// withHTTPStatus adds to a round without an answer the HTTP status of its last attempt, which the round's mark shows. A
// run does not know it: errors in the history say only that there was no usable answer.
func (s *settling) withHTTPStatus(ctx context.Context, c order.Cause) (order.Cause, error) {
	if c.Call == nil || c.Call.Answer != order.AnswerNone || kindsOfRounds[c.Call.Kind] == "" {
		return c, nil
	}
	outcome, err := s.Store.LastPartnerCallOutcome(ctx, s.orderID, kindsOfRounds[c.Call.Kind], c.Call.ID)
	if err != nil {
		return c, err
	}
	call := *c.Call
	call.HTTPStatus = statusOfOutcome(outcome)
	return order.Cause{Call: &call}, nil
}

// statusOfOutcome returns the HTTP status in the outcome of a call, such as unanswered:404; 0: it has none.
func statusOfOutcome(outcome string) int {
	kind, number, _ := strings.Cut(outcome, ":")
	status, err := strconv.Atoi(number)
	if err != nil || kind != "unanswered" && kind != "busy" && kind != "unauthorized" {
		return 0
	}
	return status
}
