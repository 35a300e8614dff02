package documents_test

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"math"
	"time"

	"github.com/aliquot-labs/aliquot/internal/documents"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
)

var at = time.Date(2026, 3, 4, 15, 30, 0, 0, time.UTC)

// parties and collection are what the documents of the tests are drawn with.
var (
	parties    = documents.Parties{OrderedBy: "Northside Clinic", Account: "00412", AccountName: "Northside main account"}
	collection = documents.Collection{At: at}
)

func ptr[T any](v T) *T { return &v }

// fullOrder is an order with every field that is printed.
func fullOrder() order.Order {
	return order.Order{
		ID: "019ccf0e-7c7a-7d5b-a1c5-0f4a5b7c8d9e", Number: "7ZK4M9Q2XW3TB8RD", SampleID: "A1B2-000123456", CreatedAt: at,
		Modality: lifecycle.WalkIn, BillingType: "client_bill", Priority: true,
		Patient: &order.Patient{
			FirstName: "Ann", LastName: "Lee-Featherstonehaugh", DOB: order.Date{Year: 1990, Month: time.January, Day: 2},
			Gender: "female",
			Phone:  "+16025550123", Email: "ann@example.com",
		},
		Address: &order.Address{
			ReceiverName: "Ann Lee", FirstLine: "1 Main St", SecondLine: ptr("Apartment 12"), City: "Phoenix", State: "AZ",
			Zip: "85004", Country: "US",
		},
		Physician: &order.Physician{FirstName: "Jane", LastName: "Smith", NPI: "1234567890",
			Email: ptr("jane.smith@clinic.example")},
		LabTest: order.LabTest{
			Name: "Cardiometabolic panel", SampleType: "serum", Fasting: true, PanelIDs: []int{12, 47},
			Lab: &order.Lab{Name: "Molecular Testing Labs", FirstLineAddress: "14401 SE 1st St", City: "Vancouver, WA",
				Zipcode: "98684"},
			Markers: []order.Marker{
				{ID: 1, Name: "HDL Cholesterol", ProviderID: ptr("011817"), LOINC: ptr("2085-9")},
				{ID: 2, Name: "Haemoglobin A1c", ProviderID: ptr("001453"), LOINC: ptr("4548-4")},
				{ID: 3, Name: "C-reactive protein, high sensitivity", ProviderID: ptr("120766"), LOINC: ptr("30522-7")},
			},
		},
		AoEAnswers: []order.AoEAnswer{{MarkerID: 2, QuestionID: 101, Answer: "No insulin in the last 12 hours"}},
		ICDCodes:   []string{"E11.9", "I10", "Z13.220"},
		ClinicalNotes: ptr("Follow-up of type 2 diabetes. Patient reports fatigue since January; no change of " +
			"medication.\nPlease call with critical values."),
	}
}

// medicareOrder is a signed order of a patient with a guardian, billed to Medicare.
func medicareOrder() order.Order {
	o := fullOrder()
	home := *o.Address
	o.BillingType, o.AccountNotes = "commercial_insurance", ptr("Results by fax, too.")
	o.Patient.MedicalProxy = []byte(`{"first_name":"Bo","last_name":"Lee","phone_number":"+16025550124"}`)
	o.LabTest.Price = 129.5
	o.Physician.Signature = &order.Image{ContentType: "image/png", Content: signatureImage()}
	o.BilledInsurance = &order.BilledInsurance{
		PayorCode: "MEDFED", PayorName: "Medicare Part B, Noridian Healthcare Solutions", MemberID: "1EG4-TE5-MK73",
		GroupID: ptr("none"), Relationship: "Spouse",
		PayorAddress: order.Address{FirstLine: "7500 Security Blvd", City: "Baltimore", State: "MD", Zip: "21244",
			Country: "US"}, Medicare: true,
		Insured: order.InsuredPerson{FirstName: "Cy", LastName: "Lee",
			DOB: &order.Date{Year: 1951, Month: time.May, Day: 9}, Gender: "male", Phone: "+16025550125", Address: home},
		Guarantor: &order.InsuredPerson{FirstName: "Bo", LastName: "Lee", Phone: "+16025550124", Address: home},
	}
	return o
}

// signatureImage returns an image of a signature.
func signatureImage() []byte {
	const width, height = 240, 60
	picture := image.NewGray(image.Rect(0, 0, width, height))
	for i := range picture.Pix {
		picture.Pix[i] = 0xff
	}
	for x := range width {
		for thick := range 3 {
			picture.SetGray(x, height/2+thick+int(20*math.Sin(float64(x)/9)), color.Gray{})
		}
	}
	var out bytes.Buffer
	if err := png.Encode(&out, picture); err != nil {
		panic(err)
	}
	return out.Bytes()
}

// fullReport is a lab report with every kind of result.
func fullReport() order.ResultVersion {
	numeric := func(name, text string, value float64, unit, reference string, low, high *float64) order.Result {
		return order.Result{
			Name: name, Text: text, Value: &value, Type: "numeric", Unit: &unit, ReferenceRange: &reference, Min: low, Max: high,
			Interpretation: order.InterpretationNormal,
		}
	}
	with := func(r order.Result, i order.Interpretation, source string) order.Result {
		r.Interpretation, r.SourceFlag = i, source
		return r
	}
	return order.ResultVersion{Version: 2, Report: order.LabReport{
		Status: "partial", Interpretation: order.InterpretationCritical, CollectedAt: ptr(at.AddDate(0, 0, -3)),
		ReceivedAt: ptr(at.AddDate(0, 0, -1)), ReportedAt: at,
		Laboratory: "Molecular Testing Labs",
		Results: []order.Result{
			numeric("Sodium", "140", 140, "mmol/L", "135-145", ptr(135.0), ptr(145.0)),
			with(numeric("Potassium", "6.9", 6.9, "mmol/L", "3.5-5.1", ptr(3.5), ptr(5.1)), order.InterpretationCritical, "HH"),
			with(numeric("HDL Cholesterol", "31", 31, "mg/dL", ">39", ptr(39.0), nil), order.InterpretationAbnormal, "L"),
			numeric("LDL Cholesterol", "88", 88, "mg/dL", "<100", nil, ptr(100.0)),
			with(numeric("Glucose", "41", 41, "mg/dL", "70-99", ptr(70.0), ptr(99.0)), order.InterpretationCritical, "LL"),
			with(numeric("C-reactive protein, high sensitivity", "12.4", 12.4, "mg/L", "<3", nil, ptr(3.0)),
				order.InterpretationAbnormal, "H"),
			{Name: "Prostate specific antigen", Text: "<0.1", Type: "range", Unit: ptr("ng/mL"), ReferenceRange: ptr("<4"),
				Max: ptr(4.0), Interpretation: order.InterpretationNormal},
			{Name: "Chlamydia trachomatis", Text: "DETECTED", Type: "coded_value", ReferenceRange: ptr("NOT_DETECTED"),
				Interpretation: order.InterpretationAbnormal, SourceFlag: "A"},
			{Name: "Comment",
				Text: "Specimen slightly hemolysed; potassium may be raised by up to 0.5 mmol/L. Repeat on a fresh specimen if " +
					"clinically indicated.", Type: "comment", Interpretation: order.InterpretationNormal},
		},
		Missing: []order.MissingMarker{
			{Name: "Triglycerides", FailureType: "quantity_not_sufficient_failure",
				Note: ptr("too little serum was left after the other tests")},
		},
	}}
}
