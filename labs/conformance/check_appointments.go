package conformance

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/labs"
	"github.com/aliquot-labs/aliquot/lifecycle"
)

// openScheduler starts a partner, opens its full account and places an order. It returns nil if the account does not
// support this tier of appointments; checkCapabilities checks that case.
func openScheduler(t testing.TB, f Fixture, tier labs.Tier) labs.Scheduler {
	t.Helper()
	p := f.Start(t)
	c := openClient(t, f, f.FullAccount, p.URL, nil)
	s, ok := c.Lab.(labs.Scheduler)
	require.True(t, ok || !c.capabilities.Schedule, "an account that makes appointments is a labs.Scheduler")
	if !c.capabilities.Schedule || !slices.Contains(c.capabilities.Tiers, tier) {
		return nil
	}
	_, err := c.Place(t.Context(), f.NewRequisition(OrderNumber))
	require.NoError(t, err)
	return s
}

// findTwoSlots returns two free slots.
func findTwoSlots(t testing.TB, f Fixture, s labs.Scheduler) (first, second labs.FreeSlot) {
	t.Helper()
	got, err := s.Availability(t.Context(), f.Appointments.Query)
	require.NoError(t, err)
	var slots []labs.FreeSlot
	for i, d := range got.Days {
		require.False(t, d.Date.Before(f.Appointments.Query.From))
		require.False(t, i > 0 && d.Date.Before(got.Days[i-1].Date), "oldest first")
		for _, slot := range d.Slots {
			require.NotEmpty(t, slot.Key)
			require.True(t, slot.EndAt.After(slot.StartAt))
			require.Positive(t, slot.Available)
		}
		slots = append(slots, d.Slots...)
	}
	require.GreaterOrEqual(t, len(slots), 2)
	return slots[0], slots[1]
}

func checkBooking(t testing.TB, f Fixture) {
	t.Helper()
	s := openScheduler(t, f, labs.AppointmentReady)
	if s == nil {
		return
	}
	first, _ := findTwoSlots(t, f, s)
	b := f.Appointments.bookingFor(appointmentID, first.Key)
	booked, err := s.Book(t.Context(), b)
	require.NoError(t, err)
	require.True(t, booked.Status.Active())
	require.NotEmpty(t, booked.Reference)
	require.NotEmpty(t, booked.Provider)
	require.True(t, first.StartAt.Equal(booked.StartAt))
	require.True(t, booked.EndAt.After(booked.StartAt))
	require.NotEmpty(t, booked.Raw, "the answer is in Raw")

	again, err := s.Book(t.Context(), b)
	require.NoError(t, err, "the provider has it from an earlier attempt")
	require.Equal(t, booked.ReportedAppointment, again.ReportedAppointment)

	_, err = s.Book(t.Context(), f.Appointments.bookingFor(otherAppointmentID, f.Appointments.TakenSlot))
	require.ErrorIs(t, err, labs.ErrSlotGone)
}

func checkReschedulingAndCancelling(t testing.TB, f Fixture) {
	t.Helper()
	s := openScheduler(t, f, labs.AppointmentReady)
	if s == nil {
		return
	}
	first, second := findTwoSlots(t, f, s)
	_, err := s.Book(t.Context(), f.Appointments.bookingFor(appointmentID, first.Key))
	require.NoError(t, err)

	_, err = s.Reschedule(t.Context(), f.Appointments.bookingFor(appointmentID, f.Appointments.TakenSlot))
	require.ErrorIs(t, err, labs.ErrSlotGone)
	moved, err := s.Reschedule(t.Context(), f.Appointments.bookingFor(appointmentID, second.Key))
	require.NoError(t, err)
	require.True(t, second.StartAt.Equal(moved.StartAt))
	require.True(t, moved.Status.Active())

	require.NoError(t, s.CancelAppointment(t.Context(), OrderNumber, appointmentID, "Other"))
	require.NoError(t, s.CancelAppointment(t.Context(), OrderNumber, appointmentID, "Other"), "cancelling can be repeated")
	require.NoError(t, s.CancelAppointment(t.Context(), OrderNumber, otherAppointmentID, ""),
		"cancelling an unknown appointment succeeds")
	_, err = s.Reschedule(t.Context(), f.Appointments.bookingFor(appointmentID, first.Key))
	_ = requireError[*labs.RefusedError](t, f, err, "a cancelled appointment cannot be rescheduled")
}

func checkAppointmentRequests(t testing.TB, f Fixture) {
	t.Helper()
	s := openScheduler(t, f, labs.AppointmentRequest)
	if s == nil {
		return
	}
	b := f.Appointments.bookingFor(appointmentID, "")
	requested, err := s.Book(t.Context(), b)
	require.NoError(t, err)
	require.Equal(t, lifecycle.AppointmentStatusPending, requested.Status)
	require.Zero(t, requested.StartAt, "the provider sets the time later")
	again, err := s.Book(t.Context(), b)
	require.NoError(t, err)
	require.Equal(t, requested.ReportedAppointment, again.ReportedAppointment)
	require.NoError(t, s.CancelAppointment(t.Context(), OrderNumber, appointmentID, ""))
}
