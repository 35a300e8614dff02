package junction_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/internal/junction"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
)

// sampleAppointment is the appointment of the sample in client-api#22-fixtures.
func sampleAppointment() order.AppointmentDocument {
	return order.AppointmentDocument{
		Appointment: order.Appointment{
			ID: "06c2c65b-74a0-4f25-a4a9-44f796296355", Type: order.PatientServiceCenter, Provider: "quest",
			AccountID: "account",
			Status:    lifecycle.AppointmentStatusConfirmed, Reference: "e89eb489", Confirmation: "ABCDEF", SiteCode: "PHX",
			SlotKey: "slot",
			StartAt: time.Date(2026, 1, 8, 9, 0, 0, 0, time.FixedZone("", -7*3600)),
			EndAt:   time.Date(2026, 1, 8, 16, 20, 0, 0, time.UTC),
			Zone:    "America/Phoenix", CanReschedule: true, EventCount: 2,
		},
		OrderID: "1ed9c8d7-e1b4-4d61-8123-0f99de5ae99a", UserID: "acf79a82-0c2c-4ca0-998b-378931793905",
		TransactionID: "6424dd45-ee1a-49c6-ad0c-5769b8e03fc1",
		Location: order.Location{
			Name: "Downtown", FirstLine: "1300 N 12th St", SecondLine: ptr("Ste 300"), City: "Phoenix", State: "AZ",
			Zip: "85006",
			Lat: 33.4631, Lng: -112.0568,
		},
		History: []order.AppointmentEvent{
			{Status: "scheduled", Origin: order.AppointmentOriginPatient, At: time.Date(2026, 1, 5, 11, 0, 0, 0, time.UTC)},
			{Status: "scheduled", Origin: order.AppointmentOriginPatient, Reschedule: true,
				At: time.Date(2026, 1, 6, 9, 0, 0, 0, time.UTC)},
		},
	}
}

func renderAppointment(t *testing.T, a order.AppointmentDocument) map[string]any {
	t.Helper()
	b, err := junction.RenderAppointment(a)
	require.NoError(t, err)
	return decode(t, b)
}

func TestAppointmentEqualsTheSampleOfTheContract(t *testing.T) {
	t.Parallel()
	var sample struct {
		Data junction.ClientFacingAppointment
	}
	require.NoError(t, json.Unmarshal(readFixture(t, "contract/appointment_updated.json"), &sample))
	require.Nil(t, sample.Data.Events[0].Data)
	// Aliquot writes data in every event; the sample has none in its first event.
	sample.Data.Events[0].Data = &junction.AppointmentEventData{Origin: order.AppointmentOriginPatient}
	got, err := junction.RenderAppointment(sampleAppointment())
	require.NoError(t, err)
	require.JSONEq(t, jsonInUTC(t, sample.Data), string(got))
	require.Equal(t, "2026-01-08T16:00:00Z", decode(t, got)["start_at"])

	// The keys are exactly those of the sample, including keys whose value is null.
	raw, ok := decode(t, readFixture(t, "contract/appointment_updated.json"))["data"].(map[string]any)
	require.True(t, ok)
	raw["events"].([]any)[0] = raw["events"].([]any)[1]
	require.Equal(t, keyTypes(raw), keyTypes(decode(t, got)))
}

// jsonInUTC returns the JSON of an appointment with its times in UTC.
func jsonInUTC(t *testing.T, a junction.ClientFacingAppointment) string {
	t.Helper()
	start, end := a.StartAt.UTC(), a.EndAt.UTC()
	a.StartAt, a.EndAt = &start, &end
	for i, e := range a.Events {
		a.Events[i].CreatedAt = e.CreatedAt.UTC()
	}
	b, err := json.Marshal(a)
	require.NoError(t, err)
	return string(b)
}

// A value that is not known is null or empty. Its key is never left out.
func TestARequestedAppointmentHasNoTime(t *testing.T) {
	t.Parallel()
	full := renderAppointment(t, sampleAppointment())
	a := sampleAppointment()
	a.Appointment = order.Appointment{ID: a.ID, Type: order.Phlebotomy, Provider: "phlebfinders",
		Status: lifecycle.AppointmentStatusPending}
	a.Location, a.History = order.Location{FirstLine: "1 Main St", Notes: ptr("blue door")}, a.History[:0]
	m := renderAppointment(t, a)
	for key := range full {
		require.Contains(t, m, key)
	}
	for _, key := range []string{"start_at", "end_at", "iana_timezone", "external_id", "appointment_notes", "event_data"} {
		require.Nil(t, m[key], key)
	}
	require.Empty(t, m["provider_id"])
	require.Equal(t, false, m["can_reschedule"])
	require.Equal(t, "pending", m["event_status"])
	require.Equal(t, []any{}, m["events"])
	require.Equal(t, "blue door", m["address"].(map[string]any)["access_notes"])
	require.Equal(t, map[string]any{"lng": 0.0, "lat": 0.0}, m["location"])
}

func TestAnOrderNamesItsActiveAppointment(t *testing.T) {
	t.Parallel()
	for _, m := range []lifecycle.Modality{lifecycle.WalkIn, lifecycle.AtHomePhlebotomy} {
		for _, status := range append(lifecycle.AppointmentStatuses(), "") {
			o := testkitOrder()
			o.Modality = m
			var want any
			if status != "" {
				o.State.Appointment = &order.Appointment{ID: "a1", Status: status}
				if status.Active() {
					want = "a1"
				}
			}
			data, ok := renderToMap(t, o)["details"].(map[string]any)["data"].(map[string]any)
			require.True(t, ok)
			require.Contains(t, data, "appointment_id")
			require.Equal(t, want, data["appointment_id"], "%s %s", m, status)
		}
	}
}

func TestCriticalResult(t *testing.T) {
	t.Parallel()
	o := testkitOrder()
	b, err := junction.RenderCriticalResult(o, order.ResultVersion{
		Report:    order.LabReport{Status: "partial", Interpretation: order.InterpretationCritical},
		FetchedAt: orderCreatedAt.Add(time.Minute),
	})
	require.NoError(t, err)
	require.JSONEq(t,
		`{"order_id":"7ad5d183-2a0d-4004-89ff-938c11d31e7a","sample_id":"123456789",
		"status":"partial","interpretation":"critical",
		"team_id":"7e504b87-ff19-400c-933b-e43c5fdfdefa","user_id":"a440c482-1f7d-4d6b-933f-34fde1ec12e7",
		"created_at":"2026-01-05T10:01:00.123456Z","updated_at":"2026-01-05T11:00:00.123456Z"}`, string(b))
}
