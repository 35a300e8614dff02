package molecular_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/labs"
	"github.com/aliquot-labs/aliquot/order"
)

// sentOrder places an order and returns the one element that was sent.
func sentOrder(t *testing.T, a labs.Account, r labs.Requisition) map[string]any {
	t.Helper()
	l := newLab(t, answer(http.StatusOK, acceptedAnswer))
	a.BaseURL = l.URL
	_, err := newClient(t, a, labs.Options{}).Place(t.Context(), r)
	require.NoError(t, err)
	require.Len(t, l.received(), 1)
	var elements []map[string]any
	require.NoError(t, json.Unmarshal([]byte(l.received()[0].Body), &elements))
	require.Len(t, elements, 1, "one order per call (molecular-api#d21)")
	return elements[0]
}

func TestRequisitionBody(t *testing.T) {
	t.Parallel()
	l := newLab(t, answer(http.StatusOK, acceptedAnswer))

	_, err := newFullClient(t, l).Place(t.Context(), requisition())

	require.NoError(t, err)
	require.JSONEq(t, `[{
		"shipping_info": {"first_name":"Ines","last_name":"Okafor","address_1":"77 Elm Ct","address_2":"Unit 4",
			"city":"Tacoma","state":"WA","postcode":"98402","country":"USA"},
		"order_number": "K7Q2M9XW4T1B8C5D", "ordered_date": "2026-03-02T09:00:00.123456Z",
		"gender": "female", "date_of_birth": "1988-11-30", "email": "ines@example.org", "phone": "253-555-0142",
		"shipping_method": 9, "panel_id": [101], "physician_id": 5502, "lob": "SC", "fulfillment": true, "kit_id": null,
		"patient_signature": null, "replacement": {"origin_order_number": null}, "patient_id": "", "custom_field": {}
	}]`, l.received()[0].Body)
}

func TestRequisitionIsTheSameInEveryAttempt(t *testing.T) {
	t.Parallel()
	l := newLab(t, answer(http.StatusOK, acceptedAnswer))
	later := func() time.Time { return now.Add(6 * time.Hour) }
	for _, clock := range []func() time.Time{clock, later} {
		_, err := newClient(t, account(l.URL, settings), labs.Options{Now: clock}).Place(t.Context(), requisition())
		require.NoError(t, err)
	}
	require.Equal(t, l.received()[0].Body, l.received()[1].Body)
}

func TestRequisitionFields(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change func(*labs.Requisition)
		field  string
		want   any
	}{
		"gender in capitals": {func(r *labs.Requisition) { r.Order.Patient.Gender = "Male" }, "gender", "male"},
		"gender unknown":     {func(r *labs.Requisition) { r.Order.Patient.Gender = "unknown" }, "gender", "unknown"},
		"gender other":       {func(r *labs.Requisition) { r.Order.Patient.Gender = "other" }, "gender", "unknown"},
		"phone without a country": {func(r *labs.Requisition) { r.Order.Patient.Phone = "(253) 555-0142" }, "phone",
			"253-555-0142"},
		"phone with country": {func(r *labs.Requisition) { r.Order.Patient.Phone = "1 253 555 0142" }, "phone",
			"253-555-0142"},
		"phone from elsewhere": {func(r *labs.Requisition) { r.Order.Patient.Phone = "+442079460958" }, "phone", ""},
		"short one elsewhere":  {func(r *labs.Requisition) { r.Order.Patient.Phone = "+4930123456" }, "phone", ""},
		"phone too long":       {func(r *labs.Requisition) { r.Order.Patient.Phone = "33612345678" }, "phone", ""},
		"email with blanks": {func(r *labs.Requisition) { r.Order.Patient.Email = " a@example.org " }, "email",
			"a@example.org"},
		"no email": {func(r *labs.Requisition) { r.Order.Patient.Email = "" }, "email", ""},
		"two panels": {func(r *labs.Requisition) { r.Order.LabTest.PanelIDs = []int{7, 8} }, "panel_id",
			[]any{7.0, 8.0}},
		"a replacement": {
			func(r *labs.Requisition) { r.OriginNumber = "0123456789ABCDEF" },
			"replacement", map[string]any{"origin_order_number": "0123456789ABCDEF"},
		},
		"a script": {
			func(r *labs.Requisition) { r.Script = "reject-final" },
			"custom_field", map[string]any{"custom_01": "sandbox:reject-final"},
		},
		"a script with its prefix": {
			func(r *labs.Requisition) { r.Script = "sandbox:reject-final" },
			"custom_field", map[string]any{"custom_01": "sandbox:reject-final"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := requisition()
			tt.change(&r)
			require.Equal(t, tt.want, sentOrder(t, account("", settings), r)[tt.field])
		})
	}
}

func TestRequisitionAddress(t *testing.T) {
	t.Parallel()
	for _, country := range []string{"US", "usa", "United States", " United States of America "} {
		r := requisition()
		r.Order.Address = &order.Address{FirstLine: " 1 Main St ", City: " Phoenix ", State: " az", Zip: "85004-1234 ",
			Country: country}
		require.Equal(t, map[string]any{
			"first_name": "Ines", "last_name": "Okafor", "address_1": "1 Main St", "address_2": "",
			"city": "Phoenix", "state": "AZ", "postcode": "85004-1234", "country": "USA",
		}, sentOrder(t, account("", settings), r)["shipping_info"], country)
	}
}

func TestRequisitionSettings(t *testing.T) {
	t.Parallel()
	body := sentOrder(t, account("", `{"default_physician":77,"practice_id":12,"shipping_method":10,"lob":"ID"}`),
		requisition())

	require.InDelta(t, 77, body["physician_id"], 0)
	require.InDelta(t, 12, body["practice_id"], 0)
	require.InDelta(t, 10, body["shipping_method"], 0)
	require.Equal(t, "ID", body["lob"])
}

func TestScriptNeverReachesARealLab(t *testing.T) {
	t.Parallel()
	a := account("", settings)
	a.Environment = labs.Production
	r := requisition()
	r.Script = "happy"

	require.Equal(t, map[string]any{}, sentOrder(t, a, r)["custom_field"])
}

func TestRequisitionIsRefusedBeforeTheCall(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change func(*labs.Requisition)
		code   string
		fields []string
	}{
		"no number": {func(r *labs.Requisition) { r.OrderNumber = "" }, labs.CodeInvalidRequisition,
			[]string{"order_number"}},
		"long number": {func(r *labs.Requisition) { r.OrderNumber = "123456789012345678901" },
			labs.CodeInvalidRequisition, []string{"order_number"}},
		"number with a blank": {func(r *labs.Requisition) { r.OrderNumber = "1 2" }, labs.CodeInvalidRequisition,
			[]string{"order_number"}},
		"long origin": {
			func(r *labs.Requisition) { r.OriginNumber = "123456789012345678901" },
			labs.CodeInvalidRequisition, []string{"replacement.origin_order_number"},
		},
		"no first name": {func(r *labs.Requisition) { r.Order.Patient.FirstName = " " }, labs.CodeInvalidRequisition,
			[]string{"shipping_info.first_name"}},
		"no last name": {func(r *labs.Requisition) { r.Order.Patient.LastName = "" }, labs.CodeInvalidRequisition,
			[]string{"shipping_info.last_name"}},
		"no street": {func(r *labs.Requisition) { r.Order.Address.FirstLine = "" }, labs.CodeInvalidRequisition,
			[]string{"shipping_info.address_1"}},
		"no city": {func(r *labs.Requisition) { r.Order.Address.City = "" }, labs.CodeInvalidRequisition,
			[]string{"shipping_info.city"}},
		"state in words": {func(r *labs.Requisition) { r.Order.Address.State = "Washington" }, labs.CodeInvalidRequisition,
			[]string{"shipping_info.state"}},
		"short ZIP": {func(r *labs.Requisition) { r.Order.Address.Zip = "9840" }, labs.CodeInvalidRequisition,
			[]string{"shipping_info.postcode"}},
		"half ZIP+4": {func(r *labs.Requisition) { r.Order.Address.Zip = "98402-12" }, labs.CodeInvalidRequisition,
			[]string{"shipping_info.postcode"}},
		"abroad": {func(r *labs.Requisition) { r.Order.Address.Country = "CA" }, labs.CodeInvalidRequisition,
			[]string{"shipping_info.country"}},
		"no gender": {func(r *labs.Requisition) { r.Order.Patient.Gender = "" }, labs.CodeInvalidRequisition,
			[]string{"gender"}},
		"odd gender": {func(r *labs.Requisition) { r.Order.Patient.Gender = "f" }, labs.CodeInvalidRequisition,
			[]string{"gender"}},
		"no birth date": {func(r *labs.Requisition) { r.Order.Patient.DOB = order.Date{} }, labs.CodeInvalidRequisition,
			[]string{"date_of_birth"}},
		"31 February": {func(r *labs.Requisition) { r.Order.Patient.DOB = order.Date{Year: 2000, Month: 2, Day: 31} },
			labs.CodeInvalidRequisition, []string{"date_of_birth"}},
		"not born yet": {func(r *labs.Requisition) { r.Order.Patient.DOB = order.Date{Year: 2026, Month: 3, Day: 4} },
			labs.CodeInvalidRequisition, []string{"date_of_birth"}},
		"born long ago": {func(r *labs.Requisition) { r.Order.Patient.DOB = order.Date{Year: 1899, Month: 1, Day: 1} },
			labs.CodeInvalidRequisition, []string{"date_of_birth"}},
		"nowhere to call": {
			func(r *labs.Requisition) { r.Order.Patient.Email, r.Order.Patient.Phone = "", "+442079460958" },
			labs.CodeInvalidRequisition, []string{"email or phone"},
		},
		"no panel": {func(r *labs.Requisition) { r.Order.LabTest.PanelIDs = nil }, labs.CodeInvalidRequisition,
			[]string{"panel_id"}},
		"panel number 0": {func(r *labs.Requisition) { r.Order.LabTest.PanelIDs = []int{101, 0} },
			labs.CodeInvalidRequisition, []string{"panel_id"}},
		"several at once": {
			func(r *labs.Requisition) { r.Order.Patient.Gender, r.Order.Address.City = "", "" },
			labs.CodeInvalidRequisition, []string{"shipping_info.city", "gender"},
		},
		"no physician":    {func(r *labs.Requisition) { r.Order.Address.State = "NY" }, labs.CodeNoPhysician, nil},
		"unknown patient": {func(r *labs.Requisition) { r.Order.Patient = nil }, labs.CodeRegistrationNeeded, nil},
		"unknown address": {func(r *labs.Requisition) { r.Order.Address = nil }, labs.CodeRegistrationNeeded, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, answer(http.StatusOK, acceptedAnswer))
			r := requisition()
			tt.change(&r)

			_, err := newFullClient(t, l).Place(t.Context(), r)

			require.Equal(t, &labs.RefusedError{Code: tt.code, Fields: tt.fields}, err)
			require.Empty(t, l.received())
			require.NotContains(t, err.Error(), "Okafor")
		})
	}
}

// The day of birth may have begun in the patient's time zone, and not yet in UTC.
func TestBirthDateToday(t *testing.T) {
	t.Parallel()
	r := requisition()
	r.Order.Patient.DOB = order.Date{Year: 2026, Month: time.March, Day: 3}
	require.Equal(t, "2026-03-03", sentOrder(t, account("", settings), r)["date_of_birth"])
}
