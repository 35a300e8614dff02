package api_test

import (
	"net/http"
	"net/url"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

// dateName matches the names of parameters with times and dates.
var dateName = regexp.MustCompile(`date$|^created_at_|^since$|^until$`)

// endsOfTime are times and dates at the ends of the calendar and of clocks.
var endsOfTime = []string{
	"0001-01-01", "0000-01-01", "1969-12-31", "1970-01-01", "9999-12-31", "0001-01-01T00:00:00Z",
	"0001-01-01T00:00:00+14:00",
	"1969-12-31T23:59:59.999999999Z", "9999-12-31T23:59:59Z", "9999-12-31T23:59:59-05:00",
	"9999-12-31T23:59:59.999999999-23:59",
	"10000-01-01", "2016-12-31T23:59:60Z", "2024-02-30",
}

// A time at an end of the calendar is answered like any other, or refused.
func TestQueriesTakeDatesAtTheEnds(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	asked := 0
	for _, p := range queryParameters(t) {
		if !dateName.MatchString(p.Name) {
			continue
		}
		asked++
		for _, text := range endsOfTime {
			path := fillPathParameters(p.path, map[string]string{"order_id": newID()})
			got := f.sendWithKey(p.method, path+"?"+p.Name+"="+url.QueryEscape(text), f.opsKey, nil)
			require.Less(t, got.status, http.StatusInternalServerError, "%s %s=%s: %s", path, p.Name, text, got.body)
		}
	}
	require.GreaterOrEqual(t, asked, 9)
}

// Bounds at the ends select everything or nothing.
func TestBoundsAtTheEndsOfTime(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.createOrder(nil)
	count := func(path, list string) int {
		t.Helper()
		r := f.sendWithKey(http.MethodGet, path, f.opsKey, nil)
		require.Equal(t, http.StatusOK, r.status, "%s: %s", path, r.body)
		return len(r.json(t)[list].([]any))
	}
	some := count("/ops/messages", "messages")
	require.Positive(t, some)
	for query, want := range map[string]int{
		"since=0001-01-01T00:00:00Z": some, "since=1969-12-31T00:00:00Z": some, "since=9999-12-31T23:59:59Z": 0,
		"until=1969-12-31T00:00:00Z": 0, "until=0001-01-01T00:00:00Z": 0, "until=0001-01-01T00:00:00.0000001Z": 0,
	} {
		require.Equal(t, want, count("/ops/messages?"+query, "messages"), query)
	}
	for _, beyond := range []string{"since=9999-12-31T23:59:59-05:00", "until=9999-12-31T23:59:59-05:00",
		"until=0001-01-01T00:00:00%2B14:00"} {
		r := f.sendWithKey(http.MethodGet, "/ops/messages?"+beyond, f.opsKey, nil)
		require.Equal(t, http.StatusUnprocessableEntity, r.status, "outside the years 1 to 9999 in UTC: %s", beyond)
	}
	for query, want := range map[string]int{
		"start_date=0001-01-01": 1, "start_date=9999-12-31": 0, "end_date=0001-01-01": 0, "end_date=9999-12-31": 1,
		"updated_start_date=9999-12-31T23:59:59-05:00": 0, "updated_end_date=9999-12-31T23:59:59-05:00": 1,
		"start_date=1969-12-31": 1, "updated_end_date=0001-01-01": 0, "end_date=0001-01-01T00:00:00Z": 0,
		"updated_end_date=0001-01-01T00:00:00Z": 0, "end_date=0001-01-01T14:00:00%2B14:00": 0,
	} {
		require.Equal(t, want, count("/v3/orders?"+query, "orders"), query)
	}
}
