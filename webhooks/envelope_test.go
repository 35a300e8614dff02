package webhooks_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/webhooks"
)

func envelope() webhooks.Envelope {
	return webhooks.Envelope{
		EventType:    webhooks.OrderUpdated,
		TeamID:       "team-1",
		UserID:       "user-1",
		ClientUserID: "3Zru<&>",
		Data:         json.RawMessage(`{"id": "order-1", "note": "a<b"}`),
	}
}

func TestRender(t *testing.T) {
	t.Parallel()
	body, err := webhooks.Render(envelope())
	require.NoError(t, err)
	require.Equal(t, `{"event_type":"labtest.order.updated","team_id":"team-1","user_id":"user-1",`+
		`"client_user_id":"3Zru<&>","data":{"id":"order-1","note":"a<b"}}`, string(body))

	var read webhooks.Envelope
	require.NoError(t, json.Unmarshal(body, &read))
	require.Equal(t, "order-1", dataID(t, read))
}

func dataID(t *testing.T, e webhooks.Envelope) string {
	t.Helper()
	var data struct{ ID string }
	require.NoError(t, json.Unmarshal(e.Data, &data))
	return data.ID
}

func TestRenderMatchReviewWithoutUser(t *testing.T) {
	t.Parallel()
	e := envelope()
	e.EventType, e.UserID, e.ClientUserID = webhooks.MatchReviewCreated, "", ""
	body, err := webhooks.Render(e)
	require.NoError(t, err)
	require.NotContains(t, string(body), "user_id")
}

func TestRenderRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string]func(*webhooks.Envelope){
		"no event type":     func(e *webhooks.Envelope) { e.EventType = "" },
		"no team":           func(e *webhooks.Envelope) { e.TeamID = "" },
		"no user":           func(e *webhooks.Envelope) { e.UserID = "" },
		"no client user":    func(e *webhooks.Envelope) { e.ClientUserID = "" },
		"no data":           func(e *webhooks.Envelope) { e.Data = nil },
		"data null":         func(e *webhooks.Envelope) { e.Data = json.RawMessage(`null`) },
		"data an array":     func(e *webhooks.Envelope) { e.Data = json.RawMessage(`[{}]`) },
		"data not JSON":     func(e *webhooks.Envelope) { e.Data = json.RawMessage(`{"name":"Jane Roe"`) },
		"data two objects":  func(e *webhooks.Envelope) { e.Data = json.RawMessage(`{}{}`) },
		"data empty string": func(e *webhooks.Envelope) { e.Data = json.RawMessage(` `) },
	}
	for name, spoil := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := envelope()
			spoil(&e)
			_, err := webhooks.Render(e)
			require.Error(t, err)
			require.NotContains(t, err.Error(), "Jane")
		})
	}
}

func TestRenderExhausted(t *testing.T) {
	t.Parallel()
	x := webhooks.ExhaustedPayload{
		AppID: "team-1", EndpointID: "ep-1", MsgID: "msg-1",
		LastAttempt: webhooks.LastAttempt{ID: "atmpt-8", ResponseStatusCode: 500,
			Timestamp: time.Date(2025, 3, 4, 5, 6, 7, 0, time.UTC)},
	}
	body, err := webhooks.RenderExhausted(x)
	require.NoError(t, err)
	require.JSONEq(t, `{"type":"message.attempt.exhausted","data":{"appId":"team-1","endpointId":"ep-1","msgId":"msg-1",
		"lastAttempt":{"id":"atmpt-8","responseStatusCode":500,"timestamp":"2025-03-04T05:06:07Z"}}}`, string(body))

	x.MsgID = ""
	_, err = webhooks.RenderExhausted(x)
	require.Error(t, err)
}

func TestRenderDisabled(t *testing.T) {
	t.Parallel()
	since := time.Date(2025, 3, 4, 5, 6, 7, 0, time.UTC)
	body, err := webhooks.RenderDisabled(webhooks.DisabledPayload{AppID: "team-1", EndpointID: "ep-1", FailSince: &since,
		Reason: "failing"})
	require.NoError(t, err)
	require.JSONEq(t,
		`{"type":"endpoint.disabled","data":{"appId":"team-1","endpointId":"ep-1","failSince":"2025-03-04T05:06:07Z",
		"reason":"failing"}}`, string(body))
	_, err = webhooks.RenderDisabled(webhooks.DisabledPayload{AppID: "team-1", EndpointID: "ep-1"})
	require.Error(t, err)
}

func TestOperationalEventsHaveToBeNamed(t *testing.T) {
	t.Parallel()
	for _, eventType := range webhooks.EventTypes() {
		require.Equal(t, strings.HasPrefix(eventType, "labtest."), webhooks.FilterAccepts(nil, eventType), eventType)
		require.True(t, webhooks.FilterAccepts([]string{"labtest.order.created", eventType}, eventType))
		require.False(t, webhooks.FilterAccepts([]string{}, eventType))
	}
	require.False(t, webhooks.FilterAccepts([]string{webhooks.OrderCreated}, webhooks.OrderUpdated))
}

func TestEventTypes(t *testing.T) {
	t.Parallel()
	require.Equal(t, []string{
		"labtest.order.created", "labtest.order.updated", "labtest.appointment.created", "labtest.appointment.updated",
		"labtest.result.critical", "labtest.match_review.created", "labtest.match_review.updated",
		"message.attempt.exhausted",
		"endpoint.disabled",
	}, webhooks.EventTypes())
}
