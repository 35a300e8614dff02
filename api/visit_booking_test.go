package api_test

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/api"
	"github.com/aliquot-labs/aliquot/labs"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

// appointmentFixture is a fixture with an order that has a requisition, and a free slot for it.
type appointmentFixture struct {
	labAPI
	id, path string
	keys     []string // booking keys of the free slots, in order
}

// appointmentRoutePaths are the parts of the paths of appointments, by modality.
var appointmentRoutePaths = map[lifecycle.Modality]string{
	lifecycle.AtHomePhlebotomy: "/v3/order/%s/phlebotomy/appointment",
	lifecycle.WalkIn:           "/v3/order/%s/psc/appointment",
}

// newAppointmentFixture creates an order of the modality with free slots for it.
func newAppointmentFixture(t *testing.T, m lifecycle.Modality) appointmentFixture {
	t.Helper()
	return newSchedulingAPI(t).newAppointmentFixture(m)
}

// newSchedulingAPI returns an API with free slots. Phlebotomists have their own account, patient service centers that
// of the order's lab.
func newSchedulingAPI(t *testing.T, with ...func(*api.Deps)) labAPI {
	t.Helper()
	quest, getlabs := newSchedulingLab("quest", labs.AppointmentReady),
		newSchedulingLab("getlabs", labs.AppointmentReady, labs.AppointmentRequest)
	days := []labs.DaySlots{newDaySlots(t, "2026-03-05",
		&labs.Site{Code: "AZ1", Zone: "America/Phoenix", Location: order.Location{Name: "North"}}, 16, 17)}
	quest.free = labs.Availability{Days: days}
	getlabs.free = labs.Availability{Zone: "America/Phoenix",
		Days: []labs.DaySlots{newDaySlots(t, "2026-03-05", nil, 16, 17)}}
	return newLabAPI(t, map[string]*lab{"quest": quest, "getlabs": getlabs}, with...)
}

// newAppointmentFixture creates an order of the modality, with its requisition.
func (c labAPI) newAppointmentFixture(m lifecycle.Modality) appointmentFixture {
	c.t.Helper()
	v := appointmentFixture{labAPI: c, path: appointmentRoutePaths[m]}
	v.labTest = v.labTestAt("quest", m)
	v.id = v.requisitioned()
	v.keys = v.bookableKeys(m)
	return v
}

// labTestAt adds an active test of a lab for all teams.
func (f *fixture) labTestAt(slug string, m lifecycle.Modality) string {
	f.t.Helper()
	id := newID()
	require.NoError(f.t, f.store.PutLabTest(f.t.Context(), "", order.LabTest{
		ID: id, Slug: id, Name: "Lipids", Status: "active", Method: m, SampleType: "serum",
		Lab: &order.Lab{ID: 1, Slug: slug, Name: slug},
	}))
	return id
}

func (f *fixture) requisitioned() string {
	id := f.createOrder(nil)
	f.record(id, order.CauseCall(newID()),
		func(s order.State) order.Decision { return s.ApplyPlacementAccepted("A-"+id, testTime) })
	return id
}

func (v appointmentFixture) bookableKeys(m lifecycle.Modality) []string {
	v.t.Helper()
	r := v.sendWithKey(http.MethodPost, phlebotomyPath, v.key, visitAddress())
	if m == lifecycle.WalkIn {
		r = v.sendWithKey(http.MethodPost, pscPath+"?lab=quest&zip_code=85004", v.key, nil)
	}
	require.Equal(v.t, http.StatusOK, r.status, string(r.body))
	var keys []string
	for _, slot := range r.json(v.t)["slots"].([]any)[0].(map[string]any)["slots"].([]any) {
		keys = append(keys, slot.(map[string]any)["booking_key"].(string))
	}
	return keys
}

func (v appointmentFixture) request(method, what string, body any, headers ...string) reply {
	v.t.Helper()
	return v.sendWithKey(method, path(v.path, v.id)+what, v.key, body, headers...)
}

func (v appointmentFixture) book(key string, more map[string]any, headers ...string) reply {
	v.t.Helper()
	body := map[string]any{"booking_key": key, "appointment_notes": "blue door"}
	for k, value := range more {
		body[k] = value
	}
	return v.request(http.MethodPost, "/book", body, headers...)
}

// newestDemand returns the newest demand, with its sealed texts.
func (v appointmentFixture) newestDemand() (order.Demand, order.BookingBody) {
	v.t.Helper()
	_, _, demands := v.orders.snapshot()
	require.NotEmpty(v.t, demands)
	d := demands[len(demands)-1]
	sealed, err := v.store.DemandBody(v.t.Context(), d.ID)
	require.NoError(v.t, err)
	var words order.BookingBody
	if sealed != nil {
		require.NoError(v.t, json.Unmarshal(sealed, &words))
	}
	return d, words
}

func TestBookAppointment(t *testing.T) {
	t.Parallel()
	for _, m := range []lifecycle.Modality{lifecycle.WalkIn, lifecycle.AtHomePhlebotomy} {
		v := newAppointmentFixture(t, m)
		r := v.request(http.MethodGet, "", nil)
		require.Equal(t, http.StatusNotFound, r.status)
		require.Equal(t, "Appointment not found", r.detail(t))

		r = v.book(v.keys[0], nil)
		require.Equal(t, http.StatusOK, r.status, string(r.body))
		got := r.json(t)
		require.Equal(t, v.id, got["order_id"])
		require.Equal(t, string(order.AppointmentTypeOf(m)), got["type"])
		require.Equal(t, "confirmed", got["status"])
		require.Equal(t, "scheduled", got["event_status"])
		require.Equal(t, "2026-03-05T16:00:00Z", got["start_at"])
		require.Equal(t, "America/Phoenix", got["iana_timezone"])
		require.Equal(t, "blue door", got["appointment_notes"])
		require.Equal(t, true, got["can_reschedule"])
		require.Len(t, got["events"], 1)

		d, _ := v.newestDemand()
		require.Equal(t, order.DemandBookAppointment, d.Kind)
		require.Equal(t, lifecycle.Client, d.By)
		require.Equal(t, "2026-03-05T16", d.Slot.Key, "the provider's own key")
		require.False(t, d.Async)
		require.Equal(t, lifecycle.AppointmentScheduled, v.order(v.id).Status)
		require.Contains(t, v.actions(v.id), "order.book")

		r = v.request(http.MethodGet, "", nil)
		require.Equal(t, http.StatusOK, r.status)
		require.Equal(t, got["id"], r.json(t)["id"])
		require.Contains(t, v.actions(v.id), "appointment.read")
		shown := v.sendWithKey(http.MethodGet, "/v3/order/"+v.id, v.key,
			nil).json(t)["details"].(map[string]any)["data"].(map[string]any)
		require.Equal(t, got["id"], shown["appointment_id"])

		r = v.book(v.keys[1], nil)
		require.Equal(t, http.StatusBadRequest, r.status)
		require.Contains(t, r.detail(t), "has an appointment already")
	}
}

func TestAsynchronousBookings(t *testing.T) {
	t.Parallel()
	v := newAppointmentFixture(t, lifecycle.WalkIn)
	v.orders.answerWith(func(context.Context, order.Demand) (order.DemandAnswer, error) {
		return order.DemandAnswer{Reason: order.ReasonBookingUnderWay}, nil
	})
	seconds := func(n float64) order.Duration { return order.Duration(time.Duration(n * float64(time.Second))) }
	for _, tt := range []struct {
		more                map[string]any
		async               bool
		wait, confirmWithin order.Duration
	}{
		{map[string]any{"async_confirmation": false, "sync_confirmation_timeout_millisecond": 5000}, false, 0, 0},
		{map[string]any{"async_confirmation": true}, true, seconds(2.5), seconds(900)},
		{map[string]any{
			"async_confirmation": true, "sync_confirmation_timeout_millisecond": 1000,
			"async_confirmation_timeout_millisecond": 172800000,
		}, true, seconds(1), seconds(172800)},
		{map[string]any{"async_confirmation": nil, "sync_confirmation_timeout_millisecond": nil, "appointment_notes": nil},
			false, 0, 0},
	} {
		r := v.book(v.keys[0], tt.more)
		require.Equal(t, http.StatusBadRequest, r.status, string(r.body))
		d, _ := v.newestDemand()
		require.Equal(t, tt.async, d.Async)
		require.Equal(t, tt.wait, d.CallerWait)
		require.Equal(t, tt.confirmWithin, d.ConfirmWithin)
	}
	for field, tt := range map[string]struct {
		value any
		kind  string
	}{
		"booking_key":                            {nil, "string_type"},
		"async_confirmation":                     {"yes", "bool_type"},
		"sync_confirmation_timeout_millisecond":  {999, "greater_than_equal"},
		"async_confirmation_timeout_millisecond": {172800001, "less_than_equal"},
	} {
		r := v.book(v.keys[0], map[string]any{field: tt.value})
		require.Equal(t, http.StatusUnprocessableEntity, r.status, field)
		requireProblem(t, r, []any{"body", field}, tt.kind)
	}
	require.Equal(t, http.StatusUnprocessableEntity,
		v.book(v.keys[0], map[string]any{"sync_confirmation_timeout_millisecond": 10001}).status)
	require.Equal(t, http.StatusUnprocessableEntity,
		v.book(v.keys[0], map[string]any{"async_confirmation_timeout_millisecond": 59999}).status)
}

// A booking key is valid for its team and its type of appointment, and only unchanged.
func TestBookingKeys(t *testing.T) {
	t.Parallel()
	v := newAppointmentFixture(t, lifecycle.WalkIn)
	other := newAppointmentFixture(t, lifecycle.AtHomePhlebotomy)
	for name, tt := range map[string]struct{ key, text string }{
		"prose":             {"tomorrow at nine", "is not valid"},
		"of another kind":   {v.bookingKeyOf(order.Slot{Type: order.Phlebotomy, Key: "x"}), "another kind"},
		"of another team":   {other.bookingKeyOf(order.Slot{Type: order.PatientServiceCenter, Key: "x"}), "is not valid"},
		"of something else": {v.store.Sign("cursor", []byte("{}")), "is not valid"},
		"changed":           {"A" + v.keys[0], "is not valid"},
		"of another lab": {v.bookingKeyOf(order.Slot{Type: order.PatientServiceCenter, Key: "x", AccountID: v.account}),
			"another lab"},
		"expired": {v.bookingKeyOf(v.rebindSlot(order.Slot{ExpiresAt: testTime.Add(-time.Second)})),
			"not available any more"},
		"of a time gone by": {v.bookingKeyOf(v.rebindSlot(order.Slot{StartAt: testTime.Add(-time.Second)})),
			"not available any more"},
	} {
		r := v.book(tt.key, nil)
		require.Equal(t, http.StatusBadRequest, r.status, name)
		require.Contains(t, r.detail(t), tt.text, name)
	}
	_, _, demands := v.orders.snapshot()
	require.Empty(t, demands)

	// All accounts of the order's lab have the same centers.
	second := v.newAccountAt("quest", store.LabAccount{})
	r := v.book(v.bookingKeyOf(order.Slot{Type: order.PatientServiceCenter, Provider: "quest", Key: "x", AccountID: second,
		StartAt: testTime.Add(time.Hour)}), nil)
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	d, _ := v.newestDemand()
	require.Equal(t, v.order(v.id).LabAccountID, d.Slot.AccountID)
}

func (v appointmentFixture) rebindSlot(slot order.Slot) order.Slot {
	slot.Type, slot.Key, slot.AccountID = order.PatientServiceCenter, "x", v.order(v.id).LabAccountID
	return slot
}

// bookingKeyOf returns a booking key of a slot for the team.
func (v appointmentFixture) bookingKeyOf(slot order.Slot) string {
	v.t.Helper()
	b, err := json.Marshal(slot)
	require.NoError(v.t, err)
	return v.store.Sign("booking key of team "+v.team, b)
}

// The provider's refusal decides the status of the answer.
func TestBookingRefused(t *testing.T) {
	t.Parallel()
	v := newAppointmentFixture(t, lifecycle.WalkIn)
	for reason, tt := range map[order.Reason]struct {
		status int
		text   string
	}{
		order.ReasonSlotGone:           {http.StatusBadRequest, "not available any more"},
		order.ReasonProviderUnanswered: {http.StatusInternalServerError, "did not confirm the appointment in time"},
		order.ReasonAlreadyBooked:      {http.StatusBadRequest, "has an appointment already"},
		order.ReasonBookingUnderWay:    {http.StatusBadRequest, "under way"},
		order.ReasonNoRequisition:      {http.StatusBadRequest, "no requisition"},
		order.ReasonBeforeActivation:   {http.StatusBadRequest, "activate_by"},
		order.ReasonNotReschedulable:   {http.StatusBadRequest, "cannot be rescheduled"},
		order.ReasonNoAppointment:      {http.StatusBadRequest, "no appointment"},
		order.ReasonTransitionNotAllowed: {http.StatusBadRequest,
			"to collecting_sample.walk_in_test.appointment_scheduled is not allowed"},
	} {
		v.orders.answerWith(func(context.Context, order.Demand) (order.DemandAnswer, error) {
			return order.DemandAnswer{Reason: reason, FromStatus: lifecycle.PartialResults}, nil
		})
		r := v.book(v.keys[0], nil)
		require.Equal(t, tt.status, r.status, reason)
		require.Contains(t, r.detail(t), tt.text, reason)
	}
}

func TestSlotGoneInProduction(t *testing.T) {
	t.Parallel()
	v := newAppointmentFixture(t, lifecycle.AtHomePhlebotomy)
	v.team = v.newTeam(store.Production, "")
	v.key, v.user = v.newKey(v.team, store.RoleClient), v.newUser(v.team)
	v.newAccountAt("quest", store.LabAccount{Environment: store.Production})
	v.newAccountAt("getlabs", store.LabAccount{Environment: store.Production})
	v.id = v.requisitioned()
	key := v.bookableKeys(lifecycle.AtHomePhlebotomy)[0]
	v.orders.answerWith(func(context.Context, order.Demand) (order.DemandAnswer, error) {
		return order.DemandAnswer{Reason: order.ReasonSlotGone}, nil
	})
	r := v.book(key, nil)
	require.Equal(t, http.StatusNotFound, r.status)
	require.Contains(t, r.detail(t), "not available any more")
}

func TestBookingBeforeTheRequisition(t *testing.T) {
	t.Parallel()
	v := newAppointmentFixture(t, lifecycle.WalkIn)
	v.id = v.createOrder(nil)
	r := v.book(v.keys[0], nil)
	require.Equal(t, http.StatusBadRequest, r.status)
	require.Contains(t, r.detail(t), "no requisition")

	v.team = v.newTeam(store.Sandbox, `{"book_before_requisition": true}`)
	v.key, v.user = v.newKey(v.team, store.RoleClient), v.newUser(v.team)
	v.id = v.createOrder(nil)
	r = v.book(v.bookableKeys(lifecycle.WalkIn)[0], nil)
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	require.Equal(t, "reserved", r.json(t)["status"])
	require.Equal(t, lifecycle.Ordered, v.order(v.id).Status)
}

// The first answer is replayed, also when the appointment has changed since. Only patient service centers have this.
func TestBookingIsIdempotent(t *testing.T) {
	t.Parallel()
	v := newAppointmentFixture(t, lifecycle.WalkIn)
	first := v.book(v.keys[0], nil, "x-idempotency-key", "k1")
	require.Equal(t, http.StatusOK, first.status, string(first.body))
	cancel := v.request(http.MethodPatch, "/cancel",
		map[string]any{"cancellationReasonId": order.CancellationReasons(order.PatientServiceCenter)[0].ID})
	require.Equal(t, http.StatusOK, cancel.status, string(cancel.body))
	again := v.book(v.keys[1], nil, "x-idempotency-key", "k1")
	require.Equal(t, first.body, again.body)

	id := v.id
	v.id = v.requisitioned()
	other := v.book(v.keys[0], nil, "x-idempotency-key", "k1")
	require.Equal(t, http.StatusOK, other.status)
	require.NotEqual(t, first.json(t)["order_id"], other.json(t)["order_id"], "a key is that of an order")

	v.id = id
	for range 2 {
		r := v.book("prose", nil, "x-idempotency-key", "k2")
		require.Equal(t, http.StatusBadRequest, r.status, "a refusal is replayed as well")
	}
	require.Equal(t, http.StatusBadRequest, v.book(v.keys[0], nil, "x-idempotency-key", "k2").status)
	v.book("prose", nil, "x-idempotency-key", "k3", "x-idempotency-error", "no-cache")
	require.Equal(t, http.StatusOK, v.book(v.keys[0], nil, "x-idempotency-key", "k3").status)
}
