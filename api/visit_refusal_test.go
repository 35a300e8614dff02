package api_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

// recordCall records a call about the order with its outcome.
func (v appointmentFixture) recordCall(kind, outcome string) {
	v.t.Helper()
	id := newID()
	_, err := v.store.RecordPartnerCallStart(v.t.Context(), store.PartnerCall{ID: id, OrderID: v.id, Kind: kind})
	require.NoError(v.t, err)
	require.NoError(v.t, v.store.RecordPartnerCallEnd(v.t.Context(), id, outcome, nil))
}

// TestARefusalSaysWhatTheProviderRefused has every action at a provider of appointments, and every reason that the
// protocols have.
func TestARefusalSaysWhatTheProviderRefused(t *testing.T) {
	t.Parallel()
	for _, m := range []lifecycle.Modality{lifecycle.WalkIn, lifecycle.AtHomePhlebotomy} {
		v := newAppointmentFixture(t, m)
		require.Equal(t, http.StatusOK, v.book(v.keys[0], nil).status)
		v.orders.answerWith(func(context.Context, order.Demand) (order.DemandAnswer, error) {
			return order.DemandAnswer{Reason: order.ReasonLabRefused, FromStatus: lifecycle.AppointmentScheduled}, nil
		})
		reason := order.CancellationReasons(order.AppointmentTypeOf(m))[0].ID
		cancel := map[string]any{"cancellation_reason_id": reason}
		other := newAppointmentFixtureOf(v, m)
		for _, tt := range []struct {
			kind, outcome string
			do            func() reply
			says          string
		}{
			{"reschedule", "refused:not_reschedulable",
				func() reply {
					return v.request(http.MethodPatch, "/reschedule", map[string]any{"booking_key": v.keys[1]})
				},
				"The provider refused to reschedule the appointment: this appointment cannot be rescheduled"},
			{"cancel_appointment", "refused:not_cancellable",
				func() reply { return v.request(http.MethodPatch, "/cancel", cancel) },
				"The provider refused to cancel the appointment: this appointment cannot be cancelled"},
			{"cancel_appointment", "not_supported",
				func() reply { return v.request(http.MethodPatch, "/cancel", cancel) },
				"The provider refused to cancel the appointment: it does not offer this"},
			{"book", "refused:outside_service_area", func() reply { return other.book(other.keys[1], nil) },
				"The provider refused to book the appointment: it does not serve this address or site"},
			{"book", "refused:refused_by_lab", func() reply { return other.book(other.keys[1], nil) },
				"The provider refused to book the appointment"},
		} {
			v.recordCall(tt.kind, tt.outcome)
			other.recordCall(tt.kind, tt.outcome)
			r := tt.do()
			require.Equal(t, http.StatusBadRequest, r.status, string(r.body))
			require.Equal(t, tt.says, r.detail(t), "%s %s", m, tt.kind)
		}
	}
}

// newAppointmentFixtureOf returns a second order of the same API, without an appointment.
func newAppointmentFixtureOf(v appointmentFixture, m lifecycle.Modality) appointmentFixture {
	v.id = v.requisitioned()
	v.keys = v.bookableKeys(m)
	return v
}
