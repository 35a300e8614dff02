package simlab_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/labs/simlab"
)

// availability is an answer to an availability query.
type availability struct {
	Timezone *string `json:"timezone"`
	Days     []struct {
		Date  string    `json:"date"`
		Site  *siteView `json:"site"`
		Slots []struct {
			Key       string     `json:"key"`
			Start     time.Time  `json:"start"`
			End       time.Time  `json:"end"`
			ExpiresAt *time.Time `json:"expires_at"`
			Price     int        `json:"price_cents"`
			Priority  bool       `json:"priority"`
			Available int        `json:"available"`
		} `json:"slots"`
	} `json:"days"`
}

// siteView is a site.
type siteView struct {
	Code     string `json:"code"`
	Name     string `json:"name"`
	Distance *int   `json:"distance_miles"`
	Timezone string `json:"timezone"`
}

// appointmentView is an appointment.
type appointmentView struct {
	ID            string     `json:"id"`
	Reference     string     `json:"reference"`
	Confirmation  string     `json:"confirmation"`
	Provider      string     `json:"provider"`
	Status        string     `json:"status"`
	Start         *time.Time `json:"start"`
	End           *time.Time `json:"end"`
	Timezone      *string    `json:"timezone"`
	CanReschedule bool       `json:"can_reschedule"`
	Site          *siteView  `json:"site"`
}

// availabilityQuery returns a query for free slots at the providers of a flow.
func availabilityQuery(flow, zip string) string {
	if flow == simlab.FlowPhlebotomy {
		return `{"type":"phlebotomy","address":{"first_line":"1 Main St","city":"Phoenix","state":"AZ","zip":"` + zip +
			`"},"days":14}`
	}
	return `{"type":"patient_service_center","zip":"` + zip + `","radius_miles":25,"days":14}`
}

// freeSlot returns the key of a free slot.
func (w *testLab) freeSlot(flow string) string {
	w.t.Helper()
	return neutralCall[availability](w, http.StatusOK, http.MethodPost, "/availability",
		availabilityQuery(flow, "85004")).Days[0].Slots[0].Key
}

// bookingBody books a slot; without a slot it is a request.
func bookingBody(flow, slot string) string {
	fields := map[string]any{
		"type": "patient_service_center", "contact": patient("Ines"), "notes": "rings twice",
	}
	if flow == simlab.FlowPhlebotomy {
		fields["type"] = "phlebotomy"
		zip := "85004"
		if slot == "" {
			zip = "54650"
		}
		fields["address"] = map[string]any{"first_line": "1 Main St", "city": "Onalaska", "state": "WI", "zip": zip,
			"access_notes": "gate 4"}
	}
	if slot != "" {
		fields["slot"] = slot
	}
	body, _ := json.Marshal(fields)
	return string(body)
}

// newWorldAt returns a lab whose clock is at a time of New York, in manual mode.
func newWorldAt(t *testing.T, hour, minute int) (*testLab, *clock) {
	t.Helper()
	zone, err := time.LoadLocation("America/New_York")
	require.NoError(t, err)
	c := &clock{at: time.Date(2024, 3, 4, hour, minute, 0, 0, zone)}
	return newNeutralLab(t, withManual, func(cfg *simlab.Config) { cfg.Now = c.now }), c
}

func (w *testLab) findAvailability(account, body string) availability {
	w.t.Helper()
	return neutralCallAs[availability](w, account, http.StatusOK, http.MethodPost, "/availability", body)
}

// slotTimes returns when the slots of a day begin and end, in a zone.
func slotTimes(day int, f availability, zone string) (first, last string, count int) {
	location, _ := time.LoadLocation(zone)
	slots := f.Days[day].Slots
	return slots[0].Start.In(location).Format("02 15:04"), slots[len(slots)-1].End.In(location).Format("02 15:04"),
		len(slots)
}

func TestSlotsOfPatientServiceCenters(t *testing.T) {
	t.Parallel()
	const body = `{"type":"patient_service_center","sites":["QNY1"],"days":3}`
	for clock, want := range map[[2]int]struct {
		first, last string
		count, days int
	}{
		{9, 30}:  {"04 10:00", "04 17:00", 21, 3},
		{15, 59}: {"04 16:00", "04 17:00", 3, 3},
		{16, 0}:  {"05 07:00", "05 12:00", 15, 2},
	} {
		w, _ := newWorldAt(t, clock[0], clock[1])
		got := w.findAvailability(accountName, body)
		require.Nil(t, got.Timezone)
		require.Len(t, got.Days, want.days)
		first, last, count := slotTimes(0, got, "America/New_York")
		require.Equal(t, []any{want.first, want.last, want.count}, []any{first, last, count})
		first, last, count = slotTimes(len(got.Days)-1, got, "America/New_York")
		require.Equal(t, []any{"06 07:00", "06 12:00", 15}, []any{first, last, count}, "the days after have their own hours")
		require.Equal(t, 20*time.Minute, got.Days[0].Slots[0].End.Sub(got.Days[0].Slots[0].Start))
		require.Zero(t, got.Days[0].Slots[0].Price)
		require.Equal(t, []string{"QNY1", "America/New_York"}, []string{got.Days[0].Site.Code, got.Days[0].Site.Timezone})
	}
}

func TestSitesAreFound(t *testing.T) {
	t.Parallel()
	w, _ := newWorldAt(t, 20, 0)
	found := func(account, zip string, radius int) (codes []string) {
		body := fmt.Sprintf(`{"type":"patient_service_center","zip":%q,"radius_miles":%d,"from":"2024-03-06","days":1}`, zip,
			radius)
		for _, d := range w.findAvailability(account, body).Days {
			require.Equal(t, "2024-03-06", d.Date)
			require.LessOrEqual(t, *d.Site.Distance, radius)
			codes = append(codes, d.Site.Code)
		}
		return codes
	}
	require.Equal(t, []string{"QAZ1", "QAZ2"}, found(accountName, "85004", 25), "the nearest first")
	require.Equal(t, []string{"QAZ1"}, found(accountName, "85004", 5))
	require.Equal(t, []string{"SAZ1"}, found(accountName+":sonora_quest", "85004", 25))
	require.Empty(t, found(accountName, "99501", 100))
	require.Empty(t, found(accountName+":getlabs", "85004", 25))
	for _, body := range []string{
		`{"type":"patient_service_center","sites":["X"]}`, `{"type":"patient_service_center","sites":["SAZ1"]}`,
		`{"type":"patient_service_center"}`,
		`{"type":"patient_service_center","zip":"85004","from":"soon"}`, `{"type":"phlebotomy"}`, `{"type":"seance"}`,
	} {
		require.Equal(t, "invalid_order", neutralCall[refusal](w, http.StatusUnprocessableEntity, http.MethodPost,
			"/availability", body).Code, body)
	}
}

func TestSlotsOfPhlebotomists(t *testing.T) {
	t.Parallel()
	w, clock := newWorldAt(t, 9, 0)
	got := w.findAvailability(accountName, availabilityQuery(simlab.FlowPhlebotomy, "85004-1234"))
	require.Equal(t, "America/Phoenix", *got.Timezone)
	require.Len(t, got.Days, 13, "from tomorrow on")
	first, last, count := slotTimes(0, got, "America/Phoenix")
	require.Equal(t, []any{"05 08:00", "05 16:00", 8}, []any{first, last, count})
	slot := got.Days[0].Slots[0]
	require.Equal(t, []any{3500, 1}, []any{slot.Price, slot.Available})
	require.Equal(t, clock.now().Add(time.Hour).Unix(), slot.ExpiresAt.Unix())
	require.Empty(t, w.findAvailability(accountName, availabilityQuery(simlab.FlowPhlebotomy, "54650")).Days)
	require.Empty(t, w.findAvailability(accountName+":phlebfinders",
		availabilityQuery(simlab.FlowPhlebotomy, "85004")).Days)

	clock.advance(time.Hour + time.Second)
	require.Equal(t, "slot_gone", w.bookRefused("a1", bookingBody(simlab.FlowPhlebotomy, slot.Key), http.StatusConflict),
		"the key has expired")
	for status, bodies := range map[int][]string{http.StatusUnprocessableEntity: {
		bookingBody(simlab.FlowPhlebotomy, "getlabs.85004.1"), bookingBody(simlab.FlowPhlebotomy, "x"),
		bookingBody(simlab.FlowWalkIn, ""),
		bookingBody(simlab.FlowPhlebotomy, "quest.QNY1.1709647200"), `{"type":"phlebotomy"}`, `{}`,
		`{"type":"phlebotomy","contact":{"first_name":"A","last_name":"B"},"address":{"first_line":"1","city":"c",
			"state":"AZ","zip":"85004"}}`,
	}} {
		for _, body := range bodies {
			require.Contains(t, []string{"invalid_order", "outside_service_area"}, w.bookRefused("a1", body, status), body)
		}
	}
}

// bookRefused makes a booking that is refused, and returns the code.
func (w *testLab) bookRefused(id, body string, status int) string {
	w.t.Helper()
	return neutralCall[refusal](w, status, http.MethodPut, "/orders/N1/appointments/"+id, body).Code
}

func (w *testLab) book(status int, id, body string) appointmentView {
	w.t.Helper()
	return neutralCall[appointmentView](w, status, http.MethodPut, "/orders/N1/appointments/"+id, body)
}

func (w *testLab) changeAppointment(status int, id, what, body string) appointmentView {
	w.t.Helper()
	return neutralCall[appointmentView](w, status, http.MethodPost, "/orders/N1/appointments/"+id+"/"+what, body)
}

// An appointment can be booked before its order has been placed.
func TestSlotsAreTaken(t *testing.T) {
	t.Parallel()
	for _, flow := range []string{simlab.FlowWalkIn, simlab.FlowPhlebotomy} {
		w, _ := newWorldAt(t, 20, 0)
		slots := w.findAvailability(accountName, availabilityQuery(flow, "85004")).Days[0].Slots
		body := bookingBody(flow, slots[0].Key)
		first := w.book(http.StatusCreated, "a1", body)
		require.Equal(t, first, w.book(http.StatusOK, "a1", body), "the same id")
		require.Equal(t, []any{"a1", "confirmed", true}, []any{first.ID, first.Status, first.CanReschedule})
		require.NotEmpty(t, first.Reference)
		require.NotEmpty(t, first.Confirmation)
		require.True(t, slots[0].Start.Equal(*first.Start))
		require.True(t, slots[0].End.Equal(*first.End))
		require.Equal(t, flow == simlab.FlowWalkIn, first.Site != nil)

		require.Equal(t, "slot_gone", w.bookRefused("a2", body, http.StatusConflict))
		require.NotEqual(t, slots[0].Start, w.findAvailability(accountName,
			availabilityQuery(flow, "85004")).Days[0].Slots[0].Start, "the slot is not free any more")

		moved := w.changeAppointment(http.StatusOK, "a1", "reschedule", `{"slot":"`+slots[1].Key+`"}`)
		require.True(t, slots[1].Start.Equal(*moved.Start))
		require.Equal(t, moved, w.changeAppointment(http.StatusOK, "a1", "reschedule", `{"slot":"`+slots[1].Key+`"}`))
		w.book(http.StatusCreated, "a2", body)
		neutralCall[refusal](w, http.StatusConflict, http.MethodPost, "/orders/N1/appointments/a1/reschedule",
			`{"slot":"`+slots[0].Key+`"}`)

		for range 2 {
			require.Equal(t, "cancelled", w.changeAppointment(http.StatusOK, "a1", "cancel", `{"reason":"Other"}`).Status)
		}
		w.book(http.StatusCreated, "a3", bookingBody(flow, slots[1].Key))
		require.Equal(t, "cancelled", w.book(http.StatusOK, "a1", body).Status, "cancelled is cancelled")
		require.Equal(t, "not_reschedulable", neutralCall[refusal](w, http.StatusConflict, http.MethodPost,
			"/orders/N1/appointments/a1/reschedule", `{"slot":"x"}`).Code)

		require.Equal(t, "cancelled", w.changeAppointment(http.StatusOK, "late", "cancel", `{}`).Status,
			"it was never booked")
		require.Equal(t, "cancelled", w.book(http.StatusOK, "late", bookingBody(flow, slots[2].Key)).Status,
			"a booking that comes late finds it so")

		provider := map[string]string{simlab.FlowWalkIn: "quest", simlab.FlowPhlebotomy: "getlabs"}[flow]
		require.Equal(t, []simlab.AppointmentState{
			{OrderNumber: "N1", ID: "a1", Provider: provider, Status: "cancelled"},
			{OrderNumber: "N1", ID: "a2", Provider: provider, Status: "confirmed"},
			{OrderNumber: "N1", ID: "a3", Provider: provider, Status: "confirmed"},
			{OrderNumber: "N1", ID: "late", Status: "cancelled"},
		}, w.lab.Appointments())
	}
}
