package workflows_test

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
)

// withModality makes an order of a collection method, for a patient in the area of the simulated phlebotomists.
func withModality(m lifecycle.Modality) orderSetting {
	return func(o *order.Order, _ *order.Policy, _ *time.Time) {
		o.Modality, o.LabTest.Method = m, m
		o.LabTest.Markers = []order.Marker{
			{ID: 1, Name: "Total Cholesterol", Slug: "total-cholesterol", ProviderID: new("101")},
			{ID: 2, Name: "TSH", Slug: "tsh", ProviderID: new("204")},
		}
		address := *o.Address
		address.City, address.State, address.Zip = "Phoenix", "AZ", "85004"
		o.Address = &address
	}
}

// withZip moves the patient to another area.
func withZip(zip string) orderSetting {
	return func(o *order.Order, _ *order.Policy, _ *time.Time) { o.Address.Zip = zip }
}

// asRegistrable makes an order of a kit without a patient.
func asRegistrable(o *order.Order, _ *order.Policy, _ *time.Time) {
	o.Registrable = true
	o.Shipping = &order.ShippingAddress{
		ReceiverName: "Front desk", FirstLine: "1 Stock Rd", City: "Phoenix", State: "AZ", Zip: "85004", Country: "US",
		Phone: "+16025550100",
	}
	o.Patient, o.Address = nil, nil
}

func asImported(o *order.Order, _ *order.Policy, _ *time.Time) { o.Imported = true }

// slotAt returns a provider's slot that begins after the given time: twenty minutes at a PSC, or an hour at home.
func (w *orderHarness) slotAt(m lifecycle.Modality, after time.Duration) *order.Slot {
	start := day0.Add(after)
	s := &order.Slot{
		AccountID: w.account.ID, Provider: "quest", Type: order.AppointmentTypeOf(m), Site: "QAZ1", Zone: "America/New_York",
		StartAt: start, EndAt: start.Add(20 * time.Minute), Key: fmt.Sprintf("quest.QAZ1.%d", start.Unix()),
	}
	if m == lifecycle.AtHomePhlebotomy {
		s.AccountID = w.phlebotomists["getlabs"]
		s.Provider, s.Site, s.Zone, s.EndAt = "getlabs", "", "America/Phoenix", start.Add(hour)
		// its booking key is valid until it begins
		s.Key = fmt.Sprintf("getlabs.85004.%d.%d", start.Unix(), start.Unix())
	}
	return s
}

func (w *orderHarness) bookingDemand(m lifecycle.Modality, kind order.DemandKind, start time.Duration) order.Demand {
	return order.Demand{Kind: kind, By: lifecycle.Client, Slot: w.slotAt(m, start)}
}

// requestAppointmentDemand returns a demand for an appointment whose time the provider sets.
func (w *orderHarness) requestAppointmentDemand() order.Demand {
	return order.Demand{Kind: order.DemandRequestAppointment, By: lifecycle.Client, Slot: &order.Slot{
		AccountID: w.phlebotomists["phlebfinders"], Provider: "phlebfinders", Type: order.Phlebotomy,
	}}
}

func cancelAppointmentDemand() order.Demand {
	return order.Demand{Kind: order.DemandCancelAppointment, By: lifecycle.Client}
}

// registerKit registers the patient of a kit.
func (w *orderHarness) registerKit(after time.Duration) *demandReply {
	r := w.newReply()
	w.at(after, func() {
		w.sendDemand(r, order.Demand{Kind: order.DemandRegister, By: lifecycle.Client}, w.registration())
	})
	return r
}

func (w *orderHarness) registration() []byte {
	body, err := json.Marshal(order.Registration{
		Patient: &order.Patient{FirstName: "Ines", LastName: "Okafor", DOB: order.Date{Year: 1988, Month: 11, Day: 30},
			Gender: "female", Phone: "+12535550142", Email: "ines@example.org"},
		Address: &order.Address{FirstLine: "77 Elm Ct", City: "Tacoma", State: "WA", Zip: "98402", Country: "US"},
	})
	require.NoError(w.t, err)
	return body
}

// appointmentFactAt has the provider report on the order's newest appointment.
func (w *orderHarness) appointmentFactAt(after time.Duration, to lifecycle.AppointmentStatus,
	edit ...func(*order.ReportedAppointment)) {
	w.at(after, func() { w.reportAppointment(to, edit...) })
}

func (w *orderHarness) reportAppointment(to lifecycle.AppointmentStatus, edit ...func(*order.ReportedAppointment)) {
	w.reportFact(order.FactAppointment, func(f *order.Fact) {
		f.Appointment = &order.ReportedAppointment{Status: to, Provider: "quest", Reference: "R-" + w.number[:6]}
		if a := w.order().State.Appointment; a != nil {
			f.AppointmentID = a.ID
			f.Appointment.Reference, f.Appointment.CanReschedule = a.Reference, a.CanReschedule
			f.Appointment.StartAt, f.Appointment.EndAt, f.Appointment.Zone = a.StartAt, a.EndAt, a.Zone
		}
		for _, e := range edit {
			e(f.Appointment)
		}
	})
}

// appointment returns the order's newest appointment.
func (w *orderHarness) appointment() order.AppointmentDocument {
	w.t.Helper()
	a, err := w.store.Appointment(context.Background(), "", w.orderID)
	require.NoError(w.t, err)
	return a
}

// appointmentEvents returns the events of the order's newest appointment.
func (w *orderHarness) appointmentEvents() []string {
	var out []string
	for _, e := range w.appointment().History {
		out = append(out, e.Status)
	}
	return out
}

// webhookTypes returns the types of the webhook messages about the order, oldest first.
func (w *orderHarness) webhookTypes() []string {
	w.t.Helper()
	var out []string
	for _, d := range w.story().Deliveries {
		out = append(out, d.EventType)
	}
	return out
}
