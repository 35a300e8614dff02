package api_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/store"
)

// codes returns the codes of an answer's sites, and their distances.
func codes(t testing.TB, r reply) (all []string, miles []float64) {
	t.Helper()
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	for _, site := range r.json(t)["patient_service_centers"].([]any) {
		all, miles = append(all, site.(map[string]any)["site_code"].(string)),
			append(miles, site.(map[string]any)["distance"].(float64))
	}
	return all, miles
}

func TestPatientServiceCenters(t *testing.T) {
	t.Parallel()
	f := newDemo(t)
	get := func(query string) reply {
		return f.sendWithKey(http.MethodGet, "/v3/order/psc/info?"+query, f.key, nil)
	}
	near, miles := codes(t, get("zip_code=85004&lab_id=2&radius=10"))
	require.Equal(t, []string{"QAZ1", "QAZ2", "QAZ3", "QAZ6"}, near)
	require.Equal(t, []float64{1, 2, 9, 10}, miles)
	all, _ := codes(t, get("zip_code=85004&lab_id=2"))
	require.Equal(t, []string{"QAZ1", "QAZ2", "QAZ3", "QAZ6", "QAZ5", "QAZ4"}, all, "within 25 miles, nearest first")
	some, _ := codes(t, get("zip_code=85004&lab_id=2&capabilities=stat&capabilities=appointment_scheduling_via_junction"))
	require.Equal(t, []string{"QAZ1"}, some, "those that have all")

	one := get("zip_code=85004&lab_id=2&radius=10").json(t)
	require.Equal(t, []any{2.0, "quest"}, []any{one["lab_id"], one["slug"]})
	site := one["patient_service_centers"].([]any)[0].(map[string]any)
	require.Equal(t, map[string]any{"lat": 33.4483, "lng": -112.078}, site["location"])
	require.Equal(t, []any{"client_bill", "patient_bill", "commercial_insurance"}, site["supported_bill_types"])
	metadata := site["metadata"].(map[string]any)
	require.Equal(t, "07:00-16:00", metadata["hours"].(map[string]any)["monday"])
	require.Equal(t, []any{"Phoenix", "AZ", "85003", nil}, []any{metadata["city"], metadata["state"], metadata["zip_code"],
		metadata["second_line"]})

	// A postal code that is not in the data set is located at the center of its neighbours. Without neighbours no site is
	// near.
	neighbour, _ := codes(t, get("zip_code=85001&lab_id=2&radius=20"))
	require.NotEmpty(t, neighbour)
	nowhere, _ := codes(t, get("zip_code=99999&lab_id=2&radius=100"))
	require.Empty(t, nowhere)
	none, _ := codes(t, get("zip_code=85004&lab_id=27"))
	require.Empty(t, none, "a lab without sites")

	require.Equal(t, http.StatusNotFound, get("zip_code=85004&lab_id=99").status)
	require.Equal(t, http.StatusNotFound, get("zip_code=85004&lab_id=2&lab_account_id="+newID()).status)
	requireProblem(t, get("zip_code=8500&lab_id=2"), []any{"query", "zip_code"}, "string_pattern_mismatch")
	requireProblem(t, get("zip_code=85004&lab_id=2&radius=11"), []any{"query", "radius"}, "enum")
	requireProblem(t, get("zip_code=85004"), []any{"query", "lab_id"}, "missing")
	require.Equal(t, http.StatusUnprocessableEntity, get("zip_code=85004&lab_id=2&capabilities=none").status)
}

func TestAtMostThirtySites(t *testing.T) {
	t.Parallel()
	f := newDemo(t)
	c, err := f.store.Catalogue(t.Context(), f.team)
	require.NoError(t, err)
	for i := range 40 {
		site := c.Sites[0]
		site.LabID, site.Code, site.Lat, site.Lng = 4, "X"+string(rune('A'+i)), 33.45+float64(i)/1000, -112.07
		c.Sites = append(c.Sites, site)
	}
	_, err = f.store.ImportCatalogue(t.Context(), c, store.CatalogueImportOptions{TeamID: f.team})
	require.NoError(t, err)
	all, miles := codes(t, f.sendWithKey(http.MethodGet, "/v3/order/psc/info?zip_code=85004&lab_id=4&radius=100", f.key,
		nil))
	require.Len(t, all, 30)
	require.IsNonDecreasing(t, miles)
	area := f.sendWithKey(http.MethodGet, "/v3/order/area/info?zip_code=85004&labs=labcorp", f.key, nil).json(t)
	labcorp := area["central_labs"].(map[string]any)["labcorp"].(map[string]any)
	require.InDelta(t, 42, labcorp["patient_service_centers"].(map[string]any)["within_radius"], 0)
}

func TestPatientServiceCentersOfAnOrder(t *testing.T) {
	t.Parallel()
	f := newDemo(t)
	id := f.createOrder(map[string]any{"order_set.lab_test_ids": []any{questAnnual}, "patient_address.zip": "85012-1234"})
	at := "/v3/order/" + id + "/psc/info?radius=10"
	near, _ := codes(t, f.sendWithKey(http.MethodGet, at, f.key, nil))
	require.Equal(t, "QAZ2", near[0])
	require.Contains(t, f.actions(id), "order.psc_info")
	some, _ := codes(t, f.sendWithKey(http.MethodGet, at+"&capabilities=stat", f.key, nil))
	require.Equal(t, []string{"QAZ1"}, some)
	require.Equal(t, http.StatusNotFound, f.sendWithKey(http.MethodGet, "/v3/order/"+newID()+"/psc/info", f.key,
		nil).status)
	require.Equal(t, http.StatusUnprocessableEntity, f.sendWithKey(http.MethodGet, "/v3/order/"+id+"/psc/info?radius=1",
		f.key, nil).status)
	kit := f.order(f.createOrder(nil))
	none, _ := codes(t, f.sendWithKey(http.MethodGet, "/v3/order/"+kit.ID+"/psc/info", f.key, nil))
	require.Empty(t, none)
}

func TestAreaInfo(t *testing.T) {
	t.Parallel()
	f := newDemo(t)
	get := func(query string) map[string]any {
		t.Helper()
		r := f.sendWithKey(http.MethodGet, "/v3/order/area/info?"+query, f.key, nil)
		require.Equal(t, http.StatusOK, r.status, string(r.body))
		return r.json(t)
	}
	area := get("zip_code=85004&radius=10")
	require.Equal(t, "85004", area["zip_code"])
	require.Equal(t, map[string]any{"is_served": false, "providers": []any{}}, area["phlebotomy"],
		"no account keeps appointments")
	quest := area["central_labs"].(map[string]any)["quest"].(map[string]any)
	require.InDelta(t, 2, quest["lab_id"], 0)
	require.Equal(t, []any{"client_bill", "commercial_insurance", "patient_bill"}, quest["supported_bill_types"])
	require.Equal(t, map[string]any{
		"appointment_with_vital": false, "within_radius": 4.0, "radius": "10",
		"capabilities": []any{"appointment_scheduling_via_junction", "appointment_scheduling_with_lab", "stat"},
	}, quest["patient_service_centers"])
	require.Contains(t, area["central_labs"], "labcorp")

	// With an account that makes appointments, appointments can be booked through the API.
	f.neutralAccount("getlabs", `{"collection_methods": [], "schedule": true, "provider": "getlabs"}`)
	f.neutralAccount("phlebfinders",
		`{"collection_methods": [], "schedule": true, "provider": "phlebfinders", "tiers": ["appointment-request"]}`)
	f.neutralAccount("psc", `{"collection_methods": [], "schedule": true, "provider": "quest"}`)
	area = get("zip_code=85004&labs=quest")
	require.Equal(t, map[string]any{"is_served": true, "providers": []any{
		map[string]any{"name": "getlabs", "service_types": []any{"appointment-ready"}},
		map[string]any{"name": "phlebfinders", "service_types": []any{"appointment-request"}},
	}}, area["phlebotomy"])
	require.Len(t, area["central_labs"], 1)
	centers := area["central_labs"].(map[string]any)["quest"].(map[string]any)["patient_service_centers"].(map[string]any)
	require.Equal(t, []any{true, 6.0, "25"}, []any{centers["appointment_with_vital"], centers["within_radius"],
		centers["radius"]})

	nowhere := get("zip_code=99999&labs=quest&lab=labcorp")
	require.Equal(t, false, nowhere["phlebotomy"].(map[string]any)["is_served"])
	require.Len(t, nowhere["central_labs"], 2, "what is asked about is listed")
	empty := nowhere["central_labs"].(map[string]any)["quest"].(map[string]any)
	require.Equal(t, []any{}, empty["supported_bill_types"])
	require.Empty(t, get("zip_code=85004&labs=bioreference")["central_labs"], "a lab that the catalogue does not have")

	for _, wrong := range []string{"", "zip_code=8500", "zip_code=85004&labs=mtl", "zip_code=85004&radius=5"} {
		require.Equal(t, http.StatusUnprocessableEntity, f.sendWithKey(http.MethodGet, "/v3/order/area/info?"+wrong, f.key,
			nil).status, wrong)
	}
	require.Equal(t, http.StatusNotFound, f.sendWithKey(http.MethodGet,
		"/v3/order/area/info?zip_code=85004&lab_account_id="+newID(), f.key, nil).status)
}

// A service area is left out when the account does not offer its service types.
func TestPhlebotomistsOfAnotherTier(t *testing.T) {
	t.Parallel()
	f := newDemo(t)
	f.neutralAccount("getlabs",
		`{"collection_methods": [], "schedule": true, "provider": "getlabs", "tiers": ["appointment-request"]}`)
	area := f.sendWithKey(http.MethodGet, "/v3/order/area/info?zip_code=85004", f.key, nil).json(t)
	require.Equal(t, false, area["phlebotomy"].(map[string]any)["is_served"])
}
