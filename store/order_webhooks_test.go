package store

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/internal/junction"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store/sqldb"
	"github.com/aliquot-labs/aliquot/webhooks"
)

// A webhook about critical results is enqueued whether or not their event is.
func TestCriticalResultsAreEnqueued(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		team := addTeam(t, s).ID
		endpoint := addEndpoint(t, s, team)
		o := addOrderOf(t, s, team, setModality(lifecycle.WalkIn))
		applyRequisitionTaken(t, s, o.ID, "A1")
		for i, next := range []struct {
			status string
			steps  []lifecycle.LowStatus
		}{{"partial", []lifecycle.LowStatus{lifecycle.PartialResults}}, {"final", []lifecycle.LowStatus{lifecycle.Completed}},
			{"final", nil}} {
			r := newReport(next.status)
			r.Status, r.Interpretation = next.status, order.InterpretationCritical
			v, _, err := s.StoreLabReport(t.Context(), o.ID, i+1, r, sqldb.NewID(), nil, nil)
			require.NoError(t, err)
			record := order.Recording{OrderID: o.ID, Cause: order.CauseCall(sqldb.NewID()), ResultID: v.ID, NewlyCritical: true}
			out, err := recordUntil(t, s, record,
				func(st order.State) order.Decision { return decisionWithSteps(st, s.now(), next.steps...) })
			require.NoError(t, err)
			require.Equal(t, []string{endpoint}, out.EndpointsToNudge)
			again, err := s.Record(t.Context(), record)
			require.NoError(t, err)
			require.True(t, again.Duplicate)

			bodies := messagesDue(t, s, endpoint, o.ID, webhooks.ResultCritical)
			require.Len(t, bodies, i+1, "one for each version")
			var e webhooks.Envelope
			require.NoError(t, json.Unmarshal(bodies[i], &e))
			require.Equal(t, []string{o.TeamID, o.UserID, o.ClientUserID}, []string{e.TeamID, e.UserID, e.ClientUserID})
			want, err := junction.RenderCriticalResult(*getOrder(t, s, o.ID), v)
			require.NoError(t, err)
			require.JSONEq(t, string(want), string(e.Data))
			require.Equal(t, "A1", jsonPath(t, e.Data, "sample_id"))
			require.Equal(t, next.status, jsonPath(t, e.Data, "status"))
		}
		require.Len(t, messagesDue(t, s, endpoint, o.ID, webhooks.OrderUpdated), 2, "none of the partial results")
	})
}

// The message that is sent again is that of the newest event of the order, even if other messages followed it.
func TestTheNewestEventIsSentAgain(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		team := addTeam(t, s).ID
		endpoint := addEndpoint(t, s, team)
		o := addOrderOf(t, s, team, setModality(lifecycle.WalkIn))
		applyRequisitionTaken(t, s, o.ID, "A1")
		newest := messagesDue(t, s, endpoint, o.ID, webhooks.OrderUpdated)[0]
		recordAppointment(t, s, o.ID, "", order.AppointmentStep{Appointment: newBooking(s, o), First: true})
		_, err := s.db.Writer.ExecContext(t.Context(), `UPDATE deliveries SET state = $1`, DeliveryDelivered)
		require.NoError(t, err)
		require.Empty(t, dueMessages(t, s, endpoint))

		_, endpoints, err := s.ResendLatestWebhooks(t.Context(), LatestWebhooksQuery{TeamID: team, OrderIDs: []string{o.ID}})
		require.NoError(t, err)
		require.Equal(t, []string{endpoint}, endpoints)
		messages, err := s.DueDeliveries(t.Context(), DueQuery{EndpointID: endpoint, Now: s.now(), Limit: 10})
		require.NoError(t, err)
		require.Len(t, messages, 1)
		require.JSONEq(t, string(newest), string(messages[0].Body))
	})
}
