package store

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/internal/junction"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store/sqldb"
	"github.com/aliquot-labs/aliquot/webhooks"
)

// setModality returns a change that gives an order another modality.
func setModality(m lifecycle.Modality) func(*order.Order) {
	return func(o *order.Order) { o.Modality, o.LabTest.Method = m, m }
}

// newBooking returns a new appointment of the order.
func newBooking(s *Store, o *order.Order) order.Appointment {
	return order.Appointment{
		ID: sqldb.NewID(), Type: order.AppointmentTypeOf(o.Modality), Provider: "quest", AccountID: sqldb.NewID(),
		Status:    lifecycle.AppointmentStatusConfirmed,
		Reference: "e89eb489", Confirmation: "ABCDEF", SiteCode: "PHX", SlotKey: "slot-1",
		StartAt: s.now().Add(72 * time.Hour),
		EndAt:   s.now().Add(73 * time.Hour), Zone: "America/Phoenix", CanReschedule: true, CreatedAt: s.now(),
	}
}

// decisionOfSteps returns a decision that records steps of appointments and nothing else.
func decisionOfSteps(st order.State, at time.Time, steps ...order.AppointmentStep) order.Decision {
	d := order.Decision{Outcome: order.OutcomeApplied, From: st.Status, Next: st}
	for i := range steps {
		steps[i].At = at
		steps[i].Appointment.EventCount++
		d.Next.Appointment = &steps[i].Appointment
	}
	d.Appointments = steps
	return d
}

// recordAppointment records steps of appointments, and the outcome of a demand if there is one.
func recordAppointment(t *testing.T, s *Store, orderID, demandID string, steps ...order.AppointmentStep) RecordResult {
	t.Helper()
	cause := order.CauseCall(sqldb.NewID())
	if demandID != "" {
		cause = order.CauseDemand(demandID)
	}
	out, err := recordUntil(t, s, order.Recording{OrderID: orderID, Cause: cause, DemandID: demandID},
		func(st order.State) order.Decision { return decisionOfSteps(st, s.now().Add(-time.Minute), steps...) })
	require.NoError(t, err)
	return out
}

// addBooking adds a demand about an appointment and returns its id.
func addBooking(t *testing.T, s *Store, orderID string, kind order.DemandKind, b order.BookingBody) string {
	t.Helper()
	row := DemandRow{ID: sqldb.NewID(), OrderID: orderID, Kind: kind, By: lifecycle.Client}
	var err error
	row.Body, err = json.Marshal(b)
	require.NoError(t, err)
	require.NoError(t, s.AddDemand(t.Context(), row))
	return row.ID
}

// messagesDue returns the bodies of the webhook messages of an event type about an order that are due at an endpoint,
// oldest first.
func messagesDue(t *testing.T, s *Store, endpoint, orderID, eventType string) [][]byte {
	t.Helper()
	messages, err := s.DueDeliveries(t.Context(), DueQuery{EndpointID: endpoint, Now: s.now(), Limit: 100})
	require.NoError(t, err)
	ids, err := sqldb.QueryAll(t.Context(), s.db.Reader, sqldb.ScanText,
		`SELECT id FROM messages WHERE order_id = $1 AND event_type = $2 ORDER BY sequence, created_at, id`, orderID,
		eventType)
	require.NoError(t, err)
	var bodies [][]byte
	for _, id := range ids {
		for _, m := range messages {
			if m.MessageID == id {
				bodies = append(bodies, m.Body)
			}
		}
	}
	return bodies
}

// requireAppointment requires that a webhook message contains the appointment as the API returns it.
func requireAppointment(t *testing.T, body []byte, a order.AppointmentDocument) {
	t.Helper()
	want, err := json.Marshal(junction.FromAppointment(a))
	require.NoError(t, err)
	var e webhooks.Envelope
	require.NoError(t, json.Unmarshal(body, &e))
	require.JSONEq(t, string(want), string(e.Data))
	require.Equal(t, a.UserID, e.UserID)
}

func TestAnAppointmentIsRecordedWithItsEvents(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		forward := stopClock(s)
		team := addTeam(t, s).ID
		endpoint := addEndpoint(t, s, team)
		o := addOrderOf(t, s, team, setModality(lifecycle.WalkIn))
		_, err := s.Appointment(t.Context(), team, o.ID)
		require.ErrorIs(t, err, ErrNotFound)

		a := newBooking(s, o)
		forward(time.Hour)
		first := s.now()
		out := recordAppointment(t, s, o.ID, "", order.AppointmentStep{Appointment: a, Origin: order.AppointmentOriginPatient,
			First: true})
		require.Equal(t, []string{endpoint}, out.EndpointsToNudge)
		a.EventCount = 1
		want := order.AppointmentDocument{
			Appointment: a, OrderID: o.ID, UserID: o.UserID, TransactionID: o.TransactionID, UpdatedAt: first,
			History: []order.AppointmentEvent{{Status: "scheduled", Origin: order.AppointmentOriginPatient, At: first}},
		}
		got, err := s.Appointment(t.Context(), team, o.ID)
		require.NoError(t, err)
		require.Equal(t, want, got)
		created := messagesDue(t, s, endpoint, o.ID, webhooks.AppointmentCreated)
		require.Len(t, created, 1)
		requireAppointment(t, created[0], got)

		forward(time.Hour)
		a.StartAt, a.EndAt, a.SlotKey = a.StartAt.Add(time.Hour), a.EndAt.Add(time.Hour), "slot-2"
		recordAppointment(t, s, o.ID, "", order.AppointmentStep{Appointment: a, Origin: order.AppointmentOriginPatient,
			Reschedule: true})
		a.EventCount = 2
		want.Appointment, want.UpdatedAt = a, s.now()
		want.History = append(want.History, order.AppointmentEvent{Status: "scheduled",
			Origin: order.AppointmentOriginPatient, Reschedule: true, At: s.now()})
		got, err = s.Appointment(t.Context(), "", o.ID)
		require.NoError(t, err)
		require.Equal(t, want, got)
		updated := messagesDue(t, s, endpoint, o.ID, webhooks.AppointmentUpdated)
		require.Len(t, updated, 1)
		requireAppointment(t, updated[0], got)
		require.Equal(t, "order.created", jsonPath(t, messagesDue(t, s, endpoint, o.ID, webhooks.OrderCreated)[0],
			"event_type").(string)[len("labtest."):])
		require.Equal(t, s.now(), getOrder(t, s, o.ID).UpdatedAt, "the order names its appointment")

		_, err = s.Appointment(t.Context(), addTeam(t, s).ID, o.ID)
		require.ErrorIs(t, err, ErrNotFound)
	})
}

// Several steps of one recording cause several events and webhook messages, each with the appointment as it was then.
func TestEachStepOfARecordingIsEnqueued(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		stopClock(s)
		team := addTeam(t, s).ID
		endpoint := addEndpoint(t, s, team)
		o := addOrderOf(t, s, team, setModality(lifecycle.AtHomePhlebotomy))
		a := newBooking(s, o)
		pending, confirmed, cancelled := a, a, a
		pending.Status, pending.StartAt, pending.EndAt = lifecycle.AppointmentStatusPending, time.Time{}, time.Time{}
		cancelled.Status = lifecycle.AppointmentStatusCancelled
		out, err := recordUntil(t, s, order.Recording{OrderID: o.ID, Cause: order.CauseCall(sqldb.NewID())},
			func(st order.State) order.Decision {
				d := decisionWithSteps(st, s.now(), lifecycle.RequisitionCreated, lifecycle.AppointmentPending)
				with := decisionOfSteps(d.Next, s.now(),
					order.AppointmentStep{Appointment: pending, Origin: order.AppointmentOriginPatient, First: true},
					order.AppointmentStep{Appointment: confirmed, Origin: order.AppointmentOriginProvider},
					order.AppointmentStep{Appointment: cancelled, Origin: order.AppointmentOriginSystem})
				d.Appointments, d.Next.Appointment = with.Appointments, with.Next.Appointment
				return d
			})
		require.NoError(t, err)
		require.Equal(t, []string{endpoint}, out.EndpointsToNudge)

		got, err := s.Appointment(t.Context(), team, o.ID)
		require.NoError(t, err)
		require.Equal(t, lifecycle.AppointmentStatusCancelled, got.Status)
		require.Len(t, got.History, 3)
		require.Equal(t, o.Address.Location(), got.Location)
		bodies := append(messagesDue(t, s, endpoint, o.ID, webhooks.AppointmentCreated),
			messagesDue(t, s, endpoint, o.ID, webhooks.AppointmentUpdated)...)
		require.Len(t, bodies, 3)
		for i, was := range []order.Appointment{pending, confirmed, cancelled} {
			then := got
			then.Appointment, then.History = was, got.History[:i+1]
			requireAppointment(t, bodies[i], then)
		}
		require.Len(t, messagesDue(t, s, endpoint, o.ID, webhooks.OrderUpdated), 2)
	})
}

func TestTheAppointmentOfAnOrderIsTheActiveOrTheNewest(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		forward := stopClock(s)
		o := addOrder(t, s, setModality(lifecycle.WalkIn))
		var newest order.Appointment
		for range 3 {
			forward(time.Hour)
			newest = newBooking(s, o)
			recordAppointment(t, s, o.ID, "", order.AppointmentStep{Appointment: newest, Origin: order.AppointmentOriginPatient,
				First: true})
			got, err := s.Appointment(t.Context(), "", o.ID)
			require.NoError(t, err)
			require.Equal(t, newest.ID, got.ID)
			newest.Status = lifecycle.AppointmentStatusCancelled
			recordAppointment(t, s, o.ID, "", order.AppointmentStep{Appointment: newest,
				Origin: order.AppointmentOriginProvider})
			got, err = s.Appointment(t.Context(), "", o.ID)
			require.NoError(t, err)
			require.Equal(t, []any{newest.ID, newest.Status}, []any{got.ID, got.Status})
		}
		// If an older appointment is active, it is returned.
		_, err := s.db.Writer.ExecContext(t.Context(), `UPDATE appointments SET status = 'in_progress' WHERE created_at < $1`,
			sqldb.ToMicros(newest.CreatedAt))
		require.NoError(t, err)
		got, err := s.Appointment(t.Context(), "", o.ID)
		require.NoError(t, err)
		require.Equal(t, lifecycle.AppointmentStatusInProgress, got.Status)
		require.Equal(t, newest.CreatedAt.Add(-time.Hour), got.CreatedAt, "the newer of the active ones")
	})
}

// Data that the provider reports without an event is stored, and no webhook is enqueued.
func TestAnAppointmentIsUpdatedWithoutAnEvent(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		team := addTeam(t, s).ID
		endpoint := addEndpoint(t, s, team)
		o := addOrderOf(t, s, team, setModality(lifecycle.WalkIn))
		a := newBooking(s, o)
		a.Reference, a.Confirmation = "", ""
		recordAppointment(t, s, o.ID, "", order.AppointmentStep{Appointment: a, Origin: order.AppointmentOriginPatient,
			First: true})
		before, err := s.Appointment(t.Context(), team, o.ID)
		require.NoError(t, err)
		_, err = recordUntil(t, s, order.Recording{OrderID: o.ID, Cause: order.CauseCall(sqldb.NewID())},
			func(st order.State) order.Decision {
				reported := *st.Appointment
				reported.Reference, reported.ReportedAt = "r1", s.now()
				st.Appointment = &reported
				return order.Decision{Outcome: order.OutcomeApplied, From: st.Status, Next: st}
			})
		require.NoError(t, err)
		got, err := s.Appointment(t.Context(), team, o.ID)
		require.NoError(t, err)
		require.Equal(t, "r1", got.Reference)
		require.False(t, got.ReportedAt.IsZero())
		require.Equal(t, before.History, got.History)
		require.Equal(t, before.UpdatedAt, got.UpdatedAt)
		require.Len(t, dueMessages(t, s, endpoint), 2)
	})
}

// A failing recording stores no appointment. Naming the appointment of another order makes it fail.
func TestAFailingRecordingLeavesNoAppointment(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		o, other := addOrder(t, s, setModality(lifecycle.WalkIn)), addOrder(t, s, setModality(lifecycle.WalkIn))
		addEndpoint(t, s, o.TeamID)
		taken := newBooking(s, other)
		recordAppointment(t, s, other.ID, "", order.AppointmentStep{Appointment: taken,
			Origin: order.AppointmentOriginPatient, First: true})
		before := rowCounts(t, s)
		for name, spoil := range map[string]func(*order.Recording){
			"another order's":   func(r *order.Recording) { r.Decision.Appointments[1].Appointment.ID = taken.ID },
			"no such result":    func(r *order.Recording) { r.ResultID = sqldb.NewID() },
			"an unknown status": func(r *order.Recording) { r.Decision.Steps = []order.Step{{To: lifecycle.WithCustomer}} },
		} {
			st := state(t, s, o.ID)
			a := newBooking(s, o)
			r := order.Recording{OrderID: o.ID, Revision: st.Revision, Cause: order.CauseCall(sqldb.NewID()),
				Decision: decisionOfSteps(st, s.now(),
					order.AppointmentStep{Appointment: a, First: true}, order.AppointmentStep{Appointment: a})}
			spoil(&r)
			_, err := s.Record(t.Context(), r)
			require.Error(t, err, name)
			require.NotErrorIs(t, err, ErrNotFound, name)
			require.Equal(t, before, rowCounts(t, s), name)
		}
		// Control: without the error it is recorded.
		recordAppointment(t, s, o.ID, "", order.AppointmentStep{Appointment: newBooking(s, o), First: true})
		require.NotEqual(t, before, rowCounts(t, s))
	})
}
