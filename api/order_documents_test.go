package api_test

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
	"time"

	pdf "github.com/pdfcpu/pdfcpu/pkg/api"
	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/internal/documents"
	"github.com/aliquot-labs/aliquot/order"
)

const collected = "?collection_date=2026-03-04T08:30:00-07:00"

func requirePDF(t *testing.T, want []byte, r reply) {
	t.Helper()
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	require.Equal(t, "application/pdf", r.header.Get("Content-Type"))
	require.Equal(t, "no-store", r.header.Get("Cache-Control"))
	require.Equal(t, want, r.body)
}

func TestRequisitionAndLabels(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	id := f.createOrder(map[string]any{"clinical_notes": `) Tj (notes \`, "icd_codes": []any{"E11.9"}})
	base := "/v3/order/" + id
	for path, what := range map[string]string{"/requisition/pdf": "Requisition", "/labels/pdf" + collected: "Labels"} {
		r := f.sendWithKey(http.MethodGet, base+path, f.key, nil)
		require.Equal(t, http.StatusNotFound, r.status, "the lab has not been asked yet")
		require.Equal(t, what+" not found", r.detail(t))
	}
	f.record(id, order.CauseCall(newID()),
		func(s order.State) order.Decision { return s.ApplyPlacementAccepted("KIT-42", testTime) })
	o := *f.order(id)
	require.Equal(t, "E11.9", o.ICDCodes[0])

	want, err := documents.Requisition(o, f.parties(&o))
	require.NoError(t, err)
	requirePDF(t, want, f.sendWithKey(http.MethodGet, base+"/requisition/pdf", f.key, nil))

	at, err := time.Parse(time.RFC3339, "2026-03-04T08:30:00-07:00")
	require.NoError(t, err)
	for query, copies := range map[string]int{"": 3, "&number_of_labels=1": 1, "&number_of_labels=50": 50} {
		want, err := documents.Labels(o, copies, documents.Collection{At: at})
		require.NoError(t, err)
		r := f.sendWithKey(http.MethodGet, base+"/labels/pdf"+collected+query, f.key, nil)
		requirePDF(t, want, r)
		pages, err := pdf.PageCount(bytes.NewReader(r.body), nil)
		require.NoError(t, err)
		require.Equal(t, copies, pages)
	}
	require.Equal(t, []string{
		"order.create", "order.read_requisition", "order.read_labels", "order.read_labels", "order.read_labels",
	}, f.actions(id), "what was refused was not read")
}

// parties returns who orders an order, as its requisition names them.
func (f *fixture) parties(o *order.Order) documents.Parties {
	f.t.Helper()
	team, err := f.store.Team(f.t.Context(), o.TeamID)
	require.NoError(f.t, err)
	account, err := f.store.LabAccount(f.t.Context(), o.LabAccountID)
	require.NoError(f.t, err)
	p := documents.Parties{OrderedBy: team.Name, Account: account.Profile.ProviderAccountID}
	if account.Profile.Name != nil {
		p.AccountName = *account.Profile.Name
	}
	if p.Account == "" && p.AccountName == "" {
		p.Account = account.ID
	}
	return p
}

// collection_date is a time in any zone, or a date.
func TestLabelsOfADate(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	id := f.createOrder(nil)
	f.record(id, order.CauseCall(newID()),
		func(s order.State) order.Decision { return s.ApplyPlacementAccepted("KIT-42", testTime) })
	day := time.Date(2026, 3, 4, 0, 0, 0, 0, time.UTC)
	for written, want := range map[string]documents.Collection{
		"2026-03-04":                      {At: day, DateOnly: true},
		"2026-03-04T00:00:00Z":            {At: day},
		"2026-03-04T15:30:00.000Z":        {At: day.Add(15*time.Hour + 30*time.Minute)},
		"2026-03-04T15:30:00%2B05:30":     {At: time.Date(2026, 3, 4, 15, 30, 0, 0, time.FixedZone("", 19800))},
		"2026-03-04T15:30:00+05:30":       {At: time.Date(2026, 3, 4, 15, 30, 0, 0, time.FixedZone("", 19800))},
		"2026-03-04T08:30:00-07:00":       {At: time.Date(2026, 3, 4, 8, 30, 0, 0, time.FixedZone("", -25200))},
		"2026-03-04T08:30:00.123456-0700": {},
		"2026-02-30":                      {},
		"03/04/2026":                      {},
	} {
		r := f.sendWithKey(http.MethodGet, "/v3/order/"+id+"/labels/pdf?number_of_labels=1&collection_date="+written, f.key,
			nil)
		if want.At.IsZero() {
			requireProblem(t, r, []any{"query", "collection_date"}, "datetime_parsing")
			continue
		}
		label, err := documents.Labels(*f.order(id), 1, want)
		require.NoError(t, err)
		requirePDF(t, label, r)
	}
	for _, outside := range []string{"9999-12-31T23:59:59-05:00", "0001-01-01T00:00:00%2B05:00", "0000-12-31"} {
		r := f.sendWithKey(http.MethodGet, "/v3/order/"+id+"/labels/pdf?number_of_labels=1&collection_date="+outside, f.key,
			nil)
		requireProblem(t, r, []any{"query", "collection_date"}, "value_error")
	}
}

func TestLabelsRefused(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	path := "/v3/order/" + f.createOrder(nil) + "/labels/pdf"
	for query, want := range map[string]struct {
		field, kind string
	}{
		"":                                 {"collection_date", "missing"},
		"?collection_date=soon":            {"collection_date", "datetime_parsing"},
		collected + "&number_of_labels=0":  {"number_of_labels", "greater_than_equal"},
		collected + "&number_of_labels=51": {"number_of_labels", "less_than_equal"},
		collected + "&number_of_labels=x":  {"number_of_labels", "int_parsing"},
	} {
		r := f.sendWithKey(http.MethodGet, path+query, f.key, nil)
		require.Equal(t, http.StatusUnprocessableEntity, r.status, query)
		requireProblem(t, r, []any{"query", want.field}, want.kind)
	}
}

func TestMostLabelsIsWhatTheAPIAllows(t *testing.T) {
	t.Parallel()
	require.Equal(t, 50, documents.MaxLabels)
}

// The requisition of an imported order was created elsewhere, so it has none here. It has labels.
func TestAnImportedOrderHasNoRequisition(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	r := f.sendWithKey(http.MethodPost, "/v3/order/import", f.key, f.importBody(nil))
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	id := r.json(t)["order"].(map[string]any)["id"].(string)
	r = f.sendWithKey(http.MethodGet, "/v3/order/"+id+"/requisition/pdf", f.key, nil)
	require.Equal(t, http.StatusNotFound, r.status)
	require.Equal(t, "Requisition not found", r.detail(t))
	require.Equal(t, http.StatusOK, f.sendWithKey(http.MethodGet, "/v3/order/"+id+"/labels/pdf"+collected, f.key,
		nil).status)
}

func TestResultsWithoutALabsPDFAreDrawn(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	id := f.createOrder(nil)
	v := f.completeOrder(id, nil)
	want, err := documents.Report(*f.order(id), v)
	require.NoError(t, err)
	requirePDF(t, want, f.sendWithKey(http.MethodGet, "/v3/order/"+id+"/result/pdf", f.key, nil))
	requirePDF(t, want, f.sendWithKey(http.MethodGet, "/v3/order_transaction/"+transactionOf(f, id)+"/result/pdf", f.key,
		nil))
	require.Equal(t, []string{"order.create", "result.read_pdf"}, f.actions(id))
}

// A lab's PDF and a rendered one are merged like two PDFs of the lab.
func TestTransactionPDFOfTheLabsAndOurs(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	id := f.createOrder(nil)
	f.publishReport(id, finalReport("a"), page("one"))
	f.publishReport(f.insertRedraw(id), finalReport("b"), nil)
	r := f.sendWithKey(http.MethodGet, "/v3/order_transaction/"+transactionOf(f, id)+"/result/pdf", f.key, nil)
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	pages, err := pdf.PageCount(bytes.NewReader(r.body), nil)
	require.NoError(t, err)
	require.Equal(t, 2, pages)
	require.NoError(t, pdf.Validate(bytes.NewReader(r.body), nil))
}

func TestCollectionInstructions(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	paths := func() []string {
		return []string{
			"/v3/order/" + f.createOrder(nil) + "/collection_instruction_pdf",
			"/v3/lab_test/" + f.labTest + "/collection_instruction_pdf",
		}
	}
	for _, path := range paths() {
		r := f.sendWithKey(http.MethodGet, path, f.key, nil)
		require.Equal(t, http.StatusNotFound, r.status)
		require.Equal(t, "Collection instructions not found", r.detail(t))
	}
	f.labTest = f.newLabTest(order.LabTest{HasInstructions: true, Fasting: true})
	test, err := f.store.LabTest(t.Context(), "", f.labTest)
	require.NoError(t, err)
	want, err := documents.Instructions(test, testTime)
	require.NoError(t, err)
	for _, path := range paths() {
		requirePDF(t, want, f.sendWithKey(http.MethodGet, path, f.key, nil))
	}
	r := f.sendWithKey(http.MethodGet, "/v3/lab_test/"+newID()+"/collection_instruction_pdf", f.key, nil)
	require.Equal(t, http.StatusNotFound, r.status)
}

// An order whose has_abn is false has no notice.
func TestNoOrderHasAnAdvanceBeneficiaryNotice(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	id := f.createOrder(nil)
	require.Equal(t, false, f.sendWithKey(http.MethodGet, "/v3/order/"+id, f.key, nil).json(t)["has_abn"])
	r := f.sendWithKey(http.MethodGet, "/v3/order/"+id+"/abn_pdf", f.key, nil)
	require.Equal(t, http.StatusNotFound, r.status)
	require.Equal(t, "Advance beneficiary notice not found", r.detail(t))
}

// The signed URL of an order's requisition needs no API key.
func TestTheRequisitionAtItsAddress(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	id := f.createOrder(nil)
	require.Nil(t, f.sendWithKey(http.MethodGet, "/v3/order/"+id, f.key, nil).json(t)["requisition_form_url"],
		"there is none yet")
	f.record(id, order.CauseCall(newID()),
		func(s order.State) order.Decision { return s.ApplyPlacementAccepted("KIT-42", testTime) })
	url := f.sendWithKey(http.MethodGet, "/v3/order/"+id, f.key, nil).json(t)["requisition_form_url"].(string)
	at, ok := strings.CutPrefix(url, "https://lab.example")
	require.True(t, ok, url)
	want, err := documents.Requisition(*f.order(id), f.parties(f.order(id)))
	require.NoError(t, err)
	requirePDF(t, want, f.send(http.MethodGet, at, nil))
	for _, wrong := range []string{at + "A", "/requisitions/" + id, "/requisitions/x.y"} {
		r := f.send(http.MethodGet, wrong, nil)
		require.Equal(t, http.StatusNotFound, r.status, wrong)
		require.Equal(t, "Requisition not found", r.detail(t))
	}
	log, err := f.store.OrderAudit(t.Context(), id)
	require.NoError(t, err)
	last := log[len(log)-1]
	require.Equal(t, []string{"order.read_requisition", "by=signed_address", "127.0.0.1"},
		[]string{last.Action, last.Detail, last.Address})
	require.NotContains(t, f.logs.String(), strings.TrimPrefix(at, "/requisitions/"))

	imported := f.sendWithKey(http.MethodPost, "/v3/order/import", f.key,
		f.importBody(nil)).json(t)["order"].(map[string]any)
	require.Nil(t, imported["requisition_form_url"], "made elsewhere")
}
