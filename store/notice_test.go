package store

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/webhooks"
)

// noticesTo reads what an endpoint is to be told, as event type and data.
func noticesTo(t *testing.T, s *Store, endpoint string) []notice {
	t.Helper()
	all, err := s.DueDeliveries(t.Context(), DueQuery{EndpointID: endpoint, Now: s.now(), Limit: 100})
	require.NoError(t, err)
	var out []notice
	for _, d := range all {
		var n notice
		require.NoError(t, json.Unmarshal(d.Body, &n))
		require.Equal(t, d.EventType, n.Type)
		out = append(out, n)
	}
	return out
}

type notice struct {
	Type string         `json:"type"`
	Data map[string]any `json:"data"`
}

func TestExhaustionIsToldToOperationalEndpoints(t *testing.T) {
	t.Parallel()
	forEach(t, func(t *testing.T, s *Store) {
		at := s.now()
		s.now = func() time.Time { return at }
		team := addTeam(t, s).ID
		endpoint := addEndpoint(t, s, team, orderUpdated)
		all := addEndpoint(t, s, team)
		operational := addEndpoint(t, s, team, webhooks.AttemptExhausted)
		foreign := addEndpoint(t, s, addTeam(t, s).ID, webhooks.AttemptExhausted)
		message, _ := enqueue(t, s, Message{TeamID: team, OrderID: "o"})
		last := AttemptRow{MessageID: message, Round: 1, Number: 8, At: at, StatusCode: 503, Failure: "status"}

		for range 2 { // a record that is made again tells nothing more
			out, err := s.RecordAttempts(t.Context(), endpoint, []AttemptRow{last})
			require.NoError(t, err)
			if out.Exhausted > 0 {
				require.Equal(t, AttemptsRecorded{Exhausted: 1, Endpoints: []string{operational}}, out)
			}
		}
		require.Equal(t, []notice{{webhooks.AttemptExhausted, map[string]any{
			"appId": team, "endpointId": endpoint, "msgId": message,
			"lastAttempt": map[string]any{
				"id": attemptID(message, endpoint, 1, 8), "responseStatusCode": 503.0, "timestamp": at.UTC().Format(time.RFC3339Nano),
			},
		}}}, noticesTo(t, s, operational))
		require.Len(t, due(t, s, all), 1, "an endpoint without a filter gets orders only")
		require.Empty(t, due(t, s, foreign))

		// A notice that fails itself is told to nobody.
		notices, err := s.DueDeliveries(t.Context(), DueQuery{EndpointID: operational, Now: at, Limit: 10})
		require.NoError(t, err)
		out, err := s.RecordAttempts(t.Context(), operational, []AttemptRow{{MessageID: notices[0].MessageID, Round: 1, Number: 8, At: at}})
		require.NoError(t, err)
		require.Equal(t, AttemptsRecorded{Exhausted: 1}, out)
		require.Empty(t, due(t, s, operational))
	})
}

// A delivery that was cancelled or sent again meanwhile has not failed for good.
func TestOnlyWhatEndsIsExhausted(t *testing.T) {
	t.Parallel()
	forEach(t, func(t *testing.T, s *Store) {
		team := addTeam(t, s).ID
		endpoint := addEndpoint(t, s, team)
		message, _ := enqueue(t, s, Message{TeamID: team, OrderID: "o"})
		_, err := s.ResendMessage(t.Context(), message, endpoint)
		require.NoError(t, err)
		out, err := s.RecordAttempts(t.Context(), endpoint, []AttemptRow{{MessageID: message, Round: 1, Number: 8, At: s.now()}})
		require.NoError(t, err)
		require.Zero(t, out.Exhausted)
		require.Equal(t, []string{message}, due(t, s, endpoint), "the second round goes on")
		require.NoError(t, s.SetEndpointDisabled(t.Context(), endpoint, true, "client"))
		out, err = s.RecordAttempts(t.Context(), endpoint, []AttemptRow{{MessageID: message, Round: 2, Number: 8, At: s.now()}})
		require.NoError(t, err)
		require.Zero(t, out.Exhausted)
	})
}

func TestAnEndpointThatIsGoneIsDisabledAtOnce(t *testing.T) {
	t.Parallel()
	forEach(t, func(t *testing.T, s *Store) {
		team := addTeam(t, s).ID
		endpoint := addEndpoint(t, s, team)
		operational := addEndpoint(t, s, team, webhooks.EndpointDisabled, webhooks.AttemptExhausted)
		message, _ := enqueue(t, s, Message{TeamID: team, OrderID: "o"})
		enqueue(t, s, Message{TeamID: team, OrderID: "o"})
		out, err := s.RecordAttempts(t.Context(), endpoint, []AttemptRow{
			{MessageID: message, Round: 1, Number: 1, At: s.now(), StatusCode: 410, Failure: "status", Gone: true},
		})
		require.NoError(t, err)
		require.Equal(t, AttemptsRecorded{Disabled: DisabledGone, Endpoints: []string{operational}}, out)
		require.Empty(t, due(t, s, endpoint))
		e, err := s.Endpoint(t.Context(), endpoint)
		require.NoError(t, err)
		require.Equal(t, DisabledGone, e.DisabledReason)
		notices := noticesTo(t, s, operational)
		require.Len(t, notices, 1)
		require.Equal(t, webhooks.EndpointDisabled, notices[0].Type)
		require.Equal(t, endpoint, notices[0].Data["endpointId"])
		require.Equal(t, DisabledGone, notices[0].Data["reason"])
		audit, err := s.AuditOf(t.Context(), "")
		require.NoError(t, err)
		require.Equal(t, "endpoint.disable", audit[len(audit)-1].Action)
	})
}

// A batch of one endpoint's attempts is told in the order of their times, whatever order they come in.
func TestABatchOfAttemptsIsRecordedTogether(t *testing.T) {
	t.Parallel()
	forEach(t, func(t *testing.T, s *Store) {
		team := addTeam(t, s).ID
		endpoint := addEndpoint(t, s, team)
		at := s.now()
		var rows []AttemptRow
		for i := range 5 {
			message, _ := enqueue(t, s, Message{TeamID: team, OrderID: "o", Sequence: int64(i)})
			rows = append(rows, AttemptRow{
				MessageID: message, Round: 1, Number: 1, At: at.Add(time.Duration(5-i) * time.Second), Delivered: i == 2, Next: at.Add(time.Hour),
			})
		}
		_, err := s.RecordAttempts(t.Context(), endpoint, rows)
		require.NoError(t, err)
		e, err := s.Endpoint(t.Context(), endpoint)
		require.NoError(t, err)
		require.Equal(t, at.Add(4*time.Second), e.FailingSince, "the first failure after the success")
		require.Equal(t, at.Add(5*time.Second), e.Health.LastFailure)
		log, err := messageLog(t.Context(), s.read, "o")
		require.NoError(t, err)
		for i, d := range log {
			require.Len(t, d.Attempts, 1)
			require.Equal(t, i == 2, d.State == DeliveryDelivered)
		}
	})
}
