package bulkorders

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
)

// newOrder generates the n-th order, from the oldest on.
func (w *generator) newOrder(n int) order.Order {
	r := w.randomFor(uint64(n) << 1) //nolint:gosec // not negative
	at := w.createdAt(n)
	test := w.tests[randomModality(r)*labCount+r.IntN(labCount)]
	o := order.Order{
		ID: newID(r, at), TeamID: w.teamOf(n).ID, UserID: w.userID(n), ClientUserID: fmt.Sprintf("generated-%d", n%w.users()),
		TransactionID: newID(r, at), ModalityPartID: newID(r, at), LabAccountID: w.accounts[*test.Markers[0].LabID],
		Number: fmt.Sprintf("SEED%012d", n), Accession: fmt.Sprintf("A%09d", n), SampleID: fmt.Sprintf("A%09d", n),
		Modality: test.Method, Origin: order.OriginInitial, LabTest: test, BillingType: "client_bill", CreatedAt: at,
		Passthrough: new(fmt.Sprintf("crm-%d", n)),
	}
	name := [2]string{randomFirstName(r), randomLastName(r)}
	if o.Modality == lifecycle.Testkit && r.IntN(20) == 0 {
		o.Registrable, o.Shipping = true, shippingAddress(r, name)
	} else {
		o.Patient, o.Address = randomPatient(r, name), randomAddress(r, name)
	}
	if r.IntN(33) == 0 {
		day := order.DateOf(at.AddDate(0, 0, 1+r.IntN(60)))
		o.ActivateBy = &day
	}
	addHistory(r, &o, w.NewestAt)
	if o.Status == lifecycle.Completed || o.Status == lifecycle.Corrected {
		o.Results = &order.ResultSummary{Version: 1, Interpretation: randomInterpretation(r)}
	}
	o.State = finalState(&o)
	return o
}

// randomModality draws an index into the list of modalities. Most orders are testkits.
func randomModality(r *rand.Rand) int {
	switch p := r.IntN(100); {
	case p < 60:
		return 0
	case p < 85:
		return 1
	case p < 95:
		return 2
	default:
		return 3
	}
}

func randomInterpretation(r *rand.Rand) order.Interpretation {
	switch p := r.IntN(100); {
	case p < 60:
		return order.InterpretationNormal
	case p < 96:
		return order.InterpretationAbnormal
	case p < 98:
		return order.InterpretationCritical
	default:
		return order.InterpretationUnknown
	}
}

func randomPatient(r *rand.Rand, name [2]string) *order.Patient {
	born := time.Date(1940, time.January, 1+r.IntN(67*365), 0, 0, 0, 0, time.UTC)
	return &order.Patient{
		FirstName: name[0], LastName: name[1], DOB: order.DateOf(born), Gender: []string{"female", "male"}[r.IntN(2)],
		Phone: fmt.Sprintf("+1602555%04d", r.IntN(10_000)), Email: "patient@example.com",
	}
}

func randomAddress(r *rand.Rand, name [2]string) *order.Address {
	return &order.Address{
		ReceiverName: name[0] + " " + name[1], FirstLine: fmt.Sprintf("%d Main St", 1+r.IntN(9999)), City: "Phoenix",
		State: "AZ",
		Zip:   fmt.Sprintf("85%03d", r.IntN(1000)), Country: "US",
	}
}

func shippingAddress(r *rand.Rand, name [2]string) *order.ShippingAddress {
	a := randomAddress(r, name)
	return &order.ShippingAddress{
		ReceiverName: a.ReceiverName, FirstLine: a.FirstLine, City: a.City, State: a.State, Zip: a.Zip, Country: a.Country,
		Phone: "+16025550100",
	}
}
