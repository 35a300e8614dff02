package api_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

func TestRequestPhlebotomist(t *testing.T) {
	t.Parallel()
	v := newAppointmentFixture(t, lifecycle.AtHomePhlebotomy)
	request := func(set map[string]any) reply {
		body := map[string]any{"address": visitAddress(), "provider": "getlabs", "appointment_notes": "blue door"}
		for path, value := range set {
			setPath(body, path, value)
		}
		return v.request(http.MethodPost, "/request", body)
	}
	r := request(map[string]any{"provider": "phlebfinders"})
	require.Equal(t, http.StatusBadRequest, r.status)
	require.Contains(t, r.detail(t), "cannot be requested of phlebfinders")
	requireProblem(t, request(map[string]any{"provider": "me"}), []any{"body", "provider"}, "enum")
	requireProblem(t, request(map[string]any{"address": nil}), []any{"body", "address"}, "missing")
	requireProblem(t, request(map[string]any{"address.zip_code": "x"}), []any{"body", "address", "zip_code"},
		"string_pattern_mismatch")

	r = request(nil)
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	got := r.json(t)
	require.Equal(t, "pending", got["status"])
	require.Equal(t, "pending", got["event_status"])
	require.Equal(t, "getlabs", got["provider"])
	require.Nil(t, got["start_at"])
	require.Nil(t, got["end_at"])
	require.Equal(t, false, got["can_reschedule"])
	require.Equal(t, "1300 N 12th St", got["address"].(map[string]any)["first_line"])
	d, _ := v.newestDemand()
	require.Equal(t, order.DemandRequestAppointment, d.Kind)
	require.Empty(t, d.Slot.Key)
	require.Equal(t, "getlabs", d.Slot.Provider)
	require.Equal(t, lifecycle.AppointmentPending, v.order(v.id).Status)

	walkIn := newAppointmentFixture(t, lifecycle.WalkIn)
	walkIn.path = "/v3/order/%s/phlebotomy/appointment"
	r = walkIn.request(http.MethodPost, "/request", map[string]any{"address": visitAddress(), "provider": "getlabs"})
	require.Equal(t, http.StatusBadRequest, r.status)
}

func TestRescheduleAppointment(t *testing.T) {
	t.Parallel()
	for _, m := range []lifecycle.Modality{lifecycle.WalkIn, lifecycle.AtHomePhlebotomy} {
		v := newAppointmentFixture(t, m)
		move := func(key any) reply {
			return v.request(http.MethodPatch, "/reschedule",
				map[string]any{"booking_key": key, "appointment_notes": "back door"})
		}
		r := move(v.keys[1])
		require.Equal(t, http.StatusBadRequest, r.status)
		require.Contains(t, r.detail(t), "no appointment")
		require.Equal(t, http.StatusOK, v.book(v.keys[0], nil).status)
		r = move(v.keys[1])
		require.Equal(t, http.StatusOK, r.status, string(r.body))
		got := r.json(t)
		require.Equal(t, "2026-03-05T17:00:00Z", got["start_at"])
		require.Equal(t, "back door", got["appointment_notes"])
		require.Equal(t, map[string]any{"origin": "patient", "is_reschedule": true}, got["event_data"])
		require.Len(t, got["events"], 2)
		require.Equal(t, http.StatusBadRequest, move("prose").status)
		requireProblem(t, move(nil), []any{"body", "booking_key"}, "string_type")
	}
}

func TestCancelAppointment(t *testing.T) {
	t.Parallel()
	for m, bodies := range map[lifecycle.Modality][]map[string]any{
		lifecycle.AtHomePhlebotomy: {{"cancellation_reason_id": "", "notes": "moved away"}},
		lifecycle.WalkIn: {{"cancellationReasonId": "", "note": "moved away"},
			{"cancellation_reason_id": "", "notes": "moved away"}},
	} {
		for _, body := range bodies {
			v := newAppointmentFixture(t, m)
			reason := order.CancellationReasons(order.AppointmentTypeOf(m))[1].ID
			with := func(id any) map[string]any {
				out := map[string]any{}
				for k, value := range body {
					if out[k] = value; value == "" {
						out[k] = id
					}
				}
				return out
			}
			r := v.request(http.MethodPatch, "/cancel", with(reason))
			require.Equal(t, http.StatusBadRequest, r.status)
			require.Contains(t, r.detail(t), "no appointment")
			require.Equal(t, http.StatusOK, v.book(v.keys[0], nil).status)
			r = v.request(http.MethodPatch, "/cancel", with(newID()))
			require.Equal(t, http.StatusBadRequest, r.status)
			require.Equal(t, "Cancellation reason does not exist", r.detail(t))
			require.Equal(t, http.StatusUnprocessableEntity, v.request(http.MethodPatch, "/cancel", with("x")).status)
			require.Equal(t, http.StatusUnprocessableEntity, v.request(http.MethodPatch, "/cancel", `{}`).status)

			r = v.request(http.MethodPatch, "/cancel", with(reason))
			require.Equal(t, http.StatusOK, r.status, string(r.body))
			require.Equal(t, "cancelled", r.json(t)["status"])
			require.Equal(t, "cancelled", r.json(t)["event_status"])
			require.Equal(t, lifecycle.AppointmentCancelled, v.order(v.id).Status)
			require.Equal(t, http.StatusOK, v.book(v.keys[1], nil).status, "another can be booked")
		}
	}
}

// Appointments of Sonora Quest are changed by telephone only.
func TestAppointmentsThatTheAPICannotChange(t *testing.T) {
	t.Parallel()
	v := newAppointmentFixture(t, lifecycle.WalkIn)
	r := v.book(v.bookingKeyOf(v.rebindSlot(order.Slot{Provider: "sonora_quest", StartAt: testTime.Add(time.Hour)})), nil)
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	for what, body := range map[string]any{
		"/reschedule": map[string]any{"booking_key": v.keys[0]},
		"/cancel":     map[string]any{"cancellationReasonId": order.CancellationReasons(order.PatientServiceCenter)[0].ID},
	} {
		r := v.request(http.MethodPatch, what, body)
		require.Equal(t, http.StatusBadRequest, r.status)
		require.Contains(t, r.detail(t), "cannot be changed through the API")
	}
}

func TestCancellationReasons(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for name, kind := range map[string]order.AppointmentType{"phlebotomy": order.Phlebotomy,
		"psc": order.PatientServiceCenter} {
		r := f.sendWithKey(http.MethodGet, "/v3/order/"+name+"/appointment/cancellation-reasons", f.key, nil)
		require.Equal(t, http.StatusOK, r.status, string(r.body))
		var list []map[string]any
		require.NoError(t, json.Unmarshal(r.body, &list))
		want := order.CancellationReasons(kind)
		require.Len(t, list, len(want))
		require.Equal(t, map[string]any{"id": want[0].ID, "name": want[0].Name, "is_refundable": want[0].Refundable}, list[0])
	}
}

// The answer is 404 for appointments of another team and for orders without that type of appointment.
func TestAppointmentsOfOthers(t *testing.T) {
	t.Parallel()
	v := newAppointmentFixture(t, lifecycle.WalkIn)
	require.Equal(t, http.StatusOK, v.book(v.keys[0], nil).status)
	bodies := map[string]any{
		"/book": map[string]any{"booking_key": v.keys[0]}, "/reschedule": map[string]any{"booking_key": v.keys[0]},
		"/cancel":  map[string]any{"cancellationReasonId": newID(), "cancellation_reason_id": newID()},
		"/request": map[string]any{"address": visitAddress(), "provider": "getlabs"}, "": nil,
	}
	methods := map[string]string{"/book": http.MethodPost, "/request": http.MethodPost, "": http.MethodGet}
	mine := v.key
	for _, kind := range []string{"psc", "phlebotomy"} {
		v.path = "/v3/order/%s/" + kind + "/appointment"
		for what, body := range bodies {
			if what == "/request" && kind == "psc" {
				continue
			}
			method := http.MethodPatch
			if m, ok := methods[what]; ok {
				method = m
			}
			v.key = v.newKey(v.newTeam(store.Sandbox, ""), store.RoleClient)
			r := v.request(method, what, body)
			require.Equal(t, http.StatusNotFound, r.status, kind+what)
			require.Equal(t, "Order not found", r.detail(t))
			v.key = mine
			if kind == "phlebotomy" {
				r = v.request(method, what, body)
				require.Contains(t, []int{http.StatusBadRequest, http.StatusNotFound}, r.status, kind+what)
			}
		}
	}
}
