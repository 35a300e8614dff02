package api_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"image"
	"image/png"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

// account sets the profile of the fixture's lab account.
func (f *fixture) profile(p store.AccountProfile) {
	f.t.Helper()
	a, err := f.store.LabAccount(f.t.Context(), f.account)
	require.NoError(f.t, err)
	a.Profile = p
	require.NoError(f.t, f.store.PutLabAccount(f.t.Context(), a))
}

func physician() map[string]any {
	return map[string]any{"first_name": "Jane", "last_name": "Smith", "npi": "1234567890", "licensed_states": []any{"AZ"}}
}

func picture(t *testing.T) string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, png.Encode(&b, image.NewRGBA(image.Rect(0, 0, 8, 4))))
	return base64.StdEncoding.EncodeToString(b.Bytes())
}

// The requirements of each billing type, and refusals.
func TestBilling(t *testing.T) {
	t.Parallel()
	everything := map[string][]string{"client_bill": {"AZ", "CA"}, "commercial_insurance": {"AZ"}, "patient_bill": {"AZ"},
		"patient_bill_passthrough": {"CA"}}
	commercial := map[string]any{"billing_type": "commercial_insurance", "icd_codes": []any{"nonsense", "e785"}}
	for _, c := range []struct {
		name    string
		allowed map[string][]string
		insured bool
		set     map[string]any
		refused string // a part of the detail; empty: it is taken
	}{
		{name: "client bill is the default", set: map[string]any{"billing_type": nil}},
		{name: "and everywhere", set: map[string]any{"patient_address.state": "PR"}},
		{name: "nothing else is allowed by default", set: map[string]any{"billing_type": "patient_bill"},
			refused: "Billing type patient_bill is not available for this lab account"},
		{name: "an account that says which", allowed: map[string][]string{"patient_bill": {"AZ"}},
			refused: "Billing type client_bill is not"},
		{name: "patient bill", allowed: everything, set: map[string]any{"billing_type": "patient_bill"}},
		{name: "in another state", allowed: everything, set: map[string]any{"billing_type": "patient_bill",
			"patient_address.state": "CA"}, refused: "in CA"},
		{name: "the state in lower case", allowed: everything, set: map[string]any{"billing_type": "patient_bill_passthrough",
			"patient_address.state": "ca"}},
		{name: "all fifty states mean everywhere", allowed: map[string][]string{"client_bill": store.USStates()},
			set: map[string]any{"patient_address.state": "GU"}},
		{name: "with the federal district", allowed: map[string][]string{"client_bill": store.USStates()},
			set: map[string]any{"patient_address.state": "Washington, D.C."}},
		{name: "all but one do not", allowed: map[string][]string{"client_bill": store.USStates()[1:]},
			set: map[string]any{"patient_address.state": "GU"}, refused: "in GU"},
		{name: "insurance", allowed: everything, insured: true, set: commercial},
		{name: "insurance without diagnoses", allowed: everything, insured: true,
			set: map[string]any{"billing_type": "commercial_insurance"}, refused: "At least one valid ICD-10-CM code"},
		{name: "without one that is valid", allowed: everything, insured: true,
			set:     map[string]any{"billing_type": "commercial_insurance", "icd_codes": []any{"E11", "flu"}},
			refused: "At least one valid"},
		{name: "of a user without insurance", allowed: everything, set: commercial, refused: "no user info"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.profile(store.AccountProfile{AllowedBilling: c.allowed})
			if c.insured {
				f.addInsurance(nil)
			}
			r := f.sendWithKey(http.MethodPost, "/v3/order", f.key, f.orderBody(c.set))
			if c.refused != "" {
				require.Equal(t, http.StatusBadRequest, r.status, string(r.body))
				require.Contains(t, r.detail(t), c.refused)
				require.Zero(t, f.countOrders())
				return
			}
			require.Equal(t, http.StatusOK, r.status, string(r.body))
		})
	}
}

func TestOrdersBilledToInsurance(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.profile(store.AccountProfile{AllowedBilling: map[string][]string{"commercial_insurance": {"AZ"}}})
	require.Equal(t, http.StatusOK, f.sendWithKey(http.MethodPatch, "/v2/user/"+f.user+"/info", f.key,
		userInfo(nil)).status)
	set := map[string]any{"billing_type": "commercial_insurance", "icd_codes": []any{"E78.5"}}
	r := f.sendWithKey(http.MethodPost, "/v3/order", f.key, f.orderBody(set))
	require.Equal(t, http.StatusBadRequest, r.status)
	require.Contains(t, r.detail(t), "no primary insurance")
	f.addInsurance(map[string]any{"is_primary": false})
	require.Equal(t, http.StatusBadRequest, f.sendWithKey(http.MethodPost, "/v3/order", f.key, f.orderBody(set)).status,
		"it is not the primary one")
	f.addInsurance(map[string]any{"relationship": "Spouse", "guarantor": guarantor()})

	r = f.sendWithKey(http.MethodPost, "/v3/order", f.key, f.orderBody(set))
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	shown := r.json(t)["order"].(map[string]any)
	o := f.order(shown["id"].(string))
	require.Equal(t, "commercial_insurance", shown["billing_type"])
	require.Equal(t, o.InsuranceID, shown["health_insurance_id"])
	require.Equal(t, []any{"E78.5"}, shown["icd_codes"])
	require.Equal(t, false, shown["has_abn"])
	require.Equal(t, "Aetna", o.BilledInsurance.PayorName)
	require.Equal(t, "W123456789", o.BilledInsurance.MemberID)
	require.Equal(t, "Bo", o.BilledInsurance.Guarantor.FirstName)
	require.Nil(t, o.BilledInsurance.Insured.Address.SecondLine, "an empty line is none")
	require.Equal(t, "1990-01-01", o.BilledInsurance.Insured.DOB.String())
	require.Equal(t, http.StatusNotFound, f.sendWithKey(http.MethodGet, "/v3/order/"+o.ID+"/abn_pdf", f.key, nil).status)

	f.addInsurance(map[string]any{"payor_code": "MEDFED"})
	id := f.createOrder(set)
	require.Equal(t, true, f.sendWithKey(http.MethodGet, "/v3/order/"+id, f.key, nil).json(t)["has_abn"],
		"Medicare is billed")
	r = f.sendWithKey(http.MethodGet, "/v3/order/"+id+"/abn_pdf", f.key, nil)
	require.Equal(t, http.StatusOK, r.status)
	require.Equal(t, "application/pdf", r.header.Get("Content-Type"))
	require.True(t, bytes.HasPrefix(r.body, []byte("%PDF-")))
	require.Contains(t, f.actions(id), "order.read_abn")
	require.Equal(t, "Aetna", f.order(o.ID).BilledInsurance.PayorName,
		"an order keeps the insurance that it was placed with")
}

func TestOrderingPhysician(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.profile(store.AccountProfile{DelegatedFlow: store.OrderDelegated, ClinicalNotes: new("Call with critical results.")})
	r := f.sendWithKey(http.MethodPost, "/v3/order", f.key, f.orderBody(nil))
	require.Equal(t, http.StatusBadRequest, r.status)
	require.Contains(t, r.detail(t), "physician is required")
	r = f.sendWithKey(http.MethodPost, "/v3/order/import", f.key, f.importBody(nil))
	require.Equal(t, http.StatusBadRequest, r.status)

	signed := physician()
	signed["signature_image"] = map[string]any{"content": picture(t), "content_type": "image/png"}
	o := f.order(f.createOrder(map[string]any{"physician": signed, "clinical_notes": "Fasting."}))
	require.Equal(t, "Jane", o.Physician.FirstName)
	require.NotEmpty(t, o.Physician.Signature.Content)
	require.Equal(t, "Fasting.\nCall with critical results.", o.LabNotes())
	require.Equal(t, "Fasting.", f.sendWithKey(http.MethodGet, "/v3/order/"+o.ID, f.key, nil).json(t)["clinical_notes"],
		"as it was sent")

	f.profile(store.AccountProfile{NetworkPhysician: &order.Physician{FirstName: "Net", LastName: "Work",
		NPI: "1999999984"}})
	r = f.sendWithKey(http.MethodPost, "/v3/order", f.key, f.orderBody(map[string]any{"consents": nil}))
	require.Equal(t, http.StatusBadRequest, r.status)
	require.Contains(t, r.detail(t), "consents")
	shown := f.sendWithKey(http.MethodGet, "/v3/order/"+f.createOrder(nil), f.key, nil).json(t)
	require.Equal(t, map[string]any{"first_name": "Net", "last_name": "Work", "npi": "1999999984"}, shown["physician"])
	require.Equal(t, "Jane",
		f.order(f.createOrder(map[string]any{"physician": physician(), "consents": nil})).Physician.FirstName,
		"the team's own wins")

	list := f.sendWithKey(http.MethodGet, "/v2/team/"+f.team+"/physicians", f.key, nil)
	require.Equal(t, http.StatusOK, list.status)
	require.JSONEq(t, `[{"first_name":"Jane","last_name":"Smith","npi":"1234567890"}]`, string(list.body),
		"the network's is not the team's")
	stranger := f.newTeam(store.Sandbox, "")
	require.Equal(t, http.StatusNotFound, f.sendWithKey(http.MethodGet, "/v2/team/"+stranger+"/physicians", f.key,
		nil).status)
	require.JSONEq(t, `[]`,
		string(f.sendWithKey(http.MethodGet, "/v2/team/"+stranger+"/physicians", f.newKey(stranger, store.RoleClient),
			nil).body))
}

func TestInsuranceThatComesWithTheOrder(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	given := map[string]any{
		"payor_code": "AETNA", "insurance_id": "W1", "diagnosis_codes": []any{"E78.5"}, "responsible_relationship": "Self",
		"front_image": map[string]any{"content": picture(t), "content_type": "image/png"},
	}
	shown := f.sendWithKey(http.MethodGet, "/v3/order/"+f.createOrder(map[string]any{"health_insurance": given}), f.key,
		nil).json(t)
	o := f.order(shown["id"].(string))
	require.NotEmpty(t, o.InsuranceID)
	require.Equal(t, o.InsuranceID, shown["health_insurance_id"])
	var kept map[string]any
	require.NoError(t, json.Unmarshal(o.Insurance, &kept))
	require.Equal(t, given, kept)
	require.Nil(t, f.sendWithKey(http.MethodGet, "/v3/order/"+f.createOrder(nil), f.key,
		nil).json(t)["health_insurance_id"])

	for name, c := range map[string]struct {
		value map[string]any
		loc   []any
		kind  string
	}{
		"nobody is responsible": {map[string]any{"responsible_relationship": "Other"},
			[]any{"body", "health_insurance", "responsible_details"}, "missing"},
		"no base64": {map[string]any{"back_image": map[string]any{"content": "%%",
			"content_type": "image/png"}}, []any{"body", "health_insurance", "back_image", "content"}, "value_error"},
		"another kind of image": {map[string]any{"front_image": map[string]any{"content": picture(t),
			"content_type": "image/jpeg"}}, []any{"body", "health_insurance", "front_image", "content"}, "value_error"},
		"a kind that is no image": {map[string]any{"front_image": map[string]any{"content": picture(t),
			"content_type": "text/html"}}, []any{"body", "health_insurance", "front_image", "content_type"}, "enum"},
		"no image at all": {map[string]any{"patient_signature_image": map[string]any{"content": "aGk=",
			"content_type": "image/png"}}, []any{"body", "health_insurance", "patient_signature_image", "content"},
			"value_error"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			problems := f.sendWithKey(http.MethodPost, "/v3/order", f.key,
				f.orderBody(map[string]any{"health_insurance": c.value})).detail(t).([]any)
			require.Contains(t, problemKinds(problems), c.kind)
			require.Equal(t, c.loc, problems[0].(map[string]any)["loc"])
		})
	}
	bad := physician()
	bad["signature_image"] = map[string]any{"content": "aGk=", "content_type": "image/png"}
	requireProblem(t, f.sendWithKey(http.MethodPost, "/v3/order", f.key, f.orderBody(map[string]any{"physician": bad})),
		[]any{"body", "physician", "signature_image", "content"}, "value_error")
}

func problemKinds(problems []any) []string {
	var out []string
	for _, p := range problems {
		out = append(out, p.(map[string]any)["type"].(string))
	}
	return out
}

func TestLabAccountsAsClientsSeeThem(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	own := f.newAccount(store.LabAccount{TeamID: f.team, Status: "pending", Profile: store.AccountProfile{
		DelegatedFlow: store.FullyDelegated, ProviderAccountID: "97512", Name: new("Main"), BusinessUnits: []string{"AMD"},
		AllowedBilling: map[string][]string{"patient_bill": {"AZ"}},
	}})
	f.newAccount(store.LabAccount{TeamID: f.newTeam(store.Sandbox, "")})
	f.newAccount(store.LabAccount{Environment: store.Production})
	list := func(query string) []any {
		t.Helper()
		r := f.sendWithKey(http.MethodGet, "/v3/lab_test/lab_account"+query, f.key, nil)
		require.Equal(t, http.StatusOK, r.status, string(r.body))
		return r.json(t)["data"].([]any)
	}
	all := list("")
	require.Len(t, all, 2)
	platform, mine := all[0].(map[string]any), all[1].(map[string]any)
	require.Equal(t, f.account, platform["id"])
	require.Equal(t, "not_delegated", platform["delegated_flow"])
	require.Empty(t, platform["team_id_allowlist"])
	require.Len(t, platform["allowed_billing"].(map[string]any)["client_bill"], 50)
	require.Equal(t, map[string]any{
		"id": own, "lab": "mtl", "org_id": nil, "status": "pending", "delegated_flow": "fully_delegated",
		"provider_account_id": "97512",
		"account_name":        "Main", "default_clinical_notes": nil, "business_units": []any{"AMD"},
		"allowed_billing": map[string]any{"patient_bill": []any{"AZ"}}, "team_id_allowlist": []any{f.team},
	}, mine)
	require.Len(t, list("?status=pending"), 1)
	require.Len(t, list("?lab_account_id="+f.account), 1)
	require.Empty(t, list("?lab_account_id="+newID()))
}

func TestCommunicationSettings(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	id := f.createOrder(nil)
	at := "/v3/order/" + id + "/communication_settings"
	require.Equal(t, map[string]any{"order_id": id, "sms_enabled": true},
		f.sendWithKey(http.MethodGet, at, f.key, nil).json(t))
	r := f.sendWithKey(http.MethodPatch, at, f.key, map[string]any{"sms_enabled": false})
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	require.Equal(t, map[string]any{"order_id": id, "sms_enabled": false},
		f.sendWithKey(http.MethodGet, at, f.key, nil).json(t))
	requireProblem(t, f.sendWithKey(http.MethodPatch, at, f.key, map[string]any{}), []any{"body", "sms_enabled"},
		"missing")
	stranger := f.newKey(f.newTeam(store.Sandbox, ""), store.RoleClient)
	for _, method := range []string{http.MethodGet, http.MethodPatch} {
		require.Equal(t, http.StatusNotFound, f.sendWithKey(method, at, stranger, map[string]any{"sms_enabled": true}).status)
	}
	require.Contains(t, f.actions(id), "order.communication")
}

// The medical proxy of a minor comes from the request, or from the user info.
func TestProxyOfAMinor(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.team = f.newTeam(store.Sandbox, `{"minors": true}`)
	f.key, f.user = f.newKey(f.team, store.RoleClient), f.newUser(f.team)
	young := map[string]any{"patient_details.dob": "2015-06-01"}
	r := f.sendWithKey(http.MethodPost, "/v3/order", f.key, f.orderBody(young))
	require.Equal(t, http.StatusBadRequest, r.status)
	require.Contains(t, r.detail(t), "medical proxy")

	put := func(set map[string]any) {
		t.Helper()
		require.Equal(t, http.StatusOK, f.sendWithKey(http.MethodPatch, "/v2/user/"+f.user+"/info", f.key,
			userInfo(set)).status)
	}
	put(nil)
	require.Equal(t, http.StatusBadRequest, f.sendWithKey(http.MethodPost, "/v3/order", f.key, f.orderBody(young)).status,
		"user info without a proxy")
	put(map[string]any{"medical_proxy": guarantor()})
	shown := f.sendWithKey(http.MethodGet, "/v3/order/"+f.createOrder(young), f.key, nil).json(t)
	require.Equal(t, "Bo", shown["patient_details"].(map[string]any)["medical_proxy"].(map[string]any)["first_name"])

	own := guarantor()
	own["first_name"] = "Cy"
	shown = f.sendWithKey(http.MethodGet,
		"/v3/order/"+f.createOrder(map[string]any{"patient_details.dob": "2015-06-01", "patient_details.medical_proxy": own}),
		f.key, nil).json(t)
	require.Equal(t, "Cy", shown["patient_details"].(map[string]any)["medical_proxy"].(map[string]any)["first_name"],
		"the order's own wins")
	shown = f.sendWithKey(http.MethodGet, "/v3/order/"+f.createOrder(nil), f.key, nil).json(t)
	require.Nil(t, shown["patient_details"].(map[string]any)["medical_proxy"], "an adult has no medical proxy")

	imported := f.importBody(map[string]any{"patient_details.dob": "2015-06-01"})
	r = f.sendWithKey(http.MethodPost, "/v3/order/import", f.key, imported)
	require.Equal(t, http.StatusOK, r.status, string(r.body))
}

func TestProfilesOfLabAccountsAreChecked(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	put := func(profile map[string]any) reply {
		return f.ops(http.MethodPut, "/ops/lab-accounts/"+f.account, map[string]any{
			"lab_slug": "mtl", "partner": "molecular", "environment": "sandbox", "base_url": "http://lab.test",
			"profile": profile, "settings": map[string]any{"default_physician": 5501,
				"endpoints": map[string]any{"results": "/Results"}},
		})
	}
	for detail, profile := range map[string]map[string]any{
		"unknown field":     {"allowed_biling": map[string]any{}},
		"delegated_flow":    {"delegated_flow": "perhaps"},
		`has "cash"`:        {"allowed_billing": map[string]any{"cash": []any{"AZ"}}},
		`has "Arizona"`:     {"allowed_billing": map[string]any{"client_bill": []any{"Arizona"}}},
		"network_physician": {"network_physician": map[string]any{"first_name": "Net"}},
	} {
		r := put(profile)
		require.Equal(t, http.StatusBadRequest, r.status, detail)
		require.Contains(t, r.detail(t), detail)
	}
	r := put(map[string]any{"delegated_flow": "order_delegated"})
	require.Equal(t, http.StatusOK, r.status, string(r.body))
	require.Equal(t, map[string]any{"delegated_flow": "order_delegated"}, r.json(t)["profile"])
}
