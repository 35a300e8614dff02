package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/internal/bulkorders"
	"github.com/aliquot-labs/aliquot/internal/testservers/postgrestest"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
	"github.com/aliquot-labs/aliquot/store/keyring"
)

// benchSearch names the environment variable with the number of orders that BenchmarkSearch compares with 10,000.
const benchSearch = "ALIQUOT_BENCH_ORDERS"

// newestOrderAt is the creation time of the newest generated order.
var newestOrderAt = time.Date(2026, time.March, 4, 12, 0, 0, 0, time.UTC)

// searchStore is a generated store, and the largest of its teams.
type searchStore struct {
	*store.Store
	url    string
	keys   *keyring.Keyring
	team   string
	orders []order.Order // some orders of that team, newest first
	most   time.Duration // the time span with as many orders as can be sorted by patient
}

func newSearchStore(t testing.TB, url string, orders int) searchStore {
	t.Helper()
	key, err := keyring.NewEncryptionKey("k1")
	require.NoError(t, err)
	keys, err := keyring.Parse(key)
	require.NoError(t, err)
	db, err := store.Open(t.Context(), store.Options{URL: url, Keys: keys, Now: func() time.Time { return newestOrderAt }})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	require.NoError(t, db.Migrate(t.Context()))
	began := time.Now()
	teams, err := bulkorders.GenerateOrders(t.Context(), db,
		bulkorders.Options{Orders: orders, Seed: 1, NewestAt: newestOrderAt})
	require.NoError(t, err)
	t.Logf("%d orders generated in %s", orders, time.Since(began).Round(time.Millisecond))
	newest, _, err := db.Orders(t.Context(), store.OrderQuery{TeamID: teams[0].ID, Size: 100, Page: 3})
	require.NoError(t, err)
	most := time.Duration(float64(bulkorders.TimeSpan) * min(1, 0.99*2*store.MaxOrdersSortedByPatient/float64(orders)))
	return searchStore{Store: db, url: url, keys: keys, team: teams[0].ID, orders: newest, most: most}
}

// searchCase is a list request.
type searchCase struct {
	name  string
	query func(s searchStore) store.OrderQuery
}

func searchCases() []searchCase {
	yes, no := true, false
	today := order.DateOf(newestOrderAt)
	always := func(q store.OrderQuery) func(searchStore) store.OrderQuery {
		return func(searchStore) store.OrderQuery { return q }
	}
	day := 24 * time.Hour
	return []searchCase{
		{"no filter", always(store.OrderQuery{})},
		{"oldest first", always(store.OrderQuery{Ascending: true})},
		{"page of 100", always(store.OrderQuery{Size: 100})},
		{"page of 10", always(store.OrderQuery{Size: 10})},
		{"start_date, a week", always(store.OrderQuery{CreatedSince: newestOrderAt.Add(-7 * day)})},
		{"end_date, a year ago", always(store.OrderQuery{CreatedUntil: newestOrderAt.Add(-365 * day)})},
		{"updated_start_date, a day", always(store.OrderQuery{UpdatedSince: newestOrderAt.Add(-day)})},
		{"updated_start_date, a year", always(store.OrderQuery{UpdatedSince: newestOrderAt.Add(-365 * day)})},
		{"updated_end_date, a year ago", always(store.OrderQuery{UpdatedUntil: newestOrderAt.Add(-365 * day)})},
		{"updated, a week of last year",
			always(store.OrderQuery{UpdatedSince: newestOrderAt.Add(-300 * day), UpdatedUntil: newestOrderAt.Add(-293 * day)})},
		{"status=completed", always(store.OrderQuery{Statuses: []string{"completed"}})},
		{"status=transit_customer", always(store.OrderQuery{Statuses: []string{"transit_customer"}, Size: 10})},
		{"status, five open ones", always(store.OrderQuery{Statuses: []string{
			"ordered", "requisition_created", "with_customer", "transit_lab", "delivered_to_lab",
		}})},
		{"order_key=last_status", always(store.OrderQuery{ByStatus: true, Ascending: true})},
		{"order_type=testkit", always(store.OrderQuery{Methods: []string{"testkit"}})},
		{"order_type, two", always(store.OrderQuery{Methods: []string{"walk_in_test", "on_site_collection"}})},
		{"is_critical=true", always(store.OrderQuery{Critical: &yes})},
		{"is_critical=false", always(store.OrderQuery{Critical: &no})},
		{"interpretation=normal", always(store.OrderQuery{Interpretation: order.InterpretationNormal})},
		{"interpretation=unknown", always(store.OrderQuery{Interpretation: order.InterpretationUnknown})},
		{"order_activation_types=current", always(store.OrderQuery{Scheduled: &no, Today: today})},
		{"order_activation_types=scheduled", always(store.OrderQuery{Scheduled: &yes, Today: today, Size: 5})},
		{"user_id", func(s searchStore) store.OrderQuery { return store.OrderQuery{UserID: s.orders[0].UserID} }},
		{"order_ids, 50", func(s searchStore) (q store.OrderQuery) {
			for _, o := range s.orders[:50] {
				q.IDs = append(q.IDs, o.ID)
			}
			return q
		}},
		{"order_transaction_id", func(s searchStore) store.OrderQuery {
			return store.OrderQuery{TransactionID: s.orders[0].TransactionID}
		}},
		{"patient_name, a common one", always(store.OrderQuery{PatientName: "Smith", Size: 10})},
		{"patient_name, a rare one",
			func(s searchStore) store.OrderQuery { return store.OrderQuery{PatientName: rarest(s.orders), Size: 1} }},
		{"patient_name, first and last", func(s searchStore) store.OrderQuery {
			return store.OrderQuery{PatientName: common(s.orders), Size: 1}
		}},
		{"shipping_recipient_name", always(store.OrderQuery{RecipientName: "Mary", Size: 1})},
		{"search_input, a common name", always(store.OrderQuery{Search: "james"})},
		{"search_input, first and last",
			func(s searchStore) store.OrderQuery { return store.OrderQuery{Search: common(s.orders), Size: 1} }},
		{"search_input, a birth date", func(s searchStore) store.OrderQuery {
			return store.OrderQuery{Search: patientOf(s.orders, common(s.orders)).DOB.String(), Size: 1}
		}},
		{"search_input, an order's id",
			func(s searchStore) store.OrderQuery { return store.OrderQuery{Search: s.orders[0].ID} }},
		{"search_input, a user's id",
			func(s searchStore) store.OrderQuery { return store.OrderQuery{Search: s.orders[0].UserID} }},
		{"order_key=patient_name of 5,000", func(s searchStore) store.OrderQuery {
			return store.OrderQuery{ByPatient: true, Ascending: true, CreatedSince: newestOrderAt.Add(-s.most)}
		}},
		{"status and order_type",
			always(store.OrderQuery{Statuses: []string{"completed"}, Methods: []string{"on_site_collection"}})},
		{"status and dates",
			always(store.OrderQuery{Statuses: []string{"completed"}, CreatedSince: newestOrderAt.Add(-90 * day),
				CreatedUntil: newestOrderAt.Add(-60 * day)})},
		{"status and updated_start_date",
			always(store.OrderQuery{Statuses: []string{"completed"}, UpdatedSince: newestOrderAt.Add(-7 * day)})},
		{"order_type and dates",
			always(store.OrderQuery{Methods: []string{"on_site_collection"}, CreatedSince: newestOrderAt.Add(-90 * day),
				Size: 20})},
		{"user_id and status", func(s searchStore) store.OrderQuery {
			return store.OrderQuery{UserID: s.orders[0].UserID, Statuses: []string{"completed", "corrected"}}
		}},
		{"is_critical and start_date", always(store.OrderQuery{Critical: &yes, CreatedSince: newestOrderAt.Add(-90 * day),
			Size: 10})},
		{"interpretation and order_type",
			always(store.OrderQuery{Interpretation: order.InterpretationAbnormal, Methods: []string{"walk_in_test"}})},
		{"interpretation and status",
			always(store.OrderQuery{Interpretation: order.InterpretationAbnormal, Statuses: []string{"corrected"}})},
		{"patient_name and status", always(store.OrderQuery{PatientName: "Smith", Statuses: []string{"cancelled"}, Size: 1})},
		{"patient_name and dates", always(store.OrderQuery{PatientName: "Smith", CreatedSince: newestOrderAt.Add(-90 * day),
			Size: 1})},
		{"page 100", always(store.OrderQuery{Page: 100})},
		{"page 1000", always(store.OrderQuery{Page: 1000})},
	}
}

// rarest returns a last name that few patients have.
func rarest(orders []order.Order) string {
	i := slices.IndexFunc(orders,
		func(o order.Order) bool { return o.Patient != nil && bulkorders.IsRareLastName(o.Patient.LastName) })
	return orders[i].Patient.LastName
}

// common returns the name of a patient whose first and last names are common.
func common(orders []order.Order) string {
	i := slices.IndexFunc(orders,
		func(o order.Order) bool { return o.Patient != nil && !bulkorders.IsRareLastName(o.Patient.LastName) })
	return orders[i].Patient.FirstName + " " + orders[i].Patient.LastName
}

func patientOf(orders []order.Order, name string) *order.Patient {
	i := slices.IndexFunc(orders, func(o order.Order) bool {
		return o.Patient != nil && o.Patient.FirstName+" "+o.Patient.LastName == name
	})
	return orders[i].Patient
}

func (s searchStore) list(t testing.TB, q searchCase) (orders []order.Order, total string, took time.Duration) {
	t.Helper()
	by := q.query(s)
	by.TeamID = s.team
	began := time.Now()
	orders, n, err := s.Orders(t.Context(), by)
	took = time.Since(began)
	require.NoError(t, err, q.name)
	total = "null"
	if n != nil {
		total = strconv.Itoa(*n)
	}
	return orders, total, took
}

// BenchmarkSearch lists orders among 10,000 and among 1,000,000 orders, in turn, on PostgreSQL. One operation is both.
// The table at the end shows the medians in milliseconds, their ratio, and the ratio of the fastest runs, which other
// work on the machine affects least.
func BenchmarkSearch(b *testing.B) {
	many := 1_000_000
	if text := os.Getenv(benchSearch); text != "" {
		var err error
		many, err = strconv.Atoi(text)
		require.NoError(b, err, benchSearch)
	}
	sizes := [2]searchStore{newSearchStore(b, postgrestest.NewDatabase(b), 10_000),
		newSearchStore(b, postgrestest.NewDatabase(b), many)}
	table := fmt.Sprintf("\n| list | 10,000 | %d | ratio | of the fastest | orders | total |\n"+
		"|---|---|---|---|---|---|---|\n", many)
	for _, q := range searchCases() {
		b.Run(strings.ReplaceAll(q.name, " ", "_"), func(b *testing.B) {
			var took [2][]time.Duration
			var rows [2]int
			var totals [2]string
			for b.Loop() {
				for i, s := range sizes {
					orders, total, d := s.list(b, q)
					rows[i], totals[i], took[i] = len(orders), total, append(took[i], d)
				}
			}
			small, large := median(took[0]), median(took[1])
			ratio, fastest := float64(large)/float64(small), float64(took[1][0])/float64(took[0][0])
			b.ReportMetric(small.Seconds()*1000, "ms/10k")
			b.ReportMetric(large.Seconds()*1000, "ms/many")
			b.ReportMetric(ratio, "ratio")
			table += fmt.Sprintf("| %s | %.1f | %.1f | %.1f | %.1f | %d, %d | %s, %s |\n", q.name, small.Seconds()*1000,
				large.Seconds()*1000,
				ratio, fastest, rows[0], rows[1], totals[0], totals[1])
		})
	}
	_, err := fmt.Fprintln(os.Stdout, table) // the log of a benchmark with sub-benchmarks is not printed
	require.NoError(b, err)
}

// median sorts the durations and returns the median.
func median(all []time.Duration) time.Duration {
	slices.Sort(all)
	return all[len(all)/2]
}

// TestSearchesOfGeneratedOrders shows that both engines give the same results for the requests of the benchmark in each
// direction, and that these agree with a scan of all orders.
func TestSearchesOfGeneratedOrders(t *testing.T) {
	t.Parallel()
	const orders = 1500
	stores := []searchStore{
		newSearchStore(t, postgrestest.NewDatabase(t), orders),
		newSearchStore(t, "sqlite:"+filepath.Join(t.TempDir(), "store.db"), orders),
	}
	found := 0
	for _, q := range searchCases() {
		if strings.HasPrefix(q.name, "page 1") && q.name != "page 100" {
			continue
		}
		var lists []string
		for _, s := range stores {
			got, total, _ := s.list(t, q)
			list := total
			for _, o := range got {
				list += " " + o.ID
			}
			found += len(got)
			lists = append(lists, list)
		}
		require.Equal(t, lists[0], lists[1], q.name)
	}
	require.Greater(t, found, 1000, "most searches find something")
}
