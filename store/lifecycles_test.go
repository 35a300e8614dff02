package store

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/webhooks"
)

// What the rules of package order decide is recorded here as they decide it.

// decided records a decision of a rule.
func decided(t *testing.T, s *Store, r order.Recording, rule func(order.State) order.Decision) Recorded {
	t.Helper()
	out, err := recordUntil(t, s, r, rule)
	require.NoError(t, err)
	return out
}

func call(orderID string) order.Recording {
	return order.Recording{OrderID: orderID, Cause: order.CauseCall(newID())}
}

// A caller who does not wait is told that the appointment is pending. The provider goes on being asked for the same.
func TestABookingNobodyWaitsFor(t *testing.T) {
	t.Parallel()
	forEach(t, func(t *testing.T, s *Store) {
		forward := stop(s)
		team := addTeam(t, s).ID
		endpoint := addEndpoint(t, s, team)
		o := addOrderOf(t, s, team, visit(lifecycle.WalkIn))
		placed(t, s, o.ID, "A1")
		asked := order.BookingBody{Notes: new("afraid of needles")}
		dm := order.Demand{
			ID: addBooking(t, s, o.ID, order.DemandBook, asked), Kind: order.DemandBook, By: lifecycle.Client, Async: true,
			Slot: &order.Slot{
				AccountID: newID(), Provider: "quest", Type: order.PatientServiceCenter, Key: "slot-1", Site: "PHX", Zone: "America/Phoenix",
				StartAt: s.now().Add(48 * time.Hour), EndAt: s.now().Add(49 * time.Hour),
			},
		}
		decided(t, s, call(o.ID), func(st order.State) order.Decision { return st.ApplyBookingAsked(dm, s.now()) })
		require.Empty(t, told(t, s, endpoint, o.ID, webhooks.AppointmentCreated))
		forward(time.Second)
		decided(t, s, call(o.ID), func(st order.State) order.Decision { return st.ApplyBookingPending(s.now()) })
		require.Equal(t, lifecycle.AppointmentIsPending, appointmentOf(t, s, o.ID).Status)
		require.Equal(t, lifecycle.AppointmentPending, getOrder(t, s, o.ID).Status)
		body, err := s.Booking(t.Context(), dm.ID)
		require.NoError(t, err)
		require.Equal(t, asked, body, "what the provider is asked for the next time")

		forward(time.Second)
		booked := order.Booked{Status: lifecycle.AppointmentIsConfirmed, Reference: "r1", Confirmation: "ABC", CanReschedule: true}
		require.NoError(t, s.PutPlace(t.Context(), o.ID, "r1", order.Place{FirstLine: "1300 N 12th St"}))
		settled := order.Recording{OrderID: o.ID, Cause: order.CauseDemand(dm.ID), DemandID: dm.ID}
		decided(t, s, settled, func(st order.State) order.Decision { return st.ApplyBooked(dm, booked, s.now()) })
		a := appointmentOf(t, s, o.ID)
		require.Equal(t, []any{dm.ID, lifecycle.AppointmentIsConfirmed, "r1", "ABC", asked.Notes, "1300 N 12th St"},
			[]any{a.ID, a.Status, a.Reference, a.Confirmation, a.Notes, a.Place.FirstLine})
		require.Equal(t, lifecycle.AppointmentScheduled, getOrder(t, s, o.ID).Status)
		require.Equal(t, *state(t, s, o.ID).Appointment, a.Appointment, "what the workflow knows and what is stored are one")
		requireAppointment(t, told(t, s, endpoint, o.ID, webhooks.AppointmentUpdated)[0], a)
		updates := told(t, s, endpoint, o.ID, webhooks.OrderUpdated)
		require.Equal(t, dm.ID, jsonPath(t, updates[len(updates)-1], "data", "details", "data", "appointment_id"))
	})
}

// A slot that is held before the requisition follows it at once: three events of the order, one of the appointment.
func TestARequisitionConfirmsWhatIsHeld(t *testing.T) {
	t.Parallel()
	forEach(t, func(t *testing.T, s *Store) {
		team := addTeam(t, s).ID
		endpoint := addEndpoint(t, s, team)
		o := addOrderOf(t, s, team, visit(lifecycle.AtHomePhlebotomy))
		held := booked(s, o)
		held.Status = lifecycle.AppointmentIsReserved
		appoint(t, s, o.ID, "", order.AppointmentStep{Appointment: held, Origin: order.OriginPatient, Created: true})
		placed(t, s, o.ID, "A1")
		require.Len(t, told(t, s, endpoint, o.ID, webhooks.OrderUpdated), 3)
		require.Len(t, told(t, s, endpoint, o.ID, webhooks.AppointmentUpdated), 1)
		a := appointmentOf(t, s, o.ID)
		require.Equal(t, []any{lifecycle.AppointmentIsConfirmed, 2, order.OriginSystem}, []any{a.Status, a.Events, a.History[1].Origin})

		// Its order is cancelled, and it with it; the order is open until the provider has been told.
		cancel := order.Demand{ID: newID(), Kind: order.DemandCancel, By: lifecycle.Client}
		decided(t, s, order.Recording{OrderID: o.ID, Cause: order.CauseDemand(cancel.ID), DemandID: cancel.ID},
			func(st order.State) order.Decision { return st.ApplyDemand(cancel, s.now()) })
		require.Equal(t, lifecycle.Cancelled, getOrder(t, s, o.ID).Status)
		require.Equal(t, lifecycle.AppointmentIsCancelled, appointmentOf(t, s, o.ID).Status)
		require.Contains(t, open(t, s), o.ID)
		decided(t, s, call(o.ID), func(st order.State) order.Decision { return st.ApplyReleased(held.ID, false, s.now()) })
		require.NotContains(t, open(t, s), o.ID)
	})
}

func open(t *testing.T, s *Store) []string {
	t.Helper()
	ids, err := s.OpenOrders(t.Context(), "", 100)
	require.NoError(t, err)
	return ids
}

// A kit is registered by the number that is printed on it, and keeps it.
func TestARegisteredKitKeepsItsSample(t *testing.T) {
	t.Parallel()
	forEach(t, func(t *testing.T, s *Store) {
		o := addOrder(t, s, unbound)
		placed(t, s, o.ID, "KIT-1")
		known := newOrder(s, o.TeamID).Order
		registers(t, s, o.ID, order.Registration{Patient: known.Patient, Address: known.Address})
		require.Equal(t, lifecycle.Registered, getOrder(t, s, o.ID).Status)
		decided(t, s, call(o.ID), func(st order.State) order.Decision { return st.ApplyPlaced("KIT-1", s.now()) })
		got := getOrder(t, s, o.ID)
		require.Equal(t, []any{lifecycle.RequisitionCreated, "KIT-1", true}, []any{got.Status, got.SampleID, got.Registered})
		require.Equal(t, known.Patient, got.Patient)
		id, err := s.OrderIDBySample(t.Context(), o.TeamID, "KIT-1")
		require.NoError(t, err)
		require.Equal(t, o.ID, id)
	})
}

// Final results of a walk-in order that lack markers through the lab's fault have it drawn again, once.
func TestFinalResultsHaveASampleDrawnAgain(t *testing.T) {
	t.Parallel()
	forEach(t, func(t *testing.T, s *Store) {
		o := addOrder(t, s, panel)
		placed(t, s, o.ID, "A1")
		fetched := func(orderID string) Recorded {
			v, changed, err := s.StoreReport(t.Context(), orderID, 1, faulty(), digest("faulty"), nil, nil)
			require.NoError(t, err)
			r := call(orderID)
			r.ResultID = v.ID
			return decided(t, s, r, func(st order.State) order.Decision {
				d, visible := st.ApplyFetched(order.Fetched{ResultID: v.ID, Changed: changed, LabMissing: true}, s.now())
				require.True(t, visible)
				return d
			})
		}
		child := getOrder(t, s, fetched(o.ID).ChildID)
		require.Equal(t, lifecycle.RedrawAvailable, getOrder(t, s, o.ID).Status)
		require.Len(t, child.LabTest.Markers, 2)
		placed(t, s, child.ID, "A2")
		require.Empty(t, fetched(child.ID).ChildID)
		require.Equal(t, lifecycle.Completed, getOrder(t, s, child.ID).Status)
		require.Equal(t, order.TransactionCompleted, getOrder(t, s, o.ID).Transaction.Status)
	})
}
