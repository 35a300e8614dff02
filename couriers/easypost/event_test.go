package easypost_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/couriers"
	"github.com/aliquot-labs/aliquot/couriers/easypost"
	"github.com/aliquot-labs/aliquot/lifecycle"
)

// trackerEvent is an event in EasyPost's documented form. Its locations and names are invented.
const trackerEvent = `{
  "id": "evt_81", "object": "Event", "mode": "production", "description": "tracker.updated",
  "created_at": "2025-03-04T12:00:10Z", "updated_at": "2025-03-04T12:00:10Z",
  "previous_attributes": {"status": "pre_transit"}, "pending_urls": [], "completed_urls": [],
  "result": {
    "id": "trk_17", "object": "Tracker", "mode": "production",
    "tracking_code": "9420 9002 0417 3500 1826 41", "status": "in_transit", "status_detail": "arrived_at_facility",
    "created_at": "2025-03-01T08:00:00Z", "updated_at": "2025-03-04T12:00:09Z",
    "signed_by": "Jane Roe", "weight": 17.6, "est_delivery_date": null, "shipment_id": null, "carrier": "USPS",
    "tracking_details": [
      {"object": "TrackingDetail", "message": "Label made", "status": "pre_transit",
        "datetime": "2025-03-01T08:00:00Z"},
      {"object": "TrackingDetail", "message": "Arrived", "status": "in_transit",
        "datetime": "2025-03-04T06:30:00.1234567-05:00",
       "tracking_location": {"object": "TrackingLocation", "city": "Springfield", "zip": "00000"}},
      {"object": "TrackingDetail", "message": "Left", "status": "in_transit", "datetime": "2025-03-02T09:00:00Z"},
      {"object": "TrackingDetail", "message": "No time", "status": "in_transit", "datetime": null}
    ]
  }
}`

func TestDecodeEvent(t *testing.T) {
	t.Parallel()
	update, err := easypost.DecodeEvent([]byte(trackerEvent))
	require.NoError(t, err)
	at := time.Date(2025, 3, 4, 11, 30, 0, 123456000, time.UTC)
	require.Equal(t, easypost.TrackerUpdate{
		EventID:      "evt_81",
		TrackerID:    "trk_17",
		Number:       number,
		Status:       "in_transit",
		StatusDetail: "arrived_at_facility",
		OccurredAt:   at,
		Key:          fmt.Sprintf("%s|in_transit|arrived_at_facility|%d", number, at.UnixMicro()),
	}, update)

	kind, ok := couriers.StatusFor(couriers.Outbound, update.Status, update.StatusDetail)
	require.True(t, ok)
	require.Equal(t, lifecycle.TransitCustomer, kind)
}

// A time that no JSON can hold would be refused with 500 each time it is sent.
func TestTimesOutsideTheYearsOfJSONCountAsMissing(t *testing.T) {
	t.Parallel()
	for _, at := range []string{"9999-12-31T23:59:59-05:00", "0000-01-01T00:00:00Z", "0001-01-01T00:00:00+05:00"} {
		update, err := easypost.DecodeEvent(replaceInEvent(t, "2025-03-04T06:30:00.1234567-05:00", at))
		require.NoError(t, err, at)
		require.Equal(t, time.Date(2025, 3, 2, 9, 0, 0, 0, time.UTC), update.OccurredAt, at)
	}
}

func replaceInEvent(t *testing.T, old, replacement string) []byte {
	t.Helper()
	require.Contains(t, trackerEvent, old)
	return []byte(strings.ReplaceAll(trackerEvent, old, replacement))
}

func TestDecodeOccurredAt(t *testing.T) {
	t.Parallel()
	updated := time.Date(2025, 3, 4, 12, 0, 9, 0, time.UTC)
	details := trackerEvent[strings.Index(trackerEvent, `"tracking_details"`) : strings.LastIndex(trackerEvent, "]")+1]
	tests := map[string]struct {
		body []byte
		want time.Time
	}{
		"no details":         {replaceInEvent(t, details, `"tracking_details": []`), updated},
		"details null":       {replaceInEvent(t, details, `"tracking_details": null`), updated},
		"detail null":        {replaceInEvent(t, details, `"tracking_details": [null]`), updated},
		"unreadable details": {replaceInEvent(t, `"datetime": "20`, `"datetime": "around 20`), updated},
		"no time at all": {[]byte(strings.ReplaceAll(string(replaceInEvent(t, details, `"tracking_details": []`)),
			`"updated_at"`, `"x"`)), time.Time{}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			update, err := easypost.DecodeEvent(tt.body)
			require.NoError(t, err)
			require.Equal(t, tt.want, update.OccurredAt)
			if tt.want.IsZero() {
				require.Equal(t, number+"|in_transit|arrived_at_facility|0", update.Key)
			}
		})
	}
}

// TestDecodeKey checks that an event with only another estimate or id has the same key, and that one with another
// status, detail, time or number has not.
func TestDecodeKey(t *testing.T) {
	t.Parallel()
	first, err := easypost.DecodeEvent([]byte(trackerEvent))
	require.NoError(t, err)
	tests := map[string]struct {
		old, replacement string
		same             bool
	}{
		"event id":      {"evt_81", "evt_82", true},
		"description":   {"tracker.updated", "tracker.created", true},
		"estimate":      {`"est_delivery_date": null`, `"est_delivery_date": "2025-03-06T00:00:00Z"`, true},
		"update time":   {"2025-03-04T12:00:09Z", "2025-03-04T12:30:00Z", true},
		"same instant":  {"2025-03-04T06:30:00.1234567-05:00", "2025-03-04T11:30:00.123456Z", true},
		"status":        {`"in_transit", "status_detail"`, `"delivered", "status_detail"`, false},
		"status detail": {"arrived_at_facility", "departed_facility", false},
		"newest scan":   {"00.1234567-05:00", "01-05:00", false},
		"number":        {"1826 41", "1826 42", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			update, err := easypost.DecodeEvent(replaceInEvent(t, tt.old, tt.replacement))
			require.NoError(t, err)
			if tt.same {
				require.Equal(t, first.Key, update.Key)
				return
			}
			require.NotEqual(t, first.Key, update.Key)
		})
	}
}

func TestDecodeIgnoresOtherEvents(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`{"id":"evt_1","object":"Event","description":"batch.updated","result":{"object":"Batch"}}`,
		`{"id":"evt_1","description":"shipment.invoice.created","result":null}`,
	} {
		_, err := easypost.DecodeEvent([]byte(body))
		require.ErrorIs(t, err, easypost.ErrIgnored)
	}
}

func TestDecodeMalformed(t *testing.T) {
	t.Parallel()
	tests := map[string][]byte{
		"empty":                {},
		"not JSON":             []byte("Jane Roe"),
		"array":                []byte(`[]`),
		"null":                 []byte(`null`),
		"no description":       []byte(`{"id":"evt_1","result":{"object":"Tracker"}}`),
		"no result":            []byte(`{"description":"tracker.updated"}`),
		"result null":          []byte(`{"description":"tracker.updated","result":null}`),
		"result is another":    replaceInEvent(t, `"object": "Tracker"`, `"object": "Shipment"`),
		"no number":            replaceInEvent(t, "9420 9002 0417 3500 1826 41", " - "),
		"number is not a text": replaceInEvent(t, `"9420 9002 0417 3500 1826 41"`, `4.2e21`),
		"no status": replaceInEvent(t, `"status": "in_transit", "status_detail"`,
			`"status": null, "status_detail"`),
		"status is prose":   replaceInEvent(t, `"in_transit", "status_detail"`, `"left with Jane Roe", "status_detail"`),
		"detail is endless": replaceInEvent(t, "arrived_at_facility", strings.Repeat("x", 65)),
		"truncated":         []byte(trackerEvent[:len(trackerEvent)/2]),
	}
	for name, body := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := easypost.DecodeEvent(body)
			require.ErrorIs(t, err, easypost.ErrMalformed)
			require.NotContains(t, err.Error(), "Jane")
		})
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(trackerEvent))
	f.Add([]byte(`{"description":"tracker.created","result":{"object":"Tracker","tracking_code":"1",` +
		`"status":"x","tracking_details":[{"datetime":1}]}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		update, err := easypost.DecodeEvent(body)
		if err != nil {
			require.Zero(t, update)
			return
		}
		require.NotEmpty(t, update.Number)
		require.NotEmpty(t, update.Key)
		require.Equal(t, update.OccurredAt.UTC(), update.OccurredAt)
	})
}

// TestDecodeNumbersAsTheyAreSent reads tracking codes that scanners have touched, and events in other encodings.
func TestDecodeNumbersAsTheyAreSent(t *testing.T) {
	t.Parallel()
	const sent, want = `"9420 9002 0417 3500 1826 41"`, "9420900204173500182641"
	for _, code := range []string{sent, `"\u001d9420900204173500182641"`, `"9420\u00a09002\u00a0041735001826\u200b41"`,
		`9420900204173500182641`, `"9420\u20119002041735001826\u201341"`} {
		event := replaceInEvent(t, sent, code)
		for _, mark := range []string{"", "\ufeff"} {
			u, err := easypost.DecodeEvent([]byte(mark + string(event)))
			require.NoError(t, err, code)
			require.Equal(t, want, u.Number, code)
		}
	}
	_, err := easypost.DecodeEvent(replaceInEvent(t, sent, `" null "`))
	require.ErrorIs(t, err, easypost.ErrMalformed)
	u, err := easypost.DecodeEvent(replaceInEvent(t, `"status": "in_transit", "status_detail": `,
		`"status": "in_transit", "status_detail": " null ", "other": `))
	require.NoError(t, err)
	require.Empty(t, u.StatusDetail)
}
