package store

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

func TestAStoryHasEverything(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		stopClock(s)
		team := addTeam(t, s).ID
		endpoint := addEndpoint(t, s, team)
		o := addOrderOf(t, s, team)
		require.NoError(t, s.AppendAudit(ctx, AuditRow{TeamID: team, OrderID: o.ID, Action: "order.create"}))
		call := sqldb.NewID()
		for range 2 {
			_, err := s.RecordPartnerCallStart(ctx, PartnerCall{ID: call, OrderID: o.ID, Kind: "place"})
			require.NoError(t, err)
		}
		require.NoError(t, s.RecordPartnerCallEnd(ctx, call, "done", []byte(`{"kit_id":"A1"}`)))
		require.ErrorIs(t, s.RecordPartnerCallEnd(ctx, sqldb.NewID(), "done", nil), ErrNotFound)
		answer, err := s.partnerCallAnswer(ctx, call)
		require.NoError(t, err)
		require.JSONEq(t, `{"kit_id":"A1"}`, string(answer))
		applyRequisitionTaken(t, s, o.ID, "A1")
		shipped, _ := applyFact(t, s, o, order.Fact{Kind: order.FactKitShipped, OutboundNumber: outboundNumber,
			InboundNumber: inboundNumber})
		rejected, _ := applyFact(t, s, o, order.Fact{Kind: order.FactKitRejected, Recoverable: new(true)})
		refused := order.Demand{ID: sqldb.NewID(), Kind: order.DemandCancel}
		demandAs(t, s, o.ID, refused, nil)

		y, err := s.Story(ctx, o.ID)
		require.NoError(t, err)
		require.Empty(t, y.Appointments)
		now := getOrder(t, s, o.ID)
		require.Equal(t, []string{o.ID, team, o.Number, "A1"}, []string{y.OrderID, y.TeamID, y.Number, y.Accession})
		require.Equal(t, lifecycle.Status("sample_with_lab.testkit.lab_processing_blocked"), y.Status)
		require.Equal(t, []int64{now.Sequence, now.Revision}, []int64{y.Sequence, y.Revision})
		require.Equal(t, now.Events, y.Events)
		require.Equal(t, now.Shipment, y.Shipment)
		require.Equal(t, now.Transaction, y.Transaction)
		require.Equal(t, s.now(), y.StartedAt)
		require.Equal(t, []order.Attention{{Reason: order.AttentionRecoveryNeeded, Since: y.Attention[0].Since}}, y.Attention)
		require.NotEmpty(t, y.Deadlines)

		require.Len(t, y.InboxItems, 2)
		require.Equal(t, []string{shipped.ID, rejected.ID}, []string{y.InboxItems[0].ID, y.InboxItems[1].ID})
		require.Equal(t, InboxApplied, y.InboxItems[1].State)
		require.Nil(t, y.InboxItems[1].Body)
		require.Empty(t, y.InboxItems[1].PartnerReason)
		require.Equal(t, []PartnerCall{{ID: call, OrderID: o.ID, Kind: "place", Attempt: 1, Outcome: "done",
			StartedAt: s.now(), EndedAt: s.now()}}, y.Calls)
		require.Equal(t, []DemandRow{{
			ID: refused.ID, OrderID: o.ID, Kind: order.DemandCancel, By: lifecycle.Operations, State: DemandRefused,
			Reason: order.ReasonTransitionNotAllowed, CreatedAt: s.now(), OutcomeAt: s.now(),
		}}, y.Demands)
		require.Len(t, y.Decisions, 4)
		require.Equal(t, DecisionRow{
			// The fact has no time.
			Cause: order.CauseInbox(rejected.ID), Outcome: order.OutcomeApplied, Reason: order.ReasonTimeImplausible,
			From: lifecycle.TransitCustomer, To: lifecycle.LabProcessingBlocked, Sequence: 5, Revision: 4, At: s.now(),
		}, y.Decisions[2])
		require.Equal(t, DecisionRow{
			Cause: order.CauseDemand(refused.ID), Outcome: order.OutcomeRefused, Reason: order.ReasonTransitionNotAllowed,
			From:     lifecycle.LabProcessingBlocked,
			Sequence: 5, Revision: 5, At: s.now(),
		}, y.Decisions[3])
		require.Len(t, y.Deliveries, len(now.Events))
		require.Equal(t, endpoint, y.Deliveries[0].EndpointID)
		require.Len(t, y.Audit, 1)

		_, err = s.Story(ctx, sqldb.NewID())
		require.ErrorIs(t, err, ErrNotFound)
	})
}

func TestAStoryHasAppointments(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		forward := stopClock(s)
		o := addOrder(t, s, setModality(lifecycle.WalkIn))
		var want []AppointmentLog
		for range 2 {
			forward(time.Minute)
			id := addBooking(t, s, o.ID, order.DemandBookAppointment, order.BookingBody{Notes: new("afraid of needles")})
			step := stepOfDemand(s, o, id)
			recordAppointment(t, s, o.ID, id, step)
			log := AppointmentLog{Appointment: step.Appointment, History: []order.AppointmentEvent{
				{Status: "scheduled", Origin: order.AppointmentOriginPatient, At: s.now()},
			}}
			forward(time.Minute)
			step.First, step.Origin, step.Appointment.Status = false, order.AppointmentOriginProvider,
				lifecycle.AppointmentStatusCancelled
			recordAppointment(t, s, o.ID, "", step)
			log.Status, log.EventCount = lifecycle.AppointmentStatusCancelled, 2
			log.History = append(log.History, order.AppointmentEvent{Status: "cancelled",
				Origin: order.AppointmentOriginProvider, At: s.now()})
			want = append(want, log)
		}
		y, err := s.Story(t.Context(), o.ID)
		require.NoError(t, err)
		require.Equal(t, want, y.Appointments)
		require.Len(t, y.Deliveries, 5, "an order and four steps")
	})
}

// partnerCallAnswer opens the stored response of a partner.
func (s *Store) partnerCallAnswer(ctx context.Context, id string) ([]byte, error) {
	sealed, err := sqldb.QueryOne(ctx, s.db.Reader, sqldb.ScanBytes, `SELECT answer FROM calls WHERE id = $1`, id)
	if err != nil {
		return nil, err
	}
	return s.keys.Open(sealContext("calls", id, "answer"), sealed)
}
