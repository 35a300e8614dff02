package api_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/api"
	"github.com/aliquot-labs/aliquot/labs"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

// labAPI is an API whose lab accounts open the fakes of the test, by the slug of their lab.
type labAPI struct {
	*fixture
	labs map[string]*lab
}

func newLabAPI(t *testing.T, labs map[string]*lab, with ...func(*api.Deps)) labAPI {
	t.Helper()
	for _, l := range labs {
		l.can.Methods = lifecycle.Modalities()
	}
	c := labAPI{labs: labs}
	c.fixture = newFixture(t, append(with, func(d *api.Deps) { d.OpenLab = c.open })...)
	for slug := range labs {
		c.newAccountAt(slug, store.LabAccount{})
	}
	return c
}

func (c labAPI) open(a store.LabAccount) (labs.Lab, error) {
	if l, ok := c.labs[a.LabSlug]; ok {
		return l, nil
	}
	return &lab{can: labs.Capabilities{Methods: lifecycle.Modalities()}}, nil
}

// newAccountAt adds an active sandbox account for all teams at a lab, where a has no other values.
func (f *fixture) newAccountAt(slug string, a store.LabAccount) string {
	f.t.Helper()
	a.ID, a.LabSlug, a.Partner, a.BaseURL, a.User, a.Token = newID(), slug, "neutral", "http://lab.test", slug, "whsec_x"
	if a.Environment == "" {
		a.Environment = store.Sandbox
	}
	if a.Status == "" {
		a.Status = "active"
	}
	require.NoError(f.t, f.store.PutLabAccount(f.t.Context(), a))
	return a.ID
}

func newSchedulingLab(provider string, tiers ...labs.Tier) *lab {
	return &lab{can: labs.Capabilities{Schedule: true, Provider: provider, Tiers: tiers}}
}

// newDaySlots returns a day with slots of 20 minutes at the hours (UTC).
func newDaySlots(t testing.TB, date string, site *labs.Site, hours ...int) labs.DaySlots {
	t.Helper()
	day, err := order.ParseDate(date)
	require.NoError(t, err)
	out := labs.DaySlots{Date: day, Site: site}
	for _, h := range hours {
		at := day.Start(time.UTC).Add(time.Duration(h) * time.Hour)
		out.Slots = append(out.Slots, labs.FreeSlot{
			Key: at.Format("2006-01-02T15"), StartAt: at, EndAt: at.Add(20 * time.Minute), ExpiresAt: at.Add(-time.Hour),
			Price: 3500, Available: 2,
		})
	}
	return out
}

const (
	phlebotomyPath = "/v3/order/phlebotomy/appointment/availability"
	pscPath        = "/v3/order/psc/appointment/availability"
)

func visitAddress() map[string]any {
	return map[string]any{
		"first_line": "1300 N 12th St", "city": "Phoenix", "state": "az", "zip_code": "85004", "unit": "Ste 300",
		"access_notes": "ring twice",
	}
}

func TestPhlebotomyAvailability(t *testing.T) {
	t.Parallel()
	getlabs, phlebfinders := newSchedulingLab("getlabs", labs.AppointmentReady),
		newSchedulingLab("phlebfinders", labs.AppointmentReady, labs.AppointmentRequest)
	later := newSchedulingLab("getlabs", labs.AppointmentRequest)
	c := newLabAPI(t, map[string]*lab{"getlabs": getlabs, "phlebfinders": phlebfinders, "later": later,
		"quest": newSchedulingLab("quest", labs.AppointmentReady)})
	getlabs.free = labs.Availability{Zone: "America/Phoenix", Days: []labs.DaySlots{newDaySlots(t, "2026-03-06", nil, 16),
		newDaySlots(t, "2026-03-05", nil, 18)}}
	phlebfinders.free = labs.Availability{Zone: "America/Phoenix",
		Days: []labs.DaySlots{newDaySlots(t, "2026-03-05", nil, 17)}}

	r := c.sendWithKey(http.MethodPost, phlebotomyPath, c.key, visitAddress())
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	got := r.json(t)
	require.Equal(t, "America/Phoenix", got["timezone"])
	days := got["slots"].([]any)
	require.Len(t, days, 2)
	first := days[0].(map[string]any)
	require.Equal(t, "2026-03-05", first["date"], "oldest first")
	require.Nil(t, first["location"])
	slots := first["slots"].([]any)
	require.Len(t, slots, 2, "the providers' days are joined")
	slot := slots[0].(map[string]any)
	require.Equal(t, "2026-03-05T17:00:00Z", slot["start"])
	require.Equal(t, "2026-03-05T17:20:00Z", slot["end"])
	require.Equal(t, "2026-03-05T16:00:00Z", slot["expires_at"])
	require.InDelta(t, 3500, slot["price"], 0)
	require.Equal(t, false, slot["is_priority"])
	require.InDelta(t, 2, slot["num_appointments_available"], 0)
	require.NotEmpty(t, slot["booking_key"])

	require.Len(t, getlabs.asked, 1)
	q := getlabs.asked[0]
	require.Equal(t, order.Phlebotomy, q.Type)
	require.Equal(t, "2026-03-04", q.From.String(), "today")
	require.Equal(t, 14, q.Days)
	require.Equal(t, "AZ", q.Address.State)
	require.Equal(t, "Ste 300", *q.Address.SecondLine)
	require.Equal(t, "ring twice", *q.Address.Notes)
	require.Empty(t, later.asked, "its time is not chosen")

	require.Equal(t, http.StatusOK, c.sendWithKey(http.MethodPost, phlebotomyPath+"?start_date=2026-03-09", c.key,
		visitAddress()).status)
	require.Equal(t, "2026-03-09", getlabs.asked[1].From.String())
}

// A provider that does not answer does not hide the slots of others; one that does not serve the area has no slots.
func TestPhlebotomyAvailabilityOfSomeOnly(t *testing.T) {
	t.Parallel()
	getlabs, phlebfinders := newSchedulingLab("getlabs", labs.AppointmentReady),
		newSchedulingLab("phlebfinders", labs.AppointmentReady)
	c := newLabAPI(t, map[string]*lab{"getlabs": getlabs, "phlebfinders": phlebfinders})
	getlabs.free = labs.Availability{Days: []labs.DaySlots{newDaySlots(t, "2026-03-05", nil, 18)}}
	phlebfinders.err = &labs.BusyError{Status: 503}
	r := c.sendWithKey(http.MethodPost, phlebotomyPath, c.key, visitAddress())
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	require.Len(t, r.json(t)["slots"], 1)
	require.Nil(t, r.json(t)["timezone"])

	getlabs.err = errors.New("secret cause")
	r = c.sendWithKey(http.MethodPost, phlebotomyPath, c.key, visitAddress())
	require.Equal(t, http.StatusServiceUnavailable, r.status)
	require.Equal(t, "5", r.header.Get("Retry-After"))
	require.NotContains(t, string(r.body), "secret")

	phlebfinders.err = &labs.RefusedError{Code: "outside_service_area"}
	r = c.sendWithKey(http.MethodPost, phlebotomyPath, c.key, visitAddress())
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	require.Equal(t, []any{}, r.json(t)["slots"])
}

func TestPhlebotomyAvailabilityRefused(t *testing.T) {
	t.Parallel()
	c := newLabAPI(t, map[string]*lab{"quest": newSchedulingLab("quest", labs.AppointmentReady)})
	r := c.sendWithKey(http.MethodPost, phlebotomyPath, c.key, visitAddress())
	require.Equal(t, http.StatusServiceUnavailable, r.status)
	require.Contains(t, r.detail(t), "not enabled")
	r = c.sendWithKey(http.MethodPost, phlebotomyPath+"?start_date=2026-03-03", c.key, visitAddress())
	require.Equal(t, http.StatusBadRequest, r.status)
	r = c.sendWithKey(http.MethodPost, phlebotomyPath+"?start_date=soon", c.key, visitAddress())
	requireProblem(t, r, []any{"query", "start_date"}, "date_from_datetime_parsing")
	for key, kind := range map[string]string{"first_line": "missing", "city": "missing", "state": "missing",
		"zip_code": "missing"} {
		address := visitAddress()
		delete(address, key)
		requireProblem(t, c.sendWithKey(http.MethodPost, phlebotomyPath, c.key, address), []any{"body", key}, kind)
	}
	address := visitAddress()
	address["access_notes"] = strings.Repeat("a", 1001)
	requireProblem(t, c.sendWithKey(http.MethodPost, phlebotomyPath, c.key, address), []any{"body", "access_notes"},
		"string_too_long")
}

// Only accounts of the team's environment are asked. At one lab the team's own accounts take precedence over shared
// ones.
func TestAvailabilityAsksTheRightAccounts(t *testing.T) {
	t.Parallel()
	asked := map[string]int{}
	var c labAPI
	c.fixture = newFixture(t, func(d *api.Deps) {
		d.OpenLab = func(a store.LabAccount) (labs.Lab, error) {
			asked[a.ID]++
			return newSchedulingLab("getlabs", labs.AppointmentReady), nil
		}
	})
	c.newAccountAt("getlabs", store.LabAccount{})
	own := c.newAccountAt("getlabs", store.LabAccount{TeamID: c.team})
	c.newAccountAt("getlabs", store.LabAccount{TeamID: c.team, Status: "suspended"})
	c.newAccountAt("getlabs", store.LabAccount{TeamID: c.team, Environment: store.Production})
	c.newAccountAt("getlabs", store.LabAccount{TeamID: c.newTeam(store.Sandbox, "")})
	require.Equal(t, http.StatusOK, c.sendWithKey(http.MethodPost, phlebotomyPath, c.key, visitAddress()).status)
	require.Equal(t, map[string]int{own: 1, c.account: 1}, asked)
}

func TestPSCAvailability(t *testing.T) {
	t.Parallel()
	quest := newSchedulingLab("quest", labs.AppointmentReady)
	c := newLabAPI(t, map[string]*lab{"quest": quest, "getlabs": newSchedulingLab("getlabs", labs.AppointmentReady)})
	miles := 4
	site := &labs.Site{
		Code: "AZ1", DistanceMiles: &miles, Zone: "America/Phoenix",
		Location: order.Location{Name: "Phoenix North", FirstLine: "1300 N 12th St", City: "Phoenix", State: "AZ",
			Zip: "85006", Lat: 33.4631, Lng: -112.0568},
	}
	quest.free = labs.Availability{Days: []labs.DaySlots{newDaySlots(t, "2026-03-05", site, 16, 17)}}

	r := c.sendWithKey(http.MethodPost, pscPath+"?lab=quest&zip_code=85004", c.key, nil)
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	require.Nil(t, r.json(t)["timezone"])
	day := r.json(t)["slots"].([]any)[0].(map[string]any)
	require.Len(t, day["slots"], 2)
	require.Equal(t, map[string]any{
		"location": map[string]any{"lng": -112.0568, "lat": 33.4631}, "distance": 4.0, "code": "AZ1", "name": "Phoenix North",
		"iana_timezone": "America/Phoenix",
		"address": map[string]any{
			"first_line": "1300 N 12th St", "second_line": nil, "city": "Phoenix", "state": "AZ", "zip_code": "85006",
			"unit": nil, "access_notes": nil,
		},
	}, day["location"])
	require.Equal(t, order.PatientServiceCenter, quest.asked[0].Type)
	require.Equal(t, "85004", quest.asked[0].Zip)
	require.Equal(t, 25, quest.asked[0].RadiusMiles)

	// The documented sample sends a body. With site codes the zip code is ignored.
	r = c.sendWithKey(http.MethodPost, pscPath, c.key, map[string]any{
		"lab": "quest", "zip_code": "85004", "site_codes": []any{"AZ1", "AZ2"}, "start_date": "2026-03-07",
		"allow_stale": true,
	})
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	require.Equal(t, []string{"AZ1", "AZ2"}, quest.asked[1].Sites)
	require.Empty(t, quest.asked[1].Zip)
	require.Equal(t, "2026-03-07", quest.asked[1].From.String())
	r = c.sendWithKey(http.MethodPost, pscPath+"?lab=quest&site_codes=AZ1&site_codes=AZ2&radius=10&allow_stale=true",
		c.key, nil)
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	require.Equal(t, []string{"AZ1", "AZ2"}, quest.asked[2].Sites)

	quest.free = labs.Availability{}
	r = c.sendWithKey(http.MethodPost, pscPath+"?lab=quest&zip_code=85004", c.key, nil)
	require.Equal(t, http.StatusNotFound, r.status)
	require.IsType(t, "", r.detail(t))
}

func TestPSCAvailabilityRefused(t *testing.T) {
	t.Parallel()
	c := newLabAPI(t, map[string]*lab{"quest": newSchedulingLab("quest", labs.AppointmentReady)})
	for query, tt := range map[string]struct {
		status int
		text   string
	}{
		"?lab=sonora_quest&zip_code=85004": {http.StatusServiceUnavailable, "not enabled"},
		"?lab=quest":                       {http.StatusBadRequest, "is required"},
		"?lab=quest&site_codes=1&site_codes=2&site_codes=3&site_codes=4": {http.StatusBadRequest, "At most 3"},
		"?lab=quest&zip_code=85004&start_date=2026-03-03":                {http.StatusBadRequest, "in the past"},
	} {
		r := c.sendWithKey(http.MethodPost, pscPath+query, c.key, nil)
		require.Equal(t, tt.status, r.status, query)
		require.Contains(t, r.detail(t), tt.text, query)
	}
	for query, tt := range map[string]struct {
		loc  []any
		kind string
	}{
		"?zip_code=85004":                    {[]any{"query", "lab"}, "missing"},
		"?lab=labcorp&zip_code=85004":        {[]any{"query", "lab"}, "enum"},
		"?lab=quest&zip_code=8500":           {[]any{"query", "zip_code"}, "string_pattern_mismatch"},
		"?lab=quest&zip_code=85004&radius=7": {[]any{"query", "radius"}, "enum"},
	} {
		r := c.sendWithKey(http.MethodPost, pscPath+query, c.key, nil)
		require.Equal(t, http.StatusUnprocessableEntity, r.status, query)
		requireProblem(t, r, tt.loc, tt.kind)
	}
}

// In the evening in Phoenix, the date in UTC is already the next one.
func TestAvailabilityOfTodayWhereThePatientIs(t *testing.T) {
	t.Parallel()
	evening := func(d *api.Deps) { d.Now = func() time.Time { return time.Date(2026, 3, 5, 2, 0, 0, 0, time.UTC) } }
	getlabs := newSchedulingLab("getlabs", labs.AppointmentReady)
	c := newLabAPI(t, map[string]*lab{"getlabs": getlabs}, evening)
	r := c.sendWithKey(http.MethodPost, phlebotomyPath+"?start_date=2026-03-04", c.key, visitAddress())
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	require.Equal(t, "2026-03-04", getlabs.asked[0].From.String())
	r = c.sendWithKey(http.MethodPost, phlebotomyPath+"?start_date=2026-03-03", c.key, visitAddress())
	require.Equal(t, http.StatusBadRequest, r.status, "it has passed everywhere")
}
