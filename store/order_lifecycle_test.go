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

// These tests record decisions of the rules in package order.

// recordRule records a decision of a rule.
func recordRule(t *testing.T, s *Store, r order.Recording, rule func(order.State) order.Decision) RecordResult {
	t.Helper()
	out, err := recordUntil(t, s, r, rule)
	require.NoError(t, err)
	return out
}

func callRecording(orderID string) order.Recording {
	return order.Recording{OrderID: orderID, Cause: order.CauseCall(sqldb.NewID())}
}

// A caller who does not wait gets a pending appointment. The provider is asked for the same booking again.
func TestAnAsynchronousBookingIsRecorded(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		forward := stopClock(s)
		team := addTeam(t, s).ID
		endpoint := addEndpoint(t, s, team)
		o := addOrderOf(t, s, team, setModality(lifecycle.WalkIn))
		applyRequisitionTaken(t, s, o.ID, "A1")
		asked := order.BookingBody{Notes: new("afraid of needles")}
		dm := order.Demand{
			ID: addBooking(t, s, o.ID, order.DemandBookAppointment, asked), Kind: order.DemandBookAppointment,
			By: lifecycle.Client, Async: true,
			Slot: &order.Slot{
				AccountID: sqldb.NewID(), Provider: "quest", Type: order.PatientServiceCenter, Key: "slot-1", Site: "PHX",
				Zone:    "America/Phoenix",
				StartAt: s.now().Add(48 * time.Hour), EndAt: s.now().Add(49 * time.Hour),
			},
		}
		recordRule(t, s, callRecording(o.ID),
			func(st order.State) order.Decision { return st.ApplyBookingAsked(dm, s.now()) })
		require.Empty(t, messagesDue(t, s, endpoint, o.ID, webhooks.AppointmentCreated))
		forward(time.Second)
		recordRule(t, s, callRecording(o.ID), func(st order.State) order.Decision { return st.ApplyBookingPending(s.now()) })
		require.Equal(t, lifecycle.AppointmentStatusPending, appointmentOf(t, s, o.ID).Status)
		require.Equal(t, lifecycle.AppointmentPending, getOrder(t, s, o.ID).Status)
		body, err := s.BookingOfDemand(t.Context(), dm.ID)
		require.NoError(t, err)
		require.Equal(t, asked, body, "the next call to the provider")

		forward(time.Second)
		booked := order.ReportedAppointment{Status: lifecycle.AppointmentStatusConfirmed, Reference: "r1",
			Confirmation: "ABC", CanReschedule: true}
		require.NoError(t, s.PutAppointmentLocation(t.Context(), o.ID, "r1", order.Location{FirstLine: "1300 N 12th St"}))
		resolved := order.Recording{OrderID: o.ID, Cause: order.CauseDemand(dm.ID), DemandID: dm.ID}
		recordRule(t, s, resolved, func(st order.State) order.Decision { return st.ApplyBookingAnswer(dm, booked, s.now()) })
		a := appointmentOf(t, s, o.ID)
		require.Equal(t, []any{dm.ID, lifecycle.AppointmentStatusConfirmed, "r1", "ABC", asked.Notes, "1300 N 12th St"},
			[]any{a.ID, a.Status, a.Reference, a.Confirmation, a.Notes, a.Location.FirstLine})
		require.Equal(t, lifecycle.AppointmentScheduled, getOrder(t, s, o.ID).Status)
		require.Equal(t, *state(t, s, o.ID).Appointment, a.Appointment, "the state of the workflow equals the stored one")
		requireAppointment(t, messagesDue(t, s, endpoint, o.ID, webhooks.AppointmentUpdated)[0], a)
		updates := messagesDue(t, s, endpoint, o.ID, webhooks.OrderUpdated)
		require.Equal(t, dm.ID, jsonPath(t, updates[len(updates)-1], "data", "details", "data", "appointment_id"))
	})
}

// The requisition confirms a reserved appointment: three events of the order, one of the appointment.
func TestARequisitionConfirmsAHeldBooking(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		team := addTeam(t, s).ID
		endpoint := addEndpoint(t, s, team)
		o := addOrderOf(t, s, team, setModality(lifecycle.AtHomePhlebotomy))
		held := newBooking(s, o)
		held.Status = lifecycle.AppointmentStatusReserved
		recordAppointment(t, s, o.ID, "", order.AppointmentStep{Appointment: held, Origin: order.AppointmentOriginPatient,
			First: true})
		applyRequisitionTaken(t, s, o.ID, "A1")
		require.Len(t, messagesDue(t, s, endpoint, o.ID, webhooks.OrderUpdated), 3)
		require.Len(t, messagesDue(t, s, endpoint, o.ID, webhooks.AppointmentUpdated), 1)
		a := appointmentOf(t, s, o.ID)
		require.Equal(t, []any{lifecycle.AppointmentStatusConfirmed, 2, order.AppointmentOriginSystem},
			[]any{a.Status, a.EventCount, a.History[1].Origin})

		// The order and its appointment are cancelled. The order is unfinished until the provider has been informed.
		cancel := order.Demand{ID: sqldb.NewID(), Kind: order.DemandCancel, By: lifecycle.Client}
		recordRule(t, s, order.Recording{OrderID: o.ID, Cause: order.CauseDemand(cancel.ID), DemandID: cancel.ID},
			func(st order.State) order.Decision { return st.ApplyDemand(cancel, s.now()) })
		require.Equal(t, lifecycle.Cancelled, getOrder(t, s, o.ID).Status)
		require.Equal(t, lifecycle.AppointmentStatusCancelled, appointmentOf(t, s, o.ID).Status)
		require.Contains(t, unfinishedIDs(t, s), o.ID)
		recordRule(t, s, callRecording(o.ID),
			func(st order.State) order.Decision { return st.ApplyReleaseAnswer(held.ID, false, s.now()) })
		require.NotContains(t, unfinishedIDs(t, s), o.ID)
	})
}

func unfinishedIDs(t *testing.T, s *Store) []string {
	t.Helper()
	ids, err := s.UnfinishedOrders(t.Context(), "", 100)
	require.NoError(t, err)
	return ids
}

// A kit is registered by its printed number, and keeps that number.
func TestARegisteredKitKeepsItsSample(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		o := addOrder(t, s, setRegistrable)
		applyRequisitionTaken(t, s, o.ID, "KIT-1")
		known := newOrder(s, o.TeamID).Order
		recordRegistration(t, s, o.ID, order.Registration{Patient: known.Patient, Address: known.Address})
		require.Equal(t, lifecycle.Registered, getOrder(t, s, o.ID).Status)
		recordRule(t, s, callRecording(o.ID),
			func(st order.State) order.Decision { return st.ApplyPlacementAccepted("KIT-1", s.now()) })
		got := getOrder(t, s, o.ID)
		require.Equal(t, []any{lifecycle.RequisitionCreated, "KIT-1", true}, []any{got.Status, got.SampleID, got.Registered})
		require.Equal(t, known.Patient, got.Patient)
		id, err := s.OrderIDBySample(t.Context(), o.TeamID, "KIT-1")
		require.NoError(t, err)
		require.Equal(t, o.ID, id)
	})
}

// Final results of a walk-in order that lack markers because of an error of the lab cause one redraw.
func TestFinalResultsWithMissingMarkersCauseARedraw(t *testing.T) {
	t.Parallel()
	forEachEngine(t, func(t *testing.T, s *Store) {
		o := addOrder(t, s, setPanelOrder)
		applyRequisitionTaken(t, s, o.ID, "A1")
		fetched := func(orderID string) RecordResult {
			v, changed, err := s.StoreLabReport(t.Context(), orderID, 1, reportWithMissingMarkers(), sha256Hex("faulty"), nil,
				nil)
			require.NoError(t, err)
			r := callRecording(orderID)
			r.ResultID = v.ID
			return recordRule(t, s, r, func(st order.State) order.Decision {
				d, visible := st.ApplyFetchedResults(order.FetchOutcome{ResultID: v.ID, Changed: changed, MissingByLabFault: true},
					s.now())
				require.True(t, visible)
				return d
			})
		}
		child := getOrder(t, s, fetched(o.ID).ReplacementID)
		require.Equal(t, lifecycle.RedrawAvailable, getOrder(t, s, o.ID).Status)
		require.Len(t, child.LabTest.Markers, 2)
		applyRequisitionTaken(t, s, child.ID, "A2")
		require.Empty(t, fetched(child.ID).ReplacementID)
		require.Equal(t, lifecycle.Completed, getOrder(t, s, child.ID).Status)
		require.Equal(t, order.TransactionCompleted, getOrder(t, s, o.ID).Transaction.Status)
	})
}
