package api_test

import (
	"database/sql"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/store"
)

func TestLongTextsAreRefused(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	long, words := strings.Repeat("x", 500_000), strings.Repeat("w ", 1000)
	requireProblem(t, f.sendWithKey(http.MethodPost, "/v3/order/testkit", f.key,
		f.testkitBody(map[string]any{"shipping_details.receiver_name": words})),
		[]any{"body", "shipping_details", "receiver_name"}, "string_too_long")
	for field, value := range map[string]any{
		"patient_address.first_line": long, "patient_address.second_line": long, "patient_address.city": long,
		"passthrough": long, "physician": map[string]any{"first_name": long, "last_name": "B", "npi": "1"},
		"icd_codes": []string{long},
		"consents":  []any{map[string]any{"consentType": "terms-of-use", "version": long}},
	} {
		r := f.sendWithKey(http.MethodPost, "/v3/order", f.key, f.orderBody(map[string]any{field: value}))
		require.Equal(t, http.StatusUnprocessableEntity, r.status, "%s: %.200s", field, r.body)
		require.Contains(t, string(r.body), "string_too_long", field)
	}
	for field, value := range map[string]any{
		"consents":  make([]struct{}, 3000),
		"icd_codes": strings.Split(strings.Repeat("E11.9 ", 3000), " "),
		"order_set": map[string]any{"lab_test_ids": strings.Fields(strings.Repeat(f.labTest+" ", 3000))},
	} {
		r := f.sendWithKey(http.MethodPost, "/v3/order", f.key, f.orderBody(map[string]any{field: value}))
		require.Equal(t, http.StatusUnprocessableEntity, r.status, "%s: %.200s", field, r.body)
		require.Contains(t, string(r.body), "too_long", field)
	}
	require.Zero(t, f.countOrders())

	fits := f.orderBody(map[string]any{"passthrough": strings.Repeat("é", 10_000),
		"patient_address.first_line": strings.Repeat("é", 255)})
	require.Equal(t, http.StatusOK, f.sendWithKey(http.MethodPost, "/v3/order", f.key, fits).status,
		"characters count, not bytes")
}

func TestManyProblemsAreAnsweredQuickly(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	codes := make([]int, 45_000)
	r := f.sendWithKey(http.MethodPost, "/v3/order", f.key, f.orderBody(map[string]any{"icd_codes": codes}))
	require.Equal(t, http.StatusUnprocessableEntity, r.status)
	require.LessOrEqual(t, len(r.detail(t).([]any)), 500)
}

func TestHalfCharactersAreRefused(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	good, err := json.Marshal(f.orderBody(map[string]any{"passthrough": "HERE"}))
	require.NoError(t, err)
	for _, half := range []string{`\ud83d tail`, `\ude00`, `\ud83d\ud83d\ude00`} {
		bad := strings.Replace(string(good), "HERE", half, 1)
		requireProblem(t, f.sendWithKey(http.MethodPost, "/v3/order", f.key, bad), []any{"body"}, "value_error")
	}
	whole := f.sendWithKey(http.MethodPost, "/v3/order", f.key, strings.Replace(string(good), "HERE", `\ud83d\ude00`, 1))
	require.Equal(t, http.StatusOK, whole.status)
	require.Contains(t, string(whole.body), "😀")
}

func TestWholeNumbersMayBeFractions(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	text, err := json.Marshal(f.orderBody(map[string]any{"patient_details.household_income": 4321,
		"patient_details.household_size": 17}))
	require.NoError(t, err)
	with := func(income, size string) reply {
		return f.sendWithKey(http.MethodPost, "/v3/order", f.key,
			strings.NewReplacer(":4321", ":"+income, ":17", ":"+size).Replace(string(text)))
	}
	r := with("75000.0", "3e0")
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	o := f.order(r.json(t)["order"].(map[string]any)["id"].(string))
	require.Equal(t, new(75_000), o.Patient.HouseholdIncome)
	require.Equal(t, new(3), o.Patient.HouseholdSize)
	at := []any{"body", "patient_details", "household_income"}
	requireProblem(t, with("75000.5", "3"), at, "int_type")
	requireProblem(t, with(`"75000"`, "3"), at, "int_type")
	requireProblem(t, with("1e30", "3"), at, "int_type")
	requireProblem(t, with("-1", "3"), at, "greater_than_equal")
	requireProblem(t, with("1", "-3.0"), []any{"body", "patient_details", "household_size"}, "greater_than_equal")

	marker := f.sendWithKey(http.MethodPost, "/v3/lab_tests/list_order_set_markers", f.key,
		`{"add_on":{"marker_ids":[1.0]}}`)
	require.NotEqual(t, http.StatusUnprocessableEntity, marker.status, string(marker.body))
	overlap := f.sendWithKey(http.MethodPost, "/ops/teams/"+f.team+"/tokens", f.opsKey, `{"lifetime_seconds":600.0}`)
	require.NotEqual(t, http.StatusUnprocessableEntity, overlap.status, string(overlap.body))
}

func TestImplausibleTimesAreRefused(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	consent := func(at string) map[string]any {
		return f.orderBody(map[string]any{"consents": []any{
			map[string]any{"consentType": "terms-of-use", "timeOfConsent": at}}})
	}
	at := []any{"body", "consents", float64(0), "timeOfConsent"}
	for _, bad := range []string{"9999-12-31T23:59:59-05:00", "9999-12-31T23:59:59Z",
		testTime.Add(25 * time.Hour).Format(time.RFC3339), "0001-01-01T00:00:00+05:00"} {
		requireProblem(t, f.sendWithKey(http.MethodPost, "/v3/order", f.key, consent(bad)), at, "value_error")
	}
	require.Equal(t, http.StatusOK, f.sendWithKey(http.MethodPost, "/v3/order", f.key,
		consent(testTime.Add(23*time.Hour).Format(time.RFC3339))).status)

	old := f.orderBody(map[string]any{"patient_details.dob": "1899-12-31"})
	requireProblem(t, f.sendWithKey(http.MethodPost, "/v3/order", f.key, old),
		[]any{"body", "patient_details", "dob"}, "value_error")
	old = f.orderBody(map[string]any{"patient_details.dob": "1900-01-01"})
	require.Equal(t, http.StatusOK, f.sendWithKey(http.MethodPost, "/v3/order", f.key, old).status)
	user := map[string]any{"client_user_id": "x", "fallback_birth_date": "1899-12-31"}
	at = []any{"body", "fallback_birth_date"}
	requireProblem(t, f.sendWithKey(http.MethodPost, "/v2/user", f.key, user), at, "value_error")
	delete(user, "client_user_id")
	requireProblem(t, f.sendWithKey(http.MethodPatch, "/v2/user/"+f.user, f.key, user), at, "value_error")
}

func TestATeamWithAnUnreadablePolicyDoesNotBreakTheList(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	bad, good := f.newTeam(store.Sandbox, ""), f.newTeam(store.Sandbox, "")
	db, err := sql.Open("sqlite", f.database)
	require.NoError(t, err)
	_, err = db.ExecContext(t.Context(), `UPDATE teams SET policy = '{"of_another_release": 1}' WHERE id = $1`, bad)
	require.NoError(t, err)
	require.NoError(t, db.Close())
	r := f.sendWithKey(http.MethodGet, "/ops/teams", f.opsKey, nil)
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	require.Contains(t, string(r.body), bad)
	require.Contains(t, string(r.body), good)
}

func TestKeysThatExpireAfterTheYear9999(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	admin := f.newKey(f.team, store.RoleAdministrator)
	create := func(ends string) reply {
		return f.sendWithKey(http.MethodPost, "/ops/teams/"+f.team+"/keys", admin,
			map[string]any{"name": "late", "role": "client", "expires_at": ends})
	}
	requireProblem(t, create("9999-12-31T23:59:59-05:00"), []any{"body", "expires_at"}, "value_error")
	require.Equal(t, http.StatusOK, create("9999-12-31T23:59:59Z").status)

	// A row of a release that accepted such a time.
	late := store.APIKey{ID: newID(), TeamID: f.team, Name: "stored", Role: store.RoleClient, CreatedAt: testTime,
		ExpiresAt: time.Date(10000, 1, 1, 4, 59, 59, 0, time.UTC)}
	require.NoError(t, f.store.CreateAPIKey(t.Context(), late, "sk_us_"+strings.Repeat("x", 40)))
	r := f.sendWithKey(http.MethodGet, "/ops/keys", admin, nil)
	require.Equal(t, http.StatusOK, r.status)
	require.Contains(t, string(r.body), "9999-12-31T23:59:59.999999Z")
	require.Contains(t, string(r.body), late.ID)
}
