package simlab_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/labs/simlab"
)

// Requests are confirmed with a time later, and calls cannot reschedule them.
func TestAppointmentRequests(t *testing.T) {
	t.Parallel()
	w := newNeutralLab(t)
	requested := w.book(http.StatusCreated, "a1", bookingBody(simlab.FlowPhlebotomy, ""))
	require.Equal(t, []any{"phlebfinders", "pending", false},
		[]any{requested.Provider, requested.Status, requested.CanReschedule})
	require.Nil(t, requested.Start)
	require.Nil(t, requested.Timezone)
	w.await(func() bool { return len(w.webhooks()) == 1 })
	fact := w.verifiedWebhooks()[0]
	require.Equal(t, []any{"appointment", "N1"}, []any{fact.fields["type"], fact.fields["order_number"]})
	data := fact.fields["data"].(map[string]any)
	require.Equal(t, []any{"a1", "confirmed", "America/Chicago"}, []any{data["id"], data["status"], data["timezone"]})
	start, err := time.Parse(time.RFC3339, data["start"].(string))
	require.NoError(t, err)
	require.True(t, start.After(time.Now()))
	require.Equal(t, "not_reschedulable", neutralCall[refusal](w, http.StatusConflict, http.MethodPost,
		"/orders/N1/appointments/a1/reschedule", `{"slot":"x"}`).Code)
	require.Equal(t, "outside_service_area", neutralCallAs[refusal](w, accountName+":getlabs",
		http.StatusUnprocessableEntity, http.MethodPut,
		"/orders/N1/appointments/a2", bookingBody(simlab.FlowPhlebotomy, "")).Code)
}

// Sonora Quest reserves a slot, confirms it later, and takes no other calls.
func TestSonoraQuestBookings(t *testing.T) {
	t.Parallel()
	const sonora = accountName + ":sonora_quest"
	w := newNeutralLab(t, func(c *simlab.Config) { c.Speed = 1e6 })
	slot := w.findAvailability(sonora, availabilityQuery(simlab.FlowWalkIn, "85004")).Days[0].Slots[0].Key
	booked := neutralCallAs[appointmentView](w, sonora, http.StatusCreated, http.MethodPut, "/orders/N1/appointments/a1",
		bookingBody(simlab.FlowWalkIn, slot))
	require.Equal(t, []any{"sonora_quest", "reserved", false}, []any{booked.Provider, booked.Status, booked.CanReschedule})
	w.await(func() bool { return len(w.webhooks()) == 1 })
	webhook := w.webhooks()[0]
	require.Equal(t, sonora, webhook.header.Get("x-account"))
	require.Equal(t, "confirmed", webhook.fields["data"].(map[string]any)["status"])
	for path, code := range map[string]string{"reschedule": "not_reschedulable", "cancel": "not_cancellable"} {
		got := neutralCallAs[refusal](w, sonora, http.StatusConflict, http.MethodPost, "/orders/N1/appointments/a1/"+path,
			`{"slot":"`+slot+`"}`)
		require.Equal(t, code, got.Code)
	}
}

func TestBookingsFail(t *testing.T) {
	t.Parallel()
	w := newNeutralLab(t, withManual)
	slot := w.freeSlot(simlab.FlowWalkIn)
	put := func(script string) {
		call[map[string]string](w, http.StatusOK, http.MethodPut, "/sandbox/orders/N1/script", `{"script":"`+script+`"}`)
	}
	put("book-refused")
	require.Equal(t, "outside_service_area", w.bookRefused("a1", bookingBody(simlab.FlowWalkIn, slot),
		http.StatusUnprocessableEntity))
	put("book-slot-gone")
	require.Equal(t, "slot_gone", w.bookRefused("a1", bookingBody(simlab.FlowWalkIn, slot), http.StatusConflict))
	put("fail-book-1")
	require.Equal(t, "unavailable", w.bookRefused("a1", bookingBody(simlab.FlowWalkIn, slot),
		http.StatusServiceUnavailable))
	put("book-unanswered")
	_, _, err := w.sendSigned(accountName, http.MethodPut, "/orders/N1/appointments/a1",
		bookingBody(simlab.FlowWalkIn, slot))
	require.Error(t, err)
	require.Equal(t, "confirmed", w.book(http.StatusOK, "a1", bookingBody(simlab.FlowWalkIn, slot)).Status,
		"it was booked all the same")
	put("refuse-reschedule")
	require.Equal(t, "not_cancellable", neutralCall[refusal](w, http.StatusConflict, http.MethodPost,
		"/orders/N1/appointments/a1/cancel", `{}`).Code)

	put("unconfirmed")
	require.Equal(t, "pending", w.book(http.StatusCreated, "a2", bookingBody(simlab.FlowPhlebotomy, "")).Status)
	require.Empty(t, w.webhooks())
}

// If an appointment that the provider cancelled is booked again, the script continues.
func TestRebookingAfterCancellation(t *testing.T) {
	t.Parallel()
	for script, want := range map[string][]string{
		"provider-cancels":  join(calledOff, attended, sample, report),
		"provider-declines": join(calledOff, attended, sample, report),
	} {
		w := newNeutralLab(t)
		w.placeOnSite(simlab.FlowWalkIn, script)
		for _, id := range []string{"a1", "a2"} {
			w.book(http.StatusCreated, id, bookingBody(simlab.FlowWalkIn, w.freeSlot(simlab.FlowWalkIn)))
			w.await(func() bool { return len(w.webhooks()) > 0 })
		}
		w.await(func() bool { return !w.order("N1").Running })
		require.Equal(t, want, w.factNames(w.order("N1")), script)
	}
}

func TestProvidersActByHand(t *testing.T) {
	t.Parallel()
	w := newNeutralLab(t, withManual)
	act := func(status int, number, id, body string) (answer struct {
		Status      int             `json:"status"`
		Appointment appointmentView `json:"appointment"`
	}) {
		t.Helper()
		return call[struct {
			Status      int             `json:"status"`
			Appointment appointmentView `json:"appointment"`
		}](w, status, http.MethodPost, "/sandbox/orders/"+number+"/appointments/"+id, body)
	}
	slot := w.freeSlot(simlab.FlowWalkIn)
	booked := w.book(http.StatusCreated, "a1", bookingBody(simlab.FlowWalkIn, slot))

	moved := act(http.StatusOK, "N1", "active", `{"status":"confirmed"}`).Appointment
	require.NotEqual(t, booked.Start, moved.Start, "a confirmed one is moved")
	w.book(http.StatusCreated, "a2", bookingBody(simlab.FlowWalkIn, slot))
	withdrawn := act(http.StatusOK, "N1", "a1", `{"status":"pending","webhook_id":"w1","at":"2024-01-02T03:04:05Z"}`)
	require.Nil(t, withdrawn.Appointment.Start)
	require.Equal(t, http.StatusOK, withdrawn.Status)
	set := act(http.StatusOK, "N1", "a1", `{"status":"confirmed","start":"2030-01-02T03:04:05Z"}`).Appointment
	require.Equal(t, 2030, set.Start.Year())
	require.Equal(t, 20*time.Minute, set.End.Sub(*set.Start))
	act(http.StatusOK, "N1", "a1", `{"status":"in_progress"}`)
	require.Zero(t, act(http.StatusOK, "N1", "a1", `{"status":"completed","lost":true}`).Status, "not sent")
	webhooks := w.verifiedWebhooks()
	require.Len(t, webhooks, 4)
	require.Equal(t, []string{"w1", "2024-01-02T03:04:05.000000Z"},
		[]string{webhooks[1].header.Get("webhook-id"), webhooks[1].fields["at"].(string)})

	// Orders that the lab does not have, and orders of Molecular's protocol.
	act(http.StatusNotFound, "N7", "b1", `{"status":"confirmed"}`)
	act(http.StatusBadRequest, "N7", "b1", `{"status":"perhaps","provider":"quest"}`)
	made := act(http.StatusOK, "N7", "b1", `{"status":"confirmed","provider":"quest","site":"QTX1"}`).Appointment
	require.Equal(t, "QTX1", made.Site.Code)
	require.NotNil(t, made.Start)
	w.place("M1", "")
	act(http.StatusOK, "M1", "c1", `{"status":"pending","provider":"phlebfinders"}`)
	act(http.StatusConflict, "M1", "c1", `{"status":"confirmed","slot":"`+slot+`"}`)
	listed := call[map[string][]appointmentView](w, http.StatusOK, http.MethodGet, "/sandbox/orders/N1/appointments", "")
	require.Len(t, listed["appointments"], 2)
	require.Equal(t, "completed", listed["appointments"][0].Status)
}
