package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestStatesAndCountriesOfOrders(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for state, want := range map[string]string{"New York": "NY", "guam": "GU", " N.Y. ": "NY", "ae": "AE", "pr": "PR"} {
		o := f.order(f.createOrder(map[string]any{"patient_address.state": state, "physician": map[string]any{
			"first_name": "A", "last_name": "B", "npi": "1234567893", "licensed_states": []string{state}}}))
		require.Equal(t, want, o.Address.State)
		require.Equal(t, []string{want}, o.Physician.LicensedStates)
	}
	for _, country := range []string{"US", "USA", "United States"} {
		o := f.order(f.createOrder(map[string]any{"patient_address.country": country}))
		require.Equal(t, country, o.Address.Country)
	}
	for field, bad := range map[string]string{"state": "Ontario", "country": "Canada"} {
		at := []any{"body", "patient_address", field}
		requireProblem(t, f.sendWithKey(http.MethodPost, "/v3/order", f.key,
			f.orderBody(map[string]any{"patient_address." + field: bad})), at, "value_error")
	}
	id := f.createOrder(nil)
	requireProblem(t, f.sendWithKey(http.MethodPost, "/ops/orders/"+id+"/recover", f.opsKey, map[string]any{
		"patient_address": f.orderBody(map[string]any{"patient_address.state": "Ontario"})["patient_address"]}),
		[]any{"body", "patient_address", "state"}, "value_error")

	info := map[string]any{"first_name": "Ann", "last_name": "Lee", "dob": "1990-01-01", "gender": "female",
		"email": "ann@example.com", "phone_number": "602 555-0123 x4", "address": map[string]any{"first_line": "1 Main St",
			"city": "Toronto", "state": "Ontario", "country": "CA", "zip": "M5V"}}
	r := f.sendWithKey(http.MethodPatch, "/v2/user/"+f.user+"/info", f.key, info)
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	require.Equal(t, "Ontario", r.json(t)["address"].(map[string]any)["state"])
	require.Equal(t, "+16025550123 ext. 4", r.json(t)["phone_number"])

	catalogue := `{"files": [{"name": "a", "content": {"sites": [{"code": "A", "lab": "mtl", ` +
		`"name": "A", "first_line": "1", "city": "B", "zip_code": "96910", "lat": 13.4, "lng": 144.7, "state": "STATE"}]}}]}`
	for state, known := range map[string]bool{"GU": true, "VI": true, "AS": true, "MP": true, "AE": true, "ZZ": false} {
		r := f.sendWithKey(http.MethodPost, "/ops/catalogue", f.opsKey, strings.Replace(catalogue, "STATE", state, 1))
		require.Equal(t, !known, strings.Contains(string(r.body), "is not a state"), string(r.body))
	}
}
