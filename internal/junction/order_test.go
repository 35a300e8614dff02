package junction_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/internal/junction"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
)

var orderCreatedAt = time.Date(2026, 1, 5, 10, 0, 0, 123456000, time.UTC)

func ptr(s string) *string { return &s }

// testkitOrder returns a testkit order whose kit is in transit to the patient.
func testkitOrder() order.Order {
	event := func(n int64, low lifecycle.LowStatus) order.Event {
		at := orderCreatedAt.Add(time.Duration(n) * time.Minute)
		return order.Event{Sequence: n, Status: lifecycle.MustFullStatus(lifecycle.Testkit, low),
			OccurredAt: at.Add(-time.Hour), RecordedAt: at}
	}
	return order.Order{
		ID: "7ad5d183-2a0d-4004-89ff-938c11d31e7a", TeamID: "7e504b87-ff19-400c-933b-e43c5fdfdefa",
		UserID: "a440c482-1f7d-4d6b-933f-34fde1ec12e7", Origin: order.OriginInitial, Modality: lifecycle.Testkit,
		SampleID: "123456789", ModalityPartID: "a655f0e4-6405-4a1d-80b7-66f06c2108a7", Notes: ptr("This is a note"),
		Status: lifecycle.TransitCustomer, Sequence: 3, CreatedAt: orderCreatedAt, UpdatedAt: orderCreatedAt.Add(time.Hour),
		ActivateBy: &order.Date{Year: 2026, Month: time.January, Day: 5},
		Patient: &order.Patient{
			FirstName: "John", LastName: "Doe", DOB: order.Date{Year: 2020, Month: time.January, Day: 1}, Gender: "male",
			Phone: "+11234567890", Email: "john@example.com",
		},
		Address: &order.Address{
			ReceiverName: "John Doe", FirstLine: "123 Main St.", SecondLine: ptr("Apt. 208"), City: "San Francisco",
			State: "CA", Zip: "91189", Country: "United States", Phone: ptr("+11234567890"),
		},
		LabTest: order.LabTest{
			ID: "5af405fc-fafb-49e8-b0bf-fe9d91df6a7d", Slug: "lipids", Name: "Lipids Panel", Description: "Cholesterol test",
			SampleType: "dried_blood_spot", Method: lifecycle.Testkit, Status: "active", Lab: &order.Lab{Slug: "mtl"},
			Markers: []order.Marker{{ID: 1, Slug: "hdl"}},
		},
		Shipment: &order.Shipment{
			ID:       "d55210cc-3d9f-4115-8262-5013f700c7be",
			Outbound: order.ShipmentLeg{Number: "9420900204173500182641", Courier: "usps", URL: "https://tools.usps.com/x"},
			Inbound:  order.ShipmentLeg{Number: "772081149359", Courier: "fedex", URL: "https://www.fedex.com/x"},
			Notes:    ptr("fragile"),
		},
		Events: []order.Event{event(1, lifecycle.Ordered), event(2, lifecycle.RequisitionCreated),
			event(3, lifecycle.TransitCustomer)},
		Transaction: order.Transaction{
			ID: "6424dd45-ee1a-49c6-ad0c-5769b8e03fc1", Status: order.TransactionActive,
			Orders: []order.TransactionOrder{{
				ID: "7ad5d183-2a0d-4004-89ff-938c11d31e7a", Status: lifecycle.TransitCustomer, StatusAt: orderCreatedAt,
				Origin: order.OriginInitial, CreatedAt: orderCreatedAt, UpdatedAt: orderCreatedAt,
			}},
		},
	}
}

func renderToMap(t *testing.T, o order.Order) map[string]any {
	t.Helper()
	b, err := junction.RenderOrder(o)
	require.NoError(t, err)
	return decode(t, b)
}

func decode(t *testing.T, b []byte) map[string]any {
	t.Helper()
	var m map[string]any
	require.NoError(t, json.Unmarshal(b, &m))
	return m
}

func readFixture(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(t, err)
	return b
}

// collectKeyTypes adds every key path of a document with the type of its value. Of a list it reads the first item only.
func collectKeyTypes(path string, v any, into map[string]string) {
	switch v := v.(type) {
	case map[string]any:
		into[path] = "object"
		for k, item := range v {
			collectKeyTypes(path+"."+k, item, into)
		}
	case []any:
		into[path] = "array"
		if len(v) > 0 {
			collectKeyTypes(path+"[]", v[0], into)
		}
	case string:
		into[path] = "string"
	case float64:
		into[path] = "number"
	case bool:
		into[path] = "bool"
	default:
		into[path] = "null"
	}
}

func keyTypes(v any) map[string]string {
	m := map[string]string{}
	collectKeyTypes("", v, m)
	return m
}

// ownKeys are the keys that Aliquot adds (client-api#clientfacingorder). Clients ignore keys that they do not know.
var ownKeys = []string{"sequence"}

func TestContractSampleRoundTrips(t *testing.T) {
	t.Parallel()
	sample := readFixture(t, "contract/order.json")
	var o junction.ClientFacingOrder
	require.NoError(t, json.Unmarshal(sample, &o))
	encoded, err := json.Marshal(o)
	require.NoError(t, err)

	want, got := decode(t, sample), decode(t, encoded)
	for _, k := range ownKeys {
		require.Contains(t, got, k)
		delete(got, k)
	}
	require.Equal(t, keyTypes(want), keyTypes(got))
	require.Equal(t, "123456789", *o.SampleID)
	require.Equal(t, "+16025550123", *o.PatientDetails.PhoneNumber)
}

// seed004Differences lists the keys by which the documented webhook message in testdata/seed_004_order_updated.json
// differs from client-api#clientfacingorder, each with the reason.
var seed004Differences = map[string]string{
	".health_insurace_id":               "misspelt in the sample; client-api#clientfacingorder has health_insurance_id",
	".lab_test.description":             "not in client-api#clientfacinglabtest",
	".details.data.shipment.created_at": "not in client-api#clientfacingshipment",
	".details.data.shipment.updated_at": "not in client-api#clientfacingshipment",
	".requisition_form_url":             "deprecated: always null, clients fetch the PDF",
}

func TestSeedWebhookRoundTrips(t *testing.T) {
	t.Parallel()
	seed, ok := decode(t, readFixture(t, "seed_004_order_updated.json"))["data"].(map[string]any)
	require.True(t, ok)
	rendered := renderToMap(t, testkitOrder())
	want, got := keyTypes(seed), keyTypes(rendered)
	for key, kind := range want {
		if why, differs := seed004Differences[key]; differs {
			require.NotEqual(t, kind, got[key], "%s is the same now, but is listed as different: %s", key, why)
			continue
		}
		require.Equal(t, kind, got[key], key)
	}
	require.Equal(t, "collecting_sample", rendered["status"])
	require.Equal(t, seed["events"].([]any)[2].(map[string]any)["status"],
		rendered["last_event"].(map[string]any)["status"])
	require.Contains(t, rendered, "health_insurance_id")
	require.Equal(t, "2020-01-01T00:00:00Z", rendered["patient_details"].(map[string]any)["dob"],
		"a time now; the seed has a date")
}

func TestSeedOnSiteBodyRoundTrips(t *testing.T) {
	t.Parallel()
	seed := readFixture(t, "seed_000_on_site.json")
	var o junction.ClientFacingOrder
	require.NoError(t, json.Unmarshal(seed, &o))
	require.IsType(t, &junction.ClientFacingOnSiteCollectionOrder{}, o.Details.Data)
	require.EqualValues(t, "sample_with_lab.on_site_collection.draw_completed", o.Events[2].Status)
	encoded, err := json.Marshal(o)
	require.NoError(t, err)

	want, got := decode(t, seed), decode(t, encoded)
	// client-api#clientfacingpatientdetailscompatible has a time instead of a date.
	want["patient_details"].(map[string]any)["dob"] = "2020-01-01T00:00:00Z"
	requireSubset(t, "", want, got)
}

// requireSubset requires that got has every value of want at the same path.
func requireSubset(t *testing.T, path string, want, got any) {
	t.Helper()
	switch want := want.(type) {
	case map[string]any:
		object, ok := got.(map[string]any)
		require.True(t, ok, path)
		for k, v := range want {
			require.Contains(t, object, k, path)
			requireSubset(t, path+"."+k, v, object[k])
		}
	case []any:
		list, ok := got.([]any)
		require.True(t, ok, path)
		require.Len(t, list, len(want), path)
		for i := range want {
			requireSubset(t, path, want[i], list[i])
		}
	default:
		require.Equal(t, want, got, path)
	}
}

func TestRenderOrder(t *testing.T) {
	t.Parallel()
	m := renderToMap(t, testkitOrder())

	require.EqualValues(t, 3, m["sequence"])
	event := m["events"].([]any)[2].(map[string]any)
	require.Equal(t, m["last_event"], m["events"].([]any)[2])
	require.EqualValues(t, 3, event["id"])
	require.Equal(t, orderCreatedAt.Add(3*time.Minute).Format(time.RFC3339Nano), event["created_at"],
		"by our clock, not the partner's")
	require.Equal(t, "2026-01-05", m["activate_by"])
	require.Equal(t, "client_bill", m["billing_type"])
	require.Equal(t, false, m["has_abn"])
	lab := m["lab_test"].(map[string]any)
	for _, key := range []string{"lab", "markers"} {
		require.Contains(t, lab, key)
		require.Nil(t, lab[key], "null inside an order")
	}
}

func TestRenderOrderOfANewOrder(t *testing.T) {
	t.Parallel()
	o := testkitOrder()
	o.Patient, o.Address, o.Shipment, o.SampleID, o.Notes, o.ActivateBy = nil, nil, nil, "", nil, nil
	o.Events = o.Events[:1]
	m := renderToMap(t, o)
	for _, key := range []string{
		"patient_details", "patient_address", "sample_id", "notes", "clinical_notes", "physician", "health_insurance_id",
		"requisition_form_url", "shipping_details", "activate_by", "passthrough", "icd_codes", "interpretation",
		"has_missing_results", "expected_result_by_date", "worst_case_result_by_date",
	} {
		require.Contains(t, m, key)
		require.Nil(t, m[key], key)
	}
	data := m["details"].(map[string]any)["data"].(map[string]any)
	require.Contains(t, data, "shipment")
	require.Nil(t, data["shipment"])
	require.Equal(t, "received", m["status"])
}

func TestRenderOrderIncludesDetailsAndResults(t *testing.T) {
	t.Parallel()
	o := testkitOrder()
	o.Events = append(o.Events, order.Event{
		Sequence: 4, Status: lifecycle.MustFullStatus(lifecycle.Testkit, lifecycle.SampleError),
		Detail: lifecycle.SampleHemolyzed, RecordedAt: orderCreatedAt,
	})
	o.Results = &order.ResultSummary{Version: 1, Interpretation: order.InterpretationCritical, HasMissing: true}
	o.Transaction.Orders[0].ParentID = "11111111-2a0d-4004-89ff-938c11d31e7a"
	m := renderToMap(t, o)
	require.Equal(t, "sample_hemolyzed", m["last_event"].(map[string]any)["status_detail"])
	require.Equal(t, "failed", m["status"])
	require.Equal(t, "critical", m["interpretation"])
	require.Equal(t, true, m["has_missing_results"])
	inTransaction := m["order_transaction"].(map[string]any)["orders"].([]any)[0].(map[string]any)
	require.Equal(t, o.Transaction.Orders[0].ParentID, inTransaction["parent_id"])
}

func TestRenderOrderWithoutEvents(t *testing.T) {
	t.Parallel()
	o := testkitOrder()
	o.Events = nil
	_, err := junction.RenderOrder(o)
	require.ErrorContains(t, err, "no events")
}

func TestRenderOrderOfEveryModality(t *testing.T) {
	t.Parallel()
	keys := map[lifecycle.Modality][]string{
		lifecycle.Testkit:          {"id", "shipment", "created_at", "updated_at"},
		lifecycle.WalkIn:           {"id", "appointment_id", "created_at", "updated_at"},
		lifecycle.AtHomePhlebotomy: {"id", "appointment_id", "created_at", "updated_at"},
		lifecycle.OnSite:           {"id", "created_at", "updated_at"},
	}
	for _, modality := range lifecycle.Modalities() {
		t.Run(string(modality), func(t *testing.T) {
			t.Parallel()
			o := testkitOrder()
			o.Modality = modality
			o.Patient.MedicalProxy = json.RawMessage(`{"first_name":"Mary"}`)
			o.Events = []order.Event{{Sequence: 1, Status: lifecycle.MustFullStatus(modality, lifecycle.Ordered),
				RecordedAt: orderCreatedAt}}
			b, err := junction.RenderOrder(o)
			require.NoError(t, err)
			details := decode(t, b)["details"].(map[string]any)
			require.EqualValues(t, modality, details["type"])
			data := details["data"].(map[string]any)
			require.Len(t, data, len(keys[modality]))
			for _, k := range keys[modality] {
				require.Contains(t, data, k)
			}
			var back junction.ClientFacingOrder
			require.NoError(t, json.Unmarshal(b, &back))
			require.Equal(t, junction.FromOrder(o), back)
		})
	}
}

func TestResultDatesFollowTheDraw(t *testing.T) {
	t.Parallel()
	o := testkitOrder()
	three, five := 3, 5
	o.LabTest.CommonTATDays, o.LabTest.WorstCaseTATDays = &three, &five
	require.Nil(t, renderToMap(t, o)["expected_result_by_date"])

	o.Modality = lifecycle.AtHomePhlebotomy
	o.Events = []order.Event{{
		Sequence: 1, Status: lifecycle.MustFullStatus(o.Modality, lifecycle.DrawCompleted),
		OccurredAt: time.Date(2026, 1, 30, 23, 0, 0, 0, time.UTC), RecordedAt: orderCreatedAt,
	}}
	m := renderToMap(t, o)
	require.Equal(t, "2026-02-02", m["expected_result_by_date"])
	require.Equal(t, "2026-02-04", m["worst_case_result_by_date"])

	// A kit that is on its way back has been used, also where its lab reports no collection time.
	for _, low := range []lifecycle.LowStatus{lifecycle.TransitLab, lifecycle.ProblemInTransitLab,
		lifecycle.DeliveredToLab} {
		kit := testkitOrder()
		kit.LabTest.CommonTATDays, kit.LabTest.WorstCaseTATDays = &three, &five
		for i, l := range []lifecycle.LowStatus{lifecycle.WithCustomer, low, lifecycle.Completed} {
			kit.Events = append(kit.Events, order.Event{Sequence: int64(10 + i), RecordedAt: orderCreatedAt,
				Status:     lifecycle.MustFullStatus(kit.Modality, l),
				OccurredAt: time.Date(2026, 1, 10+i, 1, 0, 0, 0, time.UTC)})
		}
		m = renderToMap(t, kit)
		require.Equal(t, "2026-01-14", m["expected_result_by_date"], low)
		require.Equal(t, "2026-01-16", m["worst_case_result_by_date"], low)
	}

	// A collection time that a partner reported takes precedence over the time of the event, for a kit too.
	for _, modality := range []lifecycle.Modality{lifecycle.AtHomePhlebotomy, lifecycle.Testkit} {
		o.Modality, o.State.CollectedAt = modality, time.Date(2026, 1, 10, 12, 0, 0, 0, time.UTC)
		m = renderToMap(t, o)
		require.Equal(t, "2026-01-13", m["expected_result_by_date"])
		require.Equal(t, "2026-01-15", m["worst_case_result_by_date"])
	}
}

func TestDetailsOfUnknownType(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`{"type":"by_pigeon","data":{}}`, `{"type":1}`, `{"type":"testkit","data":[]}`} {
		var d junction.Details
		require.Error(t, json.Unmarshal([]byte(body), &d), body)
	}
	var d junction.Details
	require.NoError(t, json.NewDecoder(strings.NewReader(`{"type":"testkit","data":null}`)).Decode(&d))
	require.Nil(t, d.Data)
}
