package store

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// planStep is a step of PostgreSQL's query plan.
type planStep struct {
	Node     string     `json:"Node Type"`
	Relation string     `json:"Relation Name"`
	Index    string     `json:"Index Name"`
	Rows     float64    `json:"Actual Rows"`
	Loops    float64    `json:"Actual Loops"`
	Steps    []planStep `json:"Plans"`
}

// tableReads lists the steps that read tables or indexes.
func (p planStep) tableReads() []planStep {
	var all []planStep
	if strings.HasSuffix(p.Node, "Scan") && (p.Relation != "" || p.Index != "") {
		all = append(all, p)
	}
	for _, s := range p.Steps {
		all = append(all, s.tableReads()...)
	}
	return all
}

// explain runs a query in the way of Orders and returns its plan.
func explain(t *testing.T, s *Store, query string, args []any) planStep {
	t.Helper()
	var plans []struct{ Plan planStep }
	require.NoError(t, s.db.InSnapshot(t.Context(), func(q sqldb.Querier) error {
		if err := s.planQueriesForValues(t.Context(), q); err != nil {
			return err
		}
		text, err := sqldb.QueryOne(t.Context(), q, sqldb.ScanText, `EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) `+query,
			args...)
		if err != nil {
			return err
		}
		return json.Unmarshal([]byte(text), &plans)
	}), query)
	return plans[0].Plan
}

// readsOutsideIndexes returns the tables that the queries for a page and for the count read without an index-only scan.
func readsOutsideIndexes(t *testing.T, s *Store, page, all orderListQuery) []string {
	t.Helper()
	var wrong []string
	for _, r := range append(explain(t, s, page.pageStatement(10, 0), page.Args).tableReads(),
		explain(t, s, all.countStatement(orderCountLimit+1), all.Args).tableReads()...) {
		if r.Node != "Index Only Scan" {
			wrong = append(wrong, fmt.Sprintf("%s of %s%s", r.Node, r.Relation, r.Index))
		}
	}
	return wrong
}

// addVaried writes orders that differ in everything that lists select by, and has PostgreSQL analyze and vacuum them.
// An automatic analysis at the same time would prevent the vacuum.
func addVaried(t *testing.T, s *Store, team string, n int) []order.Order {
	t.Helper()
	for _, table := range []string{"orders", "order_progress", "order_states", "order_search"} {
		_, err := s.db.Writer.ExecContext(t.Context(), "ALTER TABLE "+table+" SET (autovacuum_enabled = false)")
		require.NoError(t, err)
	}
	statuses := []lifecycle.LowStatus{lifecycle.Completed, lifecycle.Completed, lifecycle.Corrected, lifecycle.TransitLab,
		lifecycle.Cancelled, lifecycle.Ordered}
	orders := make([]order.Order, n)
	for i := range orders {
		orders[i] = newOrder(s, team, func(o *order.Order) {
			o.CreatedAt = time.Date(2026, time.January, 1, 0, i, 0, 0, time.UTC)
			o.UpdatedAt = o.CreatedAt.Add(time.Duration(i*7919%1000) * time.Minute)
			o.Modality = lifecycle.Modalities()[i%4]
			o.Patient.FirstName, o.Patient.LastName = []string{"Ada", "Grace", "Mary"}[i%3], fmt.Sprintf("Family%d", i%40)
			switch i % 5 {
			case 0:
				day := order.DateOf(o.CreatedAt.AddDate(0, 0, 30))
				o.ActivateBy = &day
			case 1:
				o.Results = &order.ResultSummary{Interpretation: []order.Interpretation{order.InterpretationNormal,
					order.InterpretationCritical}[i/5%2]}
			case 2:
				o.Patient, o.Registrable, o.Shipping = nil, true,
					&order.ShippingAddress{ReceiverName: fmt.Sprintf("Room Ada%d", i%40)}
			}
		}).Order
		orders[i].State.Status, orders[i].Status = statuses[i%len(statuses)], statuses[i%len(statuses)]
	}
	require.NoError(t, s.BulkInsertOrders(t.Context(), orders))
	analyzeUntilVisible(t, s)
	return orders
}

// analyzeUntilVisible analyzes and vacuums until PostgreSQL knows that every transaction sees all rows of the tables of
// orders. An index-only scan is cheap for such tables only. An analysis of any other table of the database, which the
// server may start by itself, has a snapshot that prevents it.
func analyzeUntilVisible(t *testing.T, s *Store) {
	t.Helper()
	require.Eventually(t, func() bool {
		require.NoError(t, s.Analyze(t.Context()))
		invisible, err := sqldb.QueryOne(t.Context(), s.db.Writer, sqldb.ScanInt, `SELECT count(*) FROM pg_class
			WHERE relname IN ('orders', 'order_progress', 'order_states', 'order_search') AND relkind = 'r'
			AND relallvisible < relpages`)
		require.NoError(t, err)
		return invisible == 0
	}, time.Minute, 100*time.Millisecond)
}

// The cost of a list depends on its page, not on the number of orders, as long as orders are read for the page only.
// The ids of the page and the count have to come from indexes.
func TestListsReadOnlyIndexes(t *testing.T) {
	t.Parallel()
	s := openStore(t, engineURL(t, sqldb.Postgres))
	require.NoError(t, s.Migrate(t.Context()))
	team := addTeam(t, s).ID
	orders := addVaried(t, s, team, 4000)
	addVaried(t, s, addTeam(t, s).ID, 2000)

	yes, no := true, false
	day := func(n int) time.Time { return orders[0].CreatedAt.AddDate(0, 0, n) }
	today := order.DateOf(day(31))
	lists := map[string]OrderQuery{
		"everything":                       {},
		"everything, oldest first":         {Ascending: true},
		"start_date":                       {CreatedSince: day(2)},
		"end_date":                         {CreatedUntil: day(1)},
		"updated_start_date":               {UpdatedSince: day(2)},
		"updated_end_date":                 {UpdatedUntil: day(1)},
		"status":                           {Statuses: []string{"completed"}},
		"status, several":                  {Statuses: []string{"completed", "transit_lab", "cancelled"}},
		"order_key=last_status":            {ByStatus: true, Ascending: true},
		"order_type":                       {Methods: []string{"walk_in_test"}},
		"order_type, several":              {Methods: []string{"walk_in_test", "testkit"}},
		"is_critical=true":                 {Critical: &yes},
		"is_critical=false":                {Critical: &no},
		"interpretation":                   {Interpretation: order.InterpretationNormal},
		"order_activation_types=current":   {Scheduled: &no, Today: today},
		"order_activation_types=scheduled": {Scheduled: &yes, Today: today},
		"user_id":                          {UserID: orders[9].UserID},
		"patient_name":                     {PatientName: "ada"},
		"patient_name, two words":          {PatientName: "ada family0"},
		"patient_name, three words":        {PatientName: "ada family0 jr"},
		"shipping_recipient_name":          {RecipientName: "room"},
		"search_input":                     {Search: "ada"},
		"search_input, two words":          {Search: "ada family0"},
		"search_input, a birth date":       {Search: "1990-03-01"},
		"status and order_type":            {Statuses: []string{"completed"}, Methods: []string{"walk_in_test"}},
		"status and updated_start_date":    {Statuses: []string{"completed"}, UpdatedSince: day(2)},
		"order_type and both dates":        {Methods: []string{"testkit"}, CreatedSince: day(1), UpdatedUntil: day(2)},
		"interpretation and status":        {Interpretation: order.InterpretationNormal, Statuses: []string{"corrected"}},
		"interpretation and order_type":    {Interpretation: order.InterpretationNormal, Methods: []string{"testkit"}},
		"patient_name and status":          {PatientName: "ada", Statuses: []string{"completed"}},
		"patient_name and is_critical":     {PatientName: "ada", Critical: &yes},
		"patient_name and not is_critical": {PatientName: "ada", Critical: &no},
		"status and not is_critical":       {Statuses: []string{"completed"}, Critical: &no},
	}
	asked := map[string]bool{
		"TeamID": true, "Page": true, "Size": true,
		"IDs": true, "TransactionID": true, // these name the few orders that are read
		"ByPatient": true, // reads the patients of all orders, whose number is limited
	}
	for name, by := range lists {
		for _, f := range reflect.VisibleFields(reflect.TypeFor[OrderQuery]()) {
			asked[f.Name] = asked[f.Name] || !reflect.ValueOf(by).FieldByIndex(f.Index).IsZero()
		}
		by.TeamID = team
		require.Empty(t, readsOutsideIndexes(t, s, s.newOrderListQuery(by), s.newOrderListQuery(by.withoutSort())), name)
	}
	for field, is := range asked {
		require.True(t, is, "no list asks for %s", field)
	}

	// Control: a condition that no index has.
	l := s.newOrderListQuery(OrderQuery{TeamID: team})
	l.And("status_at > ?", 0)
	require.Len(t, readsOutsideIndexes(t, s, l, l), 2)
}

// Counting stops at the limit, and so does reading.
func TestCountingALongListStops(t *testing.T) {
	t.Parallel()
	s := openStore(t, engineURL(t, sqldb.Postgres))
	require.NoError(t, s.Migrate(t.Context()))
	team := addTeam(t, s).ID
	addVaried(t, s, team, 4000)
	addVaried(t, s, addTeam(t, s).ID, 2000)
	read := func(l orderListQuery) (rows float64) {
		for _, r := range explain(t, s, l.countStatement(100), l.Args).tableReads() {
			rows += r.Rows * r.Loops
		}
		return rows
	}
	no := false
	for name, by := range map[string]OrderQuery{
		"everything":              {},
		"is_critical=false":       {Critical: &no},
		"status":                  {Statuses: []string{"completed", "corrected"}},
		"search_input":            {Search: "ada"},
		"status and not critical": {Statuses: []string{"completed"}, Critical: &no},
		"interpretation and dates": {Interpretation: order.InterpretationNormal,
			CreatedSince: time.Date(2026, time.January, 2, 0, 0, 0, 0, time.UTC)},
	} {
		by.TeamID = team
		require.Less(t, read(s.newOrderListQuery(by.withoutSort())), 400.0, name)
	}
	// Control: a list that is sorted before it is counted.
	l := s.newOrderListQuery(OrderQuery{TeamID: team})
	l.AndTerm("order_id IN (SELECT order_id FROM order_progress ORDER BY updated_at DESC LIMIT 4000)")
	require.Greater(t, read(l), 3999.0)
}
