package store

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/internal/testids"
	"github.com/aliquot-labs/aliquot/webhooks"
)

// endpointWebhooks returns the event types and data of the webhook messages that are due at an endpoint.
func endpointWebhooks(t *testing.T, s *Store, endpoint string) []endpointWebhook {
	t.Helper()
	all, err := s.DueDeliveries(t.Context(), DueQuery{EndpointID: endpoint, Now: s.now(), Limit: 100})
	require.NoError(t, err)
	var out []endpointWebhook
	for _, d := range all {
		var n endpointWebhook
		require.NoError(t, json.Unmarshal(d.Body, &n))
		require.Equal(t, d.EventType, n.Type)
		out = append(out, n)
	}
	return out
}

type endpointWebhook struct {
	Type string         `json:"type"`
	Data map[string]any `json:"data"`
}

func TestExhaustionIsSentToOperationalEndpoints(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		at := s.now()
		s.now = func() time.Time { return at }
		team := addTeam(t, s).ID
		endpoint := addEndpoint(t, s, team, orderUpdated)
		all := addEndpoint(t, s, team)
		operational := addEndpoint(t, s, team, webhooks.AttemptExhausted)
		foreign := addEndpoint(t, s, addTeam(t, s).ID, webhooks.AttemptExhausted)
		message, _ := enqueueMessage(t, s, WebhookMessage{TeamID: team, OrderID: testids.Of("o")})
		last := AttemptRow{MessageID: message, Round: 1, Number: 8, At: at, StatusCode: 503, Failure: "status"}

		for range 2 { // recording it again enqueues nothing
			out, err := s.RecordAttempts(t.Context(), endpoint, []AttemptRow{last})
			require.NoError(t, err)
			if out.ExhaustedDeliveries > 0 {
				require.Equal(t, AttemptsResult{ExhaustedDeliveries: 1, EndpointsToNudge: []string{operational}}, out)
			}
		}
		require.Equal(t, []endpointWebhook{{webhooks.AttemptExhausted, map[string]any{
			"appId": team, "endpointId": endpoint, "msgId": message,
			"lastAttempt": map[string]any{
				"id": attemptID(message, endpoint, 1, 8), "responseStatusCode": 503.0,
				"timestamp": at.UTC().Format(time.RFC3339Nano),
			},
		}}}, endpointWebhooks(t, s, operational))
		require.Len(t, dueMessages(t, s, all), 1, "an endpoint without a filter gets orders only")
		require.Empty(t, dueMessages(t, s, foreign))

		// When a message about an exhausted delivery is exhausted itself, no further message is enqueued.
		notices, err := s.DueDeliveries(t.Context(), DueQuery{EndpointID: operational, Now: at, Limit: 10})
		require.NoError(t, err)
		out, err := s.RecordAttempts(t.Context(), operational,
			[]AttemptRow{{MessageID: notices[0].MessageID, Round: 1, Number: 8, At: at}})
		require.NoError(t, err)
		require.Equal(t, AttemptsResult{ExhaustedDeliveries: 1}, out)
		require.Empty(t, dueMessages(t, s, operational))
	})
}

// A delivery that was cancelled or sent again meanwhile is not exhausted.
func TestOnlyTheLastAttemptExhaustsADelivery(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		team := addTeam(t, s).ID
		endpoint := addEndpoint(t, s, team)
		message, _ := enqueueMessage(t, s, WebhookMessage{TeamID: team, OrderID: testids.Of("o")})
		_, err := s.ResendWebhookMessage(t.Context(), message, endpoint)
		require.NoError(t, err)
		out, err := s.RecordAttempts(t.Context(), endpoint,
			[]AttemptRow{{MessageID: message, Round: 1, Number: 8, At: s.now()}})
		require.NoError(t, err)
		require.Zero(t, out.ExhaustedDeliveries)
		require.Equal(t, []string{message}, dueMessages(t, s, endpoint), "the second round is still pending")
		require.NoError(t, s.SetEndpointDisabled(t.Context(), endpoint, true, "client"))
		out, err = s.RecordAttempts(t.Context(), endpoint,
			[]AttemptRow{{MessageID: message, Round: 2, Number: 8, At: s.now()}})
		require.NoError(t, err)
		require.Zero(t, out.ExhaustedDeliveries)
	})
}

func TestAnEndpointThatIsGoneIsDisabledAtOnce(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		team := addTeam(t, s).ID
		endpoint := addEndpoint(t, s, team)
		operational := addEndpoint(t, s, team, webhooks.EndpointDisabled, webhooks.AttemptExhausted)
		message, _ := enqueueMessage(t, s, WebhookMessage{TeamID: team, OrderID: testids.Of("o")})
		enqueueMessage(t, s, WebhookMessage{TeamID: team, OrderID: testids.Of("o")})
		out, err := s.RecordAttempts(t.Context(), endpoint, []AttemptRow{
			{MessageID: message, Round: 1, Number: 1, At: s.now(), StatusCode: 410, Failure: "status", Gone: true},
		})
		require.NoError(t, err)
		require.Equal(t, AttemptsResult{DisabledReason: DisabledReasonGone, EndpointsToNudge: []string{operational}}, out)
		require.Empty(t, dueMessages(t, s, endpoint))
		e, err := s.Endpoint(t.Context(), endpoint)
		require.NoError(t, err)
		require.Equal(t, DisabledReasonGone, e.DisabledReason)
		notices := endpointWebhooks(t, s, operational)
		require.Len(t, notices, 1)
		require.Equal(t, webhooks.EndpointDisabled, notices[0].Type)
		require.Equal(t, endpoint, notices[0].Data["endpointId"])
		require.Equal(t, DisabledReasonGone, notices[0].Data["reason"])
		audit, err := s.AuditLog(t.Context(), AuditQuery{})
		require.NoError(t, err)
		require.Equal(t, "endpoint.disable", audit[0].Action)
	})
}

// The attempts of one batch are recorded in order of their times, whatever their order in the batch.
func TestABatchOfAttemptsIsRecordedTogether(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		team := addTeam(t, s).ID
		endpoint := addEndpoint(t, s, team)
		at := s.now()
		var rows []AttemptRow
		for i := range 5 {
			message, _ := enqueueMessage(t, s, WebhookMessage{TeamID: team, OrderID: testids.Of("o"), Sequence: int64(i)})
			rows = append(rows, AttemptRow{
				MessageID: message, Round: 1, Number: 1, At: at.Add(time.Duration(5-i) * time.Second), Delivered: i == 2,
				NextAt: at.Add(time.Hour),
			})
		}
		_, err := s.RecordAttempts(t.Context(), endpoint, rows)
		require.NoError(t, err)
		e, err := s.Endpoint(t.Context(), endpoint)
		require.NoError(t, err)
		require.Equal(t, at.Add(4*time.Second), e.FailingSince, "the first failure after the success")
		require.Equal(t, at.Add(5*time.Second), e.Health.LastFailure)
		log, err := loadDeliveryLog(t.Context(), s.db.Reader, testids.Of("o"))
		require.NoError(t, err)
		for i, d := range log {
			require.Len(t, d.Attempts, 1)
			require.Equal(t, i == 2, d.State == DeliveryDelivered)
		}
	})
}
