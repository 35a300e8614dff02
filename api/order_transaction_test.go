package api_test

import (
	"bytes"
	"fmt"
	"net/http"
	"testing"
	"time"

	pdf "github.com/pdfcpu/pdfcpu/pkg/api"
	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/internal/testpdf"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

// publishReport stores a lab report of an order and makes it visible to the client.
func (f *fixture) publishReport(id string, r order.LabReport, pdf []byte) {
	f.t.Helper()
	f.applyFact(id, order.Fact{Kind: order.FactReportReady})
	o := f.order(id)
	v, changed, err := f.store.StoreLabReport(f.t.Context(), id, o.State.Fetch.Generation, r, newID(), []byte("{}"), pdf)
	require.NoError(f.t, err)
	s, err := f.store.State(f.t.Context(), id)
	require.NoError(f.t, err)
	d, visible := s.ApplyFetchedResults(order.FetchOutcome{
		ResultID: v.ID, Changed: changed, Generation: s.Fetch.Generation, Partial: r.Status == "partial",
	}, testTime)
	require.True(f.t, visible)
	_, err = f.store.Record(f.t.Context(), order.Recording{
		OrderID: id, Revision: s.Revision, Cause: order.CauseCall(newID()), Decision: d, ResultID: v.ID, At: testTime,
	})
	require.NoError(f.t, err)
}

// failAndReplace fails an order and returns its replacement.
func (f *fixture) failAndReplace(id string) string {
	f.t.Helper()
	final := false
	f.applyFact(id, order.Fact{Kind: order.FactKitRejected, Recoverable: &final})
	r := f.sendWithKey(http.MethodPost, "/ops/orders/"+id+"/replace", f.opsKey, nil)
	require.Equal(f.t, http.StatusOK, r.status, string(r.body))
	return r.json(f.t)["child_id"].(string)
}

// insertRedraw inserts a redraw of an order, so that two orders of a transaction can have a lab report each.
func (f *fixture) insertRedraw(id string) string {
	f.t.Helper()
	second := *f.order(id)
	second.Origin, second.ParentID = order.OriginRedraw, id
	store.AssignOrderIDs(&second)
	second.State = order.NewState(&second, order.DefaultPolicy(), time.Time{})
	_, err := f.store.CreateOrder(f.t.Context(), store.NewOrder{Order: second, Cause: "api:test"})
	require.NoError(f.t, err)
	return second.ID
}

func page(text string) []byte { return testpdf.Page("1.4", "", text) }

func transactionOf(f *fixture, id string) string { return f.order(id).TransactionID }

func TestGetTransaction(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	id := f.createOrder(nil)
	child := f.failAndReplace(id)
	transaction := transactionOf(f, id)
	r := f.sendWithKey(http.MethodGet, "/v3/order_transaction/"+transaction, f.key, nil)
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	got := r.json(t)
	require.Equal(t, transaction, got["id"])
	require.Equal(t, f.team, got["team_id"])
	require.Equal(t, "active", got["status"])
	orders := got["orders"].([]any)
	require.Len(t, orders, 2)
	first, second := orders[0].(map[string]any), orders[1].(map[string]any)
	require.Equal(t, id, first["id"])
	require.Equal(t, "initial", first["origin"])
	require.Nil(t, first["parent_id"])
	require.Equal(t, "sample_error", first["last_status"])
	require.Equal(t, child, second["id"])
	require.Equal(t, "recreation", second["origin"])
	require.Equal(t, id, second["parent_id"])
	for _, key := range []string{"last_status_created_at", "created_at", "updated_at"} {
		_, err := time.Parse(time.RFC3339, second[key].(string))
		require.NoError(t, err, key)
	}
}

func TestTransactionResults(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	id := f.createOrder(nil)
	path := "/v3/order_transaction/" + transactionOf(f, id)
	for _, more := range []string{"/result", "/result/pdf"} {
		r := f.sendWithKey(http.MethodGet, path+more, f.key, nil)
		require.Equal(t, http.StatusNotFound, r.status, "there are no results yet")
		require.Equal(t, "Result not found", r.detail(t))
	}
	f.publishReport(id, order.LabReport{
		Status: "final", Interpretation: order.InterpretationNormal, ReportedAt: testTime,
		Results: []order.Result{{Name: "A", Slug: "a", Text: "1", Type: "comment"}},
	}, page("one"))
	r := f.sendWithKey(http.MethodGet, path+"/result", f.key, nil)
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	require.Equal(t, "A", r.json(t)["results"].([]any)[0].(map[string]any)["name"])
	require.Equal(t, transactionOf(f, id), r.json(t)["order_transaction"].(map[string]any)["id"])

	r = f.sendWithKey(http.MethodGet, path+"/result/pdf", f.key, nil)
	require.Equal(t, http.StatusOK, r.status)
	require.Equal(t, page("one"), r.body, "a single report is as the lab sent it")
}

func TestTransactionPDFHasEveryReport(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	id := f.createOrder(nil)
	second := f.insertRedraw(id)
	for i, order := range []string{id, second} {
		f.publishReport(order, finalReport(fmt.Sprint(i)), page(fmt.Sprint(i)))
	}
	path := "/v3/order_transaction/" + transactionOf(f, id)
	r := f.sendWithKey(http.MethodGet, path+"/result/pdf", f.key, nil)
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	require.Equal(t, "application/pdf", r.header.Get("Content-Type"))
	pages, err := pdf.PageCount(bytes.NewReader(r.body), nil)
	require.NoError(t, err)
	require.Equal(t, 2, pages)

	r = f.sendWithKey(http.MethodGet, path+"/result", f.key, nil)
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	require.Len(t, r.json(t)["results"], 2)
}

// A damaged PDF is returned as the lab sent it for its order, and is replaced by a rendered one in the transaction's
// PDF.
func TestTransactionPDFWithADamagedReport(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	id := f.createOrder(nil)
	second := f.insertRedraw(id)
	f.publishReport(id, finalReport("0"), page("0"))
	f.publishReport(second, finalReport("1"), []byte("%PDF-1.4 damaged"))
	r := f.sendWithKey(http.MethodGet, "/v3/order_transaction/"+transactionOf(f, id)+"/result/pdf", f.key, nil)
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	pages, err := pdf.PageCount(bytes.NewReader(r.body), nil)
	require.NoError(t, err)
	require.Equal(t, 2, pages)
	r = f.sendWithKey(http.MethodGet, "/v3/order/"+second+"/result/pdf", f.key, nil)
	require.Equal(t, "%PDF-1.4 damaged", string(r.body))
}

// The labs' own documents are merged whatever their versions are, in every order.
func TestTransactionPDFOfSeveralVersions(t *testing.T) {
	t.Parallel()
	version := func(version, text string) []byte { return testpdf.Page(version, "", text) }
	for name, reports := range map[string][][]byte{
		"1.4 and 2.0":         {version("1.4", "a"), version("2.0", "b")},
		"2.0 and 1.4":         {version("2.0", "a"), version("1.4", "b")},
		"2.0 and 2.0":         {version("2.0", "a"), version("2.0", "b")},
		"1.7 and 2.0":         {version("1.7", "a"), version("2.0", "b")},
		"an unknown version":  {version("1.4", "a"), version("7.3", "b")},
		"2.0 after a drawn":   {nil, version("2.0", "b")},
		"a drawn after 2.0":   {version("2.0", "a"), nil},
		"two damaged":         {[]byte("%PDF-2.0 damaged"), []byte("no PDF")},
		"2.0 after a damaged": {[]byte("%PDF-2.0 damaged"), version("2.0", "b")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			id := f.createOrder(nil)
			second := f.insertRedraw(id)
			f.publishReport(id, finalReport("0"), reports[0])
			f.publishReport(second, finalReport("1"), reports[1])
			r := f.sendWithKey(http.MethodGet, "/v3/order_transaction/"+transactionOf(f, id)+"/result/pdf", f.key, nil)
			require.Equal(t, http.StatusOK, r.status, string(r.body))
			pages, err := pdf.PageCount(bytes.NewReader(r.body), nil)
			require.NoError(t, err)
			require.Equal(t, 2, pages)
		})
	}
}

func finalReport(marker string) order.LabReport {
	return order.LabReport{
		Status: "final", Interpretation: order.InterpretationNormal, ReportedAt: testTime,
		Results: []order.Result{{Name: marker, Slug: marker, Text: "1", Type: "comment"}},
	}
}

func TestTransactionsOfOthers(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	id := f.createOrder(nil)
	require.Equal(t, lifecycle.Ordered, f.order(id).Status)
	other := f.newKey(f.newTeam(store.Sandbox, ""), store.RoleClient)
	for _, more := range []string{"", "/result", "/result/pdf"} {
		for key, transaction := range map[string]string{other: transactionOf(f, id), f.key: newID()} {
			r := f.sendWithKey(http.MethodGet, "/v3/order_transaction/"+transaction+more, key, nil)
			require.Equal(t, http.StatusNotFound, r.status, more)
			require.Equal(t, "Order transaction not found", r.detail(t))
		}
		r := f.sendWithKey(http.MethodGet, "/v3/order_transaction/x"+more, f.key, nil)
		requireProblem(t, r, []any{"path", "transaction_id"}, "uuid_parsing")
	}
}
