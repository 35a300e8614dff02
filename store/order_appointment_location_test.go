package store

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store/sqldb"
	"github.com/aliquot-labs/aliquot/webhooks"
)

func appointmentOf(t *testing.T, s *Store, orderID string) order.AppointmentDocument {
	t.Helper()
	a, err := s.Appointment(t.Context(), "", orderID)
	require.NoError(t, err)
	return a
}

// stepOfDemand returns the step that a demand causes: the appointment it creates.
func stepOfDemand(s *Store, o *order.Order, demandID string) order.AppointmentStep {
	a := newBooking(s, o)
	a.ID = demandID
	return order.AppointmentStep{Appointment: a, Origin: order.AppointmentOriginPatient, First: true}
}

func TestAppointmentLocation(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		asked := order.Location{FirstLine: "2 Engine Road", City: "Mesa", State: "AZ", Zip: "85201", Notes: new("ring twice")}
		site := order.Location{Name: "Downtown", FirstLine: "1300 N 12th St", City: "Phoenix", State: "AZ", Zip: "85006",
			Lat: 33.4, Lng: -112}
		for name, modality := range map[string]lifecycle.Modality{"home": lifecycle.AtHomePhlebotomy,
			"nowhere": lifecycle.WalkIn} {
			o := addOrder(t, s, setModality(modality))
			step := stepOfDemand(s, o, addBooking(t, s, o.ID, order.DemandBookAppointment, order.BookingBody{}))
			recordAppointment(t, s, o.ID, step.Appointment.ID, step)
			want := o.Address.Location()
			if modality == lifecycle.WalkIn {
				want = order.Location{}
			}
			require.Equal(t, want, appointmentOf(t, s, o.ID).Location, name)
		}

		o := addOrder(t, s, setModality(lifecycle.AtHomePhlebotomy))
		step := stepOfDemand(s, o, addBooking(t, s, o.ID, order.DemandRequestAppointment,
			order.BookingBody{Location: &asked}))
		recordAppointment(t, s, o.ID, step.Appointment.ID, step)
		require.Equal(t, asked, appointmentOf(t, s, o.ID).Location, "as the client asked for it")
		require.NoError(t, s.PutAppointmentLocation(t.Context(), o.ID, "another", o.Address.Location()))
		require.Equal(t, asked, appointmentOf(t, s, o.ID).Location, "it is the location of another appointment")
		for _, reported := range []order.Location{site, asked, site} {
			require.NoError(t, s.PutAppointmentLocation(t.Context(), o.ID, step.Appointment.Reference, reported))
			require.Equal(t, reported, appointmentOf(t, s, o.ID).Location, "as the provider reports it")
		}
		require.Error(t, s.PutAppointmentLocation(t.Context(), sqldb.NewID(), "r", site), "there is no such order")
	})
}

// The first webhook message already contains the location of the provider's reply.
func TestALocationMayBeStoredBeforeItsAppointment(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		team := addTeam(t, s).ID
		endpoint := addEndpoint(t, s, team)
		o := addOrderOf(t, s, team, setModality(lifecycle.WalkIn))
		a := newBooking(s, o)
		a.Reference = "no\x00thing\xff" // a partner's text is stored even if it is not valid
		require.NoError(t, s.PutAppointmentLocation(t.Context(), o.ID, a.Reference,
			order.Location{FirstLine: "1300 N 12th St"}))
		recordAppointment(t, s, o.ID, "", order.AppointmentStep{Appointment: a, First: true})
		body := messagesDue(t, s, endpoint, o.ID, webhooks.AppointmentCreated)[0]
		require.Equal(t, "1300 N 12th St", jsonPath(t, body, "data", "address", "first_line"))
		require.Equal(t, "1300 N 12th St", appointmentOf(t, s, o.ID).Location.FirstLine)
	})
}

func TestTheBodyOfABookingMovesToTheAppointment(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		forward := stopClock(s)
		ctx := t.Context()
		team := addTeam(t, s).ID
		endpoint := addEndpoint(t, s, team)
		o := addOrderOf(t, s, team, setModality(lifecycle.AtHomePhlebotomy))
		asked := order.BookingBody{Notes: new("afraid of needles"), Location: &order.Location{FirstLine: "2 Engine Road"}}

		id := addBooking(t, s, o.ID, order.DemandRequestAppointment, asked)
		got, err := s.BookingOfDemand(ctx, id)
		require.NoError(t, err)
		require.Equal(t, asked, got)
		step := stepOfDemand(s, o, id)
		recordAppointment(t, s, o.ID, id, step)
		body, err := s.DemandBody(ctx, id)
		require.NoError(t, err)
		require.Nil(t, body)
		got, err = s.BookingOfDemand(ctx, id)
		require.NoError(t, err)
		require.Equal(t, asked, got, "found after it was moved")
		require.Equal(t, asked.Notes, appointmentOf(t, s, o.ID).Notes)
		message := messagesDue(t, s, endpoint, o.ID, webhooks.AppointmentCreated)[0]
		require.Equal(t, "afraid of needles", jsonPath(t, message, "data", "appointment_notes"))

		// Rescheduling does not change absent data.
		forward(time.Minute)
		moved := step
		moved.First, moved.Reschedule = false, true
		id = addBooking(t, s, o.ID, order.DemandRescheduleAppointment, order.BookingBody{})
		recordAppointment(t, s, o.ID, id, moved)
		require.Equal(t, asked.Notes, appointmentOf(t, s, o.ID).Notes)
		forward(time.Minute)
		id = addBooking(t, s, o.ID, order.DemandRescheduleAppointment, order.BookingBody{Notes: new("brave now")})
		recordAppointment(t, s, o.ID, id, moved)
		require.Equal(t, "brave now", *appointmentOf(t, s, o.ID).Notes)
		require.Equal(t, "2 Engine Road", appointmentOf(t, s, o.ID).Location.FirstLine)
		got, err = s.BookingOfDemand(ctx, id)
		require.NoError(t, err)
		require.Empty(t, got)

		// The reason of a cancellation is not a note of the appointment.
		forward(time.Minute)
		why := order.BookingBody{Notes: new("moved abroad"), Reason: order.CancellationReasons(order.Phlebotomy)[0].ID}
		id = addBooking(t, s, o.ID, order.DemandCancelAppointment, why)
		cancelled := step
		cancelled.First, cancelled.Appointment.Status = false, lifecycle.AppointmentStatusCancelled
		recordAppointment(t, s, o.ID, id, cancelled)
		require.Equal(t, "brave now", *appointmentOf(t, s, o.ID).Notes)
		got, err = s.BookingOfDemand(ctx, id)
		require.NoError(t, err)
		require.Equal(t, why, got)

		got, err = s.BookingOfDemand(ctx, sqldb.NewID())
		require.NoError(t, err)
		require.Empty(t, got, "nothing was stored")
	})
}

// A provider may report an appointment before it replies to the call that booked it.
func TestAnAppointmentMayComeBeforeTheOutcomeOfItsDemand(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		o := addOrder(t, s, setModality(lifecycle.WalkIn))
		id := addBooking(t, s, o.ID, order.DemandBookAppointment, order.BookingBody{Notes: new("afraid of needles")})
		step := stepOfDemand(s, o, id)
		recordAppointment(t, s, o.ID, "", step)
		require.Equal(t, "afraid of needles", *appointmentOf(t, s, o.ID).Notes)
		step.First = false
		recordAppointment(t, s, o.ID, id, step)
		require.Equal(t, "afraid of needles", *appointmentOf(t, s, o.ID).Notes)

		// A demand may have its outcome before its appointment exists.
		early := addBooking(t, s, o.ID, order.DemandBookAppointment, order.BookingBody{Notes: new("call first")})
		_, err := recordUntil(t, s, order.Recording{OrderID: o.ID, Cause: order.CauseDemand(early), DemandID: early},
			func(st order.State) order.Decision {
				return order.Decision{Outcome: order.OutcomeApplied, From: st.Status, Next: st}
			})
		require.NoError(t, err)
		step = stepOfDemand(s, o, early)
		step.Appointment.CreatedAt = step.Appointment.CreatedAt.Add(time.Minute)
		recordAppointment(t, s, o.ID, "", step)
		require.Equal(t, "call first", *appointmentOf(t, s, o.ID).Notes)
	})
}

func TestDemandBodiesAreCheckedBeforeTheyAreStored(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		o := addOrder(t, s)
		for _, kind := range []order.DemandKind{
			order.DemandRegister, order.DemandBookAppointment, order.DemandRequestAppointment, order.DemandRescheduleAppointment,
			order.DemandCancelAppointment, order.DemandRecover,
		} {
			row := DemandRow{ID: sqldb.NewID(), OrderID: o.ID, Kind: kind, By: lifecycle.Client,
				Body: []byte(`{"notes":7,"patient_details":"Ada"}`)}
			err := s.AddDemand(t.Context(), row)
			require.Error(t, err, kind)
			require.NotContains(t, err.Error(), "Ada")
			row.Body = []byte(`{}`)
			require.NoError(t, s.AddDemand(t.Context(), row), kind)
		}
	})
}
