package api_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
)

// The story has an appointment with its history, and without its location.
func TestOpsStoryOfAnAppointment(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	id := f.createOrder(nil)
	require.Equal(t, []any{}, f.ops(http.MethodGet, "/ops/orders/"+id+"/story", nil).json(t)["appointments"])
	a := order.Appointment{
		ID: newID(), Type: order.PatientServiceCenter, Provider: "quest", AccountID: newID(),
		Status:    lifecycle.AppointmentStatusPending,
		Reference: "r1", SlotKey: "slot-1", CreatedAt: testTime,
	}
	confirmed := a
	confirmed.Status, confirmed.StartAt, confirmed.EndAt = lifecycle.AppointmentStatusConfirmed, testTime.Add(time.Hour),
		testTime.Add(2*time.Hour)
	require.NoError(t, f.store.PutAppointmentLocation(t.Context(), id, "r1", order.Location{FirstLine: "1300 N 12th St"}))
	f.record(id, order.CauseCall("book"), func(s order.State) order.Decision {
		s.Appointment = &confirmed
		return order.Decision{Outcome: order.OutcomeApplied, From: s.Status, Next: s, Appointments: []order.AppointmentStep{
			{Appointment: a, Origin: order.AppointmentOriginPatient, First: true, At: testTime},
			{Appointment: confirmed, Origin: order.AppointmentOriginProvider, At: testTime},
		}}
	})

	r := f.ops(http.MethodGet, "/ops/orders/"+id+"/story", nil)
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	appointments, ok := r.json(t)["appointments"].([]any)
	require.True(t, ok)
	require.Len(t, appointments, 1)
	shown, ok := appointments[0].(map[string]any)
	require.True(t, ok)
	require.Equal(t, []any{a.ID, "quest", "confirmed", "r1"},
		[]any{shown["id"], shown["provider"], shown["status"], shown["reference"]})
	require.NotNil(t, shown["start_at"])
	events, ok := shown["events"].([]any)
	require.True(t, ok)
	require.Len(t, events, 2)
	require.Equal(t, "pending", events[0].(map[string]any)["status"])
	require.Equal(t, "scheduled", events[1].(map[string]any)["status"])
	require.Equal(t, "provider", events[1].(map[string]any)["origin"])
	require.NotContains(t, string(r.body), "1300 N 12th St")
}
