package neutraltest

import (
	"bytes"
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/aliquot-labs/aliquot/labs"
	"github.com/aliquot-labs/aliquot/labs/conformance"
	"github.com/aliquot-labs/aliquot/labs/neutral"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
)

// The accounts of the fixture. FullAccount supports every call; MinimalAccount only takes orders for testkits.
var (
	FullAccount = labs.Account{
		ID: "acc-full", Partner: neutral.Partner, User: "practice-9",
		Token:       "whsec_" + "c2VjcmV0LW9mLXRoZS1mdWxsLWFjY291bnQtMDAwMQ==",
		Environment: labs.Sandbox, Settings: []byte(`{
			"collection_methods": ["testkit", "at_home_phlebotomy"], "registrable": true, "cancel": true, "correct": true,
			"schedule": true, "provider": "getlabs", "tiers": ["appointment-ready", "appointment-request"]}`),
	}
	MinimalAccount = labs.Account{
		ID: "acc-least", Partner: neutral.Partner, User: "practice-10",
		Token:       "whsec_" + "c2VjcmV0LW9mLXRoZS1sZWFzdC1hY2NvdW50LTAwMDE=",
		Environment: labs.Sandbox,
	}
)

// Fixture returns the conformance suite's fixture for the neutral adapter.
func Fixture() conformance.Fixture {
	return conformance.Fixture{
		Protocol: neutral.Protocol, FullAccount: FullAccount, MinimalAccount: MinimalAccount,
		Start: func(t testing.TB) conformance.Partner {
			t.Helper()
			p := Start(t, FullAccount.User, FullAccount.Token)
			return conformance.Partner{
				URL: p.URL,
				PublishReport: func(_ testing.TB, number string, r conformance.ReportStage) {
					p.PublishReport(number, reportBody(r))
				},
				SendFact: func(_ testing.TB, number string) conformance.Webhook {
					return conformance.Webhook{ID: "evt-1", Body: p.AddFact(number, "evt-1", factBody(number, "sample_received", nil))}
				},
			}
		},
		NewRequisition:        func(number string) labs.Requisition { return requisition(number, "lipids") },
		NewRefusedRequisition: func(number string) labs.Requisition { return requisition(number, UnknownTest) },
		Webhooks:              newWebhooks(),
		Appointments: conformance.Appointments{
			Query: labs.AvailabilityQuery{
				Type: order.Phlebotomy, Address: location(), From: order.Date{Year: 2026, Month: time.March, Day: 3}, Days: 14,
			},
			Booking: labs.Booking{Type: order.Phlebotomy, Notes: new(conformance.Canary),
				Patient: newPatient(conformance.Canary), Location: location()},
			TakenSlot: TakenSlot,
		},
	}
}

func requisition(number, test string) labs.Requisition {
	return labs.Requisition{OrderNumber: number, Order: &order.Order{
		Modality: lifecycle.Testkit,
		Patient:  newPatient(conformance.Canary),
		Address: &order.Address{
			ReceiverName: conformance.Canary, FirstLine: "77 Elm Ct", City: "Phoenix", State: "AZ", Zip: "85004", Country: "US",
		},
		LabTest: order.LabTest{Slug: test, Name: "Lipids"},
	}}
}

func newPatient(name string) *order.Patient {
	return &order.Patient{
		FirstName: "Ines", LastName: name, DOB: order.Date{Year: 1988, Month: time.November, Day: 30}, Gender: "female",
		Phone: "+16025550142", Email: "ines@example.org",
	}
}

func location() *order.Location {
	return &order.Location{FirstLine: "77 Elm Ct", City: "Phoenix", State: "AZ", Zip: "85004",
		Notes: new(conformance.Canary)}
}

func reportBody(r conformance.ReportStage) map[string]any {
	hdl := map[string]any{
		"code": "H1", "name": "HDL Cholesterol", "loinc": "2085-9", "type": "numeric", "result": "61", "value": 61,
		"unit": "mg/dL", "reference_range": ">39", "min": 39, "interpretation": "normal", "at": "2026-02-27T08:00:00Z",
	}
	culture := map[string]any{"code": "C1", "name": "Culture", "type": "comment", "result": conformance.Canary}
	out := map[string]any{
		"status": "final", "version": int(r) + 1, "reported_at": time.Date(2026, 3, 1, 9, int(r), 0, 0, time.UTC),
		"collected_at": "2026-02-26T08:00:00Z", "laboratory": "A Lab", "interpretation": "normal",
		"results":    []any{hdl, culture},
		"patient":    map[string]any{"first_name": "Ines", "last_name": conformance.Canary, "dob": "1988-11-30"},
		"pdf_base64": "JVBERi0xLjQK",
	}
	switch r {
	case conformance.PartialReport:
		out["status"] = "partial"
		out["results"] = []any{hdl}
		out["missing"] = []any{map[string]any{"code": "C1", "name": "Culture", "failure": "internal_lab_failure"}}
	case conformance.RepeatedReport:
		out["results"] = []any{culture, hdl}
	case conformance.CorrectedReport:
		hdl["result"], hdl["value"], hdl["interpretation"] = "31", 31, "abnormal"
	}
	return out
}

// factTime is when the facts of the fixture happened.
var factTime = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

func factBody(number, kind string, data map[string]any) map[string]any {
	return map[string]any{"type": kind, "order_number": number, "at": factTime, "accession": "N-000001", "data": data}
}

func newWebhooks() conformance.Webhooks {
	recoverable := true
	start := time.Date(2026, 3, 9, 16, 0, 0, 0, time.UTC)
	appointment := map[string]any{
		"id": "0b1e5a52-7a0e-4a53-9f5a-3d9f6f2f8a11", "reference": "R-1", "confirmation": "C-1", "provider": "getlabs",
		"status": "confirmed", "start": start, "end": start.Add(time.Hour), "timezone": "America/Phoenix",
		"can_reschedule": true, "site": nil,
		"address": map[string]any{"first_line": conformance.Canary + " St 1", "city": "Phoenix", "state": "AZ",
			"zip": "85004"},
	}
	example := func(kind string, data map[string]any, f order.Fact) conformance.Example {
		f.SentAt, f.Accession = factTime, "N-000001"
		return conformance.Example{
			Webhook: conformance.Webhook{ID: "evt-" + kind, Body: encode(factBody(conformance.OrderNumber, kind, data))},
			Number:  conformance.OrderNumber, Kind: kind, Fact: f,
		}
	}
	rejected := example("sample_rejected", map[string]any{"reason": "Hemolyzed, says " + conformance.Canary,
		"recoverable": true},
		order.Fact{Kind: order.FactKitRejected, Recoverable: &recoverable, Detail: lifecycle.SampleHemolyzed})
	rejected.Reason = "Hemolyzed, says " + conformance.Canary
	appointmentExample := example("appointment", appointment, order.Fact{
		Kind: order.FactAppointment, AppointmentID: "0b1e5a52-7a0e-4a53-9f5a-3d9f6f2f8a11",
		Appointment: &order.ReportedAppointment{
			Status: lifecycle.AppointmentStatusConfirmed, Provider: "getlabs", Reference: "R-1", Confirmation: "C-1",
			StartAt: start,
			EndAt:   start.Add(time.Hour), Zone: "America/Phoenix", CanReschedule: true,
		},
	})
	appointmentExample.HasLocation = true
	return conformance.Webhooks{
		NewRequest: newRequest, Signed: true,
		Facts: []conformance.Example{
			example("kit_shipped", map[string]any{"outbound": "9400111", "inbound": "9400222", "kit_id": "N-000001"},
				order.Fact{Kind: order.FactKitShipped, OutboundNumber: "9400111", InboundNumber: "9400222",
					KitRegCode: "N-000001"}),
			example("transit", map[string]any{"leg": "outbound", "status": "with_customer"},
				order.Fact{Kind: order.FactCourierReport, Leg: "outbound", TargetStatus: lifecycle.WithCustomer, LegEnded: true}),
			example("draw_completed", map[string]any{"collected_at": "2026-03-02T08:30:00-01:00"},
				order.Fact{Kind: order.FactDrawCompleted, CollectedAt: factTime.Add(30 * time.Minute)}),
			example("sample_received", nil, order.Fact{Kind: order.FactKitReceived}),
			rejected,
			example("report_ready", nil, order.Fact{Kind: order.FactReportReady}),
			appointmentExample,
		},
		AmendedFact: conformance.Webhook{ID: "evt-kit_shipped",
			Body: encode(factBody(conformance.OrderNumber, "kit_shipped", map[string]any{"outbound": "9400333"}))},
		FactWithoutTime: conformance.Webhook{
			ID: "evt-timeless", Body: []byte(`{"type":"report_ready","order_number":"` + conformance.OrderNumber + `","at":"` +
				conformance.Canary + `"}`),
		},
		Problems: problemWebhooks(),
	}
}

func problemWebhooks() map[labs.Problem][]conformance.Webhook {
	out := map[labs.Problem][]conformance.Webhook{}
	for problem, bodies := range map[labs.Problem][]string{
		labs.Malformed: {conformance.Canary},
		labs.MissingFields: {`{}`, `{"type":"report_ready"}`, `{"order_number":"1"}`,
			`{"order_number":7,"type":"report_ready"}`},
		labs.UnknownType: {`{"order_number":"1","type":"` + conformance.Canary + `!"}`,
			`{"order_number":"1","type":"kit_admired"}`},
		labs.IncompleteData: {
			`{"order_number":"1","type":"kit_shipped","data":"` + conformance.Canary + `"}`,
			`{"order_number":"1","type":"transit"}`,
			`{"order_number":"1","type":"transit","data":{"leg":"outbound","status":"delivered_to_lab"}}`,
			`{"order_number":"1","type":"appointment","data":{"id":"a","status":"` + conformance.Canary + `"}}`,
			`{"order_number":"1","type":"appointment","data":{"id":"a","status":"confirmed"}}`,
			`{"order_number":"1","type":"appointment","data":{"status":"cancelled"}}`,
		},
	} {
		for _, body := range bodies {
			out[problem] = append(out[problem], conformance.Webhook{ID: "evt-1", Body: []byte(body)})
		}
	}
	return out
}

func newRequest(a labs.Account, w conformance.Webhook, at time.Time) *http.Request {
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, "/webhooks/labs/neutral",
		bytes.NewReader(w.Body))
	if err != nil {
		panic(err) // the URL is a constant
	}
	SignWebhook(r, a.User, a.Token, w.ID, at, w.Body)
	return r
}
