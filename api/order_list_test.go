package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/api"
	generated "github.com/aliquot-labs/aliquot/internal/bulkorders"
	"github.com/aliquot-labs/aliquot/internal/testservers/postgrestest"
	"github.com/aliquot-labs/aliquot/store"
)

func TestOrdersAreListedByEveryFilter(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	plain := f.createOrder(nil)
	scheduled := f.createOrder(map[string]any{"activate_by": "2026-03-09"})
	done := f.createOrder(nil)
	f.completeOrder(done, nil)
	all := []string{done, scheduled, plain}
	transaction := f.order(plain).TransactionID
	for query, want := range map[string][]string{
		"user_id=" + f.user:                all,
		"user_id=" + newID():               nil,
		"status=completed":                 {done},
		"status=ordered&status=lost":       {scheduled, plain},
		"order_type=testkit":               all,
		"order_type=walk_in_test":          nil,
		"is_critical=true":                 {done},
		"is_critical=false":                {scheduled, plain},
		"interpretation=critical":          {done},
		"interpretation=normal":            nil,
		"order_activation_types=current":   {done, plain},
		"order_activation_types=scheduled": {scheduled},
		"order_activation_types=scheduled&order_activation_types=current": all,
		"order_ids=" + plain + "&order_ids=" + strings.ToUpper(done):      {done, plain},
		"order_transaction_id=" + transaction:                             {plain},
		"patient_name=LEE":                                                all,
		"patient_name=Bob":                                                nil,
		"shipping_recipient_name=Lee":                                     nil,
		"search_input=Ann+Lee":                                            all,
		"search_input=" + scheduled:                                       {scheduled},
		"start_date=2026-03-04":                                           all,
		"start_date=2026-03-05":                                           nil,
		"end_date=2026-03-03":                                             nil,
		"end_date=2026-03-04":                                             all,
		"end_date=2026-03-04T15:29:59Z":                                   nil,
		"start_date=2026-03-04T15:30:00.000Z":                             all,
		"updated_start_date=2026-03-04":                                   all,
		"updated_end_date=2026-03-04":                                     nil,
		"updated_end_date=2026-03-05":                                     all,
		"order_direction=asc":                                             {plain, scheduled, done},
		"order_key=last_status&order_direction=asc&size=1":                {done},
		"order_key=patient_name&user_id=" + newID():                       nil,
		"order_key=patient_name&size=2&page=2":                            all[:1],
	} {
		r := f.sendWithKey(http.MethodGet, "/v3/orders?"+query, f.key, nil)
		require.Equal(t, http.StatusOK, r.status, "%s: %s", query, r.body)
		var got []string
		for _, o := range r.json(t)["orders"].([]any) {
			got = append(got, o.(map[string]any)["id"].(string))
		}
		require.Equal(t, want, got, query)
	}
	for query, kind := range map[string]string{
		"start_date=yesterday": "datetime_parsing", "updated_end_date=2026-13-01": "datetime_parsing",
		"is_critical=maybe": "enum",
		"user_id=42":        "uuid_parsing", "order_key=price": "enum", "interpretation=fine": "enum",
	} {
		name, _, _ := strings.Cut(query, "=")
		requireProblem(t, f.sendWithKey(http.MethodGet, "/v3/orders?"+query, f.key, nil), []any{"query", name}, kind)
	}
	for _, query := range []string{"order_type=fax", "order_ids=42", "order_activation_types=never", "status=No"} {
		require.Equal(t, http.StatusUnprocessableEntity,
			f.sendWithKey(http.MethodGet, "/v3/orders?"+query, f.key, nil).status, query)
	}
	stranger := f.newKey(f.newTeam(store.Sandbox, ""), store.RoleClient)
	require.Equal(t, []any{}, f.sendWithKey(http.MethodGet, "/v3/orders?order_ids="+plain, stranger,
		nil).json(t)["orders"])
}

// An unknown filter of client-api#get-v3orders would be ignored, and the answer would have orders of other patients
// than the client asked for.
func TestEveryFilterOfOrdersIsKnown(t *testing.T) {
	t.Parallel()
	document, err := api.Document()
	require.NoError(t, err)
	_, operation, found := strings.Cut(string(document), `"operationId": "list-orders"`)
	require.True(t, found)
	parameters, _, _ := strings.Cut(operation, `"responses"`)
	for _, name := range []string{
		"search_input", "start_date", "end_date", "updated_start_date", "updated_end_date", "status", "order_key",
		"order_direction",
		"order_type", "is_critical", "interpretation", "order_activation_types", "user_id", "patient_name",
		"shipping_recipient_name",
		"order_ids", "order_transaction_id", "page", "size",
	} {
		require.Contains(t, parameters, `"name": "`+name+`"`)
	}
}

func TestOrdersThatAreTooManyToBeSortedByPatient(t *testing.T) {
	t.Parallel()
	f := newFixtureOn(t, postgrestest.NewDatabase(t)) // which takes that many at once
	teams, err := generated.GenerateOrders(t.Context(), f.store,
		generated.Options{Orders: 2*store.MaxOrdersSortedByPatient + 10, NewestAt: testTime})
	require.NoError(t, err)
	key := f.newKey(teams[0].ID, store.RoleClient)
	r := f.sendWithKey(http.MethodGet, "/v3/orders?order_key=patient_name", key, nil)
	requireProblem(t, r, []any{"query", "order_key"}, "too_many")
	r = f.sendWithKey(http.MethodGet, "/v3/orders?order_key=patient_name&order_direction=desc&start_date=2026-03-01", key,
		nil)
	require.Equal(t, http.StatusOK, r.status)
	require.NotEmpty(t, r.json(t)["orders"])
}
