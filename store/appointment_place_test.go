package store

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/webhooks"
)

func appointmentOf(t *testing.T, s *Store, orderID string) order.AppointmentDocument {
	t.Helper()
	a, err := s.Appointment(t.Context(), "", orderID)
	require.NoError(t, err)
	return a
}

// madeBy is the appointment that a demand makes.
func madeBy(s *Store, o *order.Order, demandID string) order.AppointmentStep {
	a := booked(s, o)
	a.ID = demandID
	return order.AppointmentStep{Appointment: a, Origin: order.OriginPatient, Created: true}
}

func TestWhereAnAppointmentIs(t *testing.T) {
	t.Parallel()
	forEach(t, func(t *testing.T, s *Store) {
		asked := order.Place{FirstLine: "2 Engine Road", City: "Mesa", State: "AZ", Zip: "85201", Notes: new("ring twice")}
		site := order.Place{Name: "Downtown", FirstLine: "1300 N 12th St", City: "Phoenix", State: "AZ", Zip: "85006", Lat: 33.4, Lng: -112}
		for name, modality := range map[string]lifecycle.Modality{"home": lifecycle.AtHomePhlebotomy, "nowhere": lifecycle.WalkIn} {
			o := addOrder(t, s, visit(modality))
			step := madeBy(s, o, addBooking(t, s, o.ID, order.DemandBook, order.BookingBody{}))
			appoint(t, s, o.ID, step.Appointment.ID, step)
			want := o.Address.Place()
			if modality == lifecycle.WalkIn {
				want = order.Place{}
			}
			require.Equal(t, want, appointmentOf(t, s, o.ID).Place, name)
		}

		o := addOrder(t, s, visit(lifecycle.AtHomePhlebotomy))
		step := madeBy(s, o, addBooking(t, s, o.ID, order.DemandRequest, order.BookingBody{Place: &asked}))
		appoint(t, s, o.ID, step.Appointment.ID, step)
		require.Equal(t, asked, appointmentOf(t, s, o.ID).Place, "as it was asked for")
		require.NoError(t, s.PutPlace(t.Context(), o.ID, "another", o.Address.Place()))
		require.Equal(t, asked, appointmentOf(t, s, o.ID).Place, "that is another appointment's")
		for _, told := range []order.Place{site, asked, site} {
			require.NoError(t, s.PutPlace(t.Context(), o.ID, step.Appointment.Reference, told))
			require.Equal(t, told, appointmentOf(t, s, o.ID).Place, "as the provider says")
		}
		require.Error(t, s.PutPlace(t.Context(), newID(), "r", site), "there is no such order")
	})
}

// A place that the provider's answer brought is in the first message already.
func TestAPlaceMayComeBeforeItsAppointment(t *testing.T) {
	t.Parallel()
	forEach(t, func(t *testing.T, s *Store) {
		team := addTeam(t, s).ID
		endpoint := addEndpoint(t, s, team)
		o := addOrderOf(t, s, team, visit(lifecycle.WalkIn))
		a := booked(s, o)
		a.Reference = "no\x00thing\xff" // a partner's text is stored whatever it is
		require.NoError(t, s.PutPlace(t.Context(), o.ID, a.Reference, order.Place{FirstLine: "1300 N 12th St"}))
		appoint(t, s, o.ID, "", order.AppointmentStep{Appointment: a, Created: true})
		body := told(t, s, endpoint, o.ID, webhooks.AppointmentCreated)[0]
		require.Equal(t, "1300 N 12th St", jsonPath(t, body, "data", "address", "first_line"))
		require.Equal(t, "1300 N 12th St", appointmentOf(t, s, o.ID).Place.FirstLine)
	})
}

func TestWhatCameWithABookingMovesToTheAppointment(t *testing.T) {
	t.Parallel()
	forEach(t, func(t *testing.T, s *Store) {
		forward := stop(s)
		ctx := t.Context()
		team := addTeam(t, s).ID
		endpoint := addEndpoint(t, s, team)
		o := addOrderOf(t, s, team, visit(lifecycle.AtHomePhlebotomy))
		asked := order.BookingBody{Notes: new("afraid of needles"), Place: &order.Place{FirstLine: "2 Engine Road"}}

		id := addBooking(t, s, o.ID, order.DemandRequest, asked)
		got, err := s.Booking(ctx, id)
		require.NoError(t, err)
		require.Equal(t, asked, got)
		step := madeBy(s, o, id)
		appoint(t, s, o.ID, id, step)
		body, err := s.DemandBody(ctx, id)
		require.NoError(t, err)
		require.Nil(t, body)
		got, err = s.Booking(ctx, id)
		require.NoError(t, err)
		require.Equal(t, asked, got, "found where it is now")
		require.Equal(t, asked.Notes, appointmentOf(t, s, o.ID).Notes)
		message := told(t, s, endpoint, o.ID, webhooks.AppointmentCreated)[0]
		require.Equal(t, "afraid of needles", jsonPath(t, message, "data", "appointment_notes"))

		// Moved: what is absent stays as it is.
		forward(time.Minute)
		moved := step
		moved.Created, moved.Reschedule = false, true
		id = addBooking(t, s, o.ID, order.DemandReschedule, order.BookingBody{})
		appoint(t, s, o.ID, id, moved)
		require.Equal(t, asked.Notes, appointmentOf(t, s, o.ID).Notes)
		forward(time.Minute)
		id = addBooking(t, s, o.ID, order.DemandReschedule, order.BookingBody{Notes: new("brave now")})
		appoint(t, s, o.ID, id, moved)
		require.Equal(t, "brave now", *appointmentOf(t, s, o.ID).Notes)
		require.Equal(t, "2 Engine Road", appointmentOf(t, s, o.ID).Place.FirstLine)
		got, err = s.Booking(ctx, id)
		require.NoError(t, err)
		require.Empty(t, got)

		// Why it is cancelled is no note of the appointment.
		forward(time.Minute)
		why := order.BookingBody{Notes: new("moved abroad"), Reason: order.CancellationReasons(order.Phlebotomy)[0].ID}
		id = addBooking(t, s, o.ID, order.DemandCancelAppointment, why)
		cancelled := step
		cancelled.Created, cancelled.Appointment.Status = false, lifecycle.AppointmentIsCancelled
		appoint(t, s, o.ID, id, cancelled)
		require.Equal(t, "brave now", *appointmentOf(t, s, o.ID).Notes)
		got, err = s.Booking(ctx, id)
		require.NoError(t, err)
		require.Equal(t, why, got)

		got, err = s.Booking(ctx, newID())
		require.NoError(t, err)
		require.Empty(t, got, "nothing was kept")
	})
}

// A provider may report an appointment before the call that booked it has been answered.
func TestAnAppointmentMayComeBeforeItsDemandIsSettled(t *testing.T) {
	t.Parallel()
	forEach(t, func(t *testing.T, s *Store) {
		o := addOrder(t, s, visit(lifecycle.WalkIn))
		id := addBooking(t, s, o.ID, order.DemandBook, order.BookingBody{Notes: new("afraid of needles")})
		step := madeBy(s, o, id)
		appoint(t, s, o.ID, "", step)
		require.Equal(t, "afraid of needles", *appointmentOf(t, s, o.ID).Notes)
		step.Created = false
		appoint(t, s, o.ID, id, step)
		require.Equal(t, "afraid of needles", *appointmentOf(t, s, o.ID).Notes)

		// And a demand may be settled before its appointment exists.
		early := addBooking(t, s, o.ID, order.DemandBook, order.BookingBody{Notes: new("call first")})
		_, err := recordUntil(t, s, order.Recording{OrderID: o.ID, Cause: order.CauseDemand(early), DemandID: early},
			func(st order.State) order.Decision {
				return order.Decision{Outcome: order.Applied, From: st.Status, Next: st}
			})
		require.NoError(t, err)
		step = madeBy(s, o, early)
		step.Appointment.CreatedAt = step.Appointment.CreatedAt.Add(time.Minute)
		appoint(t, s, o.ID, "", step)
		require.Equal(t, "call first", *appointmentOf(t, s, o.ID).Notes)
	})
}

func TestBodiesAreCheckedBeforeTheyAreKept(t *testing.T) {
	t.Parallel()
	forEach(t, func(t *testing.T, s *Store) {
		o := addOrder(t, s)
		for _, kind := range []order.DemandKind{
			order.DemandRegister, order.DemandBook, order.DemandRequest, order.DemandReschedule, order.DemandCancelAppointment, order.DemandRecover,
		} {
			row := DemandRow{ID: newID(), OrderID: o.ID, Kind: kind, By: lifecycle.Client, Body: []byte(`{"notes":7,"patient_details":"Ada"}`)}
			err := s.AddDemand(t.Context(), row)
			require.Error(t, err, kind)
			require.NotContains(t, err.Error(), "Ada")
			row.Body = []byte(`{}`)
			require.NoError(t, s.AddDemand(t.Context(), row), kind)
		}
	})
}
