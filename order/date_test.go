package order

import (
	"encoding/json"
	"testing"
	"time"
	_ "time/tzdata" // the zones below, on any machine

	"github.com/stretchr/testify/require"
)

func TestParseDate(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"2026-03-09", "2024-02-29", "0001-01-01", "9999-12-31"} {
		d, err := ParseDate(s)
		require.NoError(t, err)
		require.Equal(t, s, d.String())
	}
	for _, s := range []string{
		"", "2026-3-9", "2026-02-29", "2026-13-01", "2026-00-10", "2026-03-32", "26-03-09", "2026/03/09", "09-03-2026",
		"2026-03-09T00:00:00Z", " 2026-03-09", "2026-03-09 ", "20260309",
	} {
		_, err := ParseDate(s)
		require.Error(t, err, "%q", s)
	}
}

func TestDateInJSON(t *testing.T) {
	t.Parallel()
	var doc struct {
		Day *Date `json:"day"`
	}
	require.NoError(t, json.Unmarshal([]byte(`{"day":"2026-03-09"}`), &doc))
	require.Equal(t, &Date{2026, time.March, 9}, doc.Day)
	require.JSONEq(t, `{"day":"2026-03-09"}`, jsonText(t, doc))
	require.Error(t, json.Unmarshal([]byte(`{"day":"2026-02-30"}`), &doc))
}

func TestDateBefore(t *testing.T) {
	t.Parallel()
	days := []Date{{2025, 12, 31}, {2026, 1, 1}, {2026, 1, 2}, {2026, 2, 1}, {2026, 10, 1}, {2027, 1, 1}}
	for i, a := range days {
		for j, b := range days {
			require.Equal(t, i < j, a.Before(b), "%s %s", a, b)
		}
	}
}

func TestYearsUntil(t *testing.T) {
	t.Parallel()
	leap := Date{Year: 2008, Month: time.February, Day: 29}
	for day, want := range map[string]int{
		"2026-02-28": 17, "2026-03-01": 18, "2028-02-28": 19, "2028-02-29": 20, "2028-12-31": 20, "2029-01-31": 20,
		"2008-02-29": 0,
	} {
		d, err := ParseDate(day)
		require.NoError(t, err)
		require.Equal(t, want, leap.YearsUntil(d), day)
	}
}

func TestDateOfIsInTheTimesOwnZone(t *testing.T) {
	t.Parallel()
	late := time.Date(2026, 3, 9, 23, 30, 0, 0, time.UTC)
	require.Equal(t, Date{2026, 3, 9}, DateOf(late))
	require.Equal(t, Date{2026, 3, 10}, DateOf(late.In(time.FixedZone("", 3600))))
}

// TestDateStart compares with the first instant found by a search in steps of 15 minutes, around clock changes.
func TestDateStart(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		zone string
		day  Date
		why  string
	}{
		{"UTC", Date{2026, 3, 9}, "no change"},
		{"America/New_York", Date{2026, 3, 8}, "23 hours"},
		{"America/New_York", Date{2026, 11, 1}, "25 hours"},
		{"America/Sao_Paulo", Date{2018, 11, 4}, "no midnight"},
		{"America/Sao_Paulo", Date{2018, 2, 18}, "the evening before is repeated"},
		{"America/Havana", Date{2026, 3, 8}, "no midnight"},
		{"America/Havana", Date{2026, 11, 1}, "midnight twice"},
		{"Asia/Amman", Date{2021, 10, 29}, "midnight twice"},
		{"America/Santiago", Date{2026, 9, 6}, "no midnight"},
		{"Asia/Beirut", Date{2026, 3, 29}, "no midnight"},
		{"Africa/Cairo", Date{2026, 4, 24}, "no midnight"},
		{"Asia/Kathmandu", Date{2026, 3, 9}, "a quarter of an hour"},
		{"Australia/Lord_Howe", Date{2026, 10, 4}, "half an hour"},
		{"Pacific/Kiritimati", Date{2026, 3, 9}, "14 hours ahead"},
		{"Pacific/Apia", Date{2011, 12, 31}, "the day before does not exist"},
	} {
		t.Run(c.zone+" "+c.day.String(), func(t *testing.T) {
			t.Parallel()
			zone, err := time.LoadLocation(c.zone)
			require.NoError(t, err)
			first := time.Date(c.day.Year, c.day.Month, c.day.Day, 0, 0, 0, 0, time.UTC).Add(-Day)
			for DateOf(first.In(zone)) != c.day {
				first = first.Add(15 * time.Minute)
			}
			got := c.day.Start(zone)
			require.Equal(t, first, got, c.why)
			require.Equal(t, time.UTC, got.Location())
		})
	}
}
