package store

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store/sqldb"
)

// newOrder returns a testkit order of a team, with all optional data.
func newOrder(s *Store, teamID string, adjust ...func(*order.Order)) NewOrder {
	o := order.Order{
		TeamID: teamID, UserID: sqldb.NewID(), ClientUserID: "client-user", LabAccountID: sqldb.NewID(),
		Modality: lifecycle.Testkit, Origin: order.OriginInitial,
		Patient: &order.Patient{
			FirstName: "Ada", LastName: "Lovelace", DOB: order.Date{Year: 1990, Month: time.March, Day: 1}, Gender: "female",
			Phone: "+16025550100", Email: "ada@example.com", Race: new("other"),
		},
		Address: &order.Address{
			ReceiverName: "Ada Lovelace", FirstLine: "1 Analytical Way", City: "Phoenix", State: "AZ", Zip: "85004",
			Country:     "US",
			AccessNotes: new("blue door"),
		},
		Physician: &order.Physician{FirstName: "Grace", LastName: "Hopper", NPI: "1234567893",
			LicensedStates: []string{"AZ"}},
		LabTest: order.LabTest{
			ID: sqldb.NewID(), Slug: "lipids", Name: "Lipids", SampleType: "dried_blood_spot", Method: lifecycle.Testkit,
			Status:           "active",
			WorstCaseTATDays: new(5), PanelIDs: []int{7},
			Lab: &order.Lab{ID: 27, Slug: "mtl", Name: "Molecular", CollectionMethods: []string{"testkit"},
				SampleTypes: []string{"dried_blood_spot"}},
			Markers: []order.Marker{{ID: 1, Name: "LDL", Slug: "ldl"}},
		},
		Consents:      []order.Consent{{Type: "terms-of-use", Version: "1"}},
		AoEAnswers:    []order.AoEAnswer{{MarkerID: 1, QuestionID: 2, Answer: "fasted"}},
		ICDCodes:      []string{"E78.5"},
		Priority:      true,
		BillingType:   "client_bill",
		Passthrough:   new("crm-17"),
		ClinicalNotes: new("on statins"),
		Notes:         new("call first"),
		CreatedAt:     s.now(),
	}
	AssignOrderIDs(&o)
	for _, a := range adjust {
		a(&o)
	}
	o.State = order.NewState(&o, order.DefaultPolicy(), time.Time{})
	return NewOrder{Order: o, Cause: "api:" + sqldb.NewID()}
}

// addOrder creates such an order for a new team.
func addOrder(t *testing.T, s *Store, adjust ...func(*order.Order)) *order.Order {
	t.Helper()
	return addOrderOf(t, s, addTeam(t, s).ID, adjust...)
}

func addOrderOf(t *testing.T, s *Store, teamID string, adjust ...func(*order.Order)) *order.Order {
	t.Helper()
	c, err := s.CreateOrder(t.Context(), newOrder(s, teamID, adjust...))
	require.NoError(t, err)
	return c.Order
}

// getOrder reads an order as operations do.
func getOrder(t testing.TB, s *Store, id string) *order.Order {
	t.Helper()
	o, err := s.Order(t.Context(), "", id)
	require.NoError(t, err)
	return o
}

// state reads an order's state.
func state(t testing.TB, s *Store, id string) order.State {
	t.Helper()
	st, err := s.State(t.Context(), id)
	require.NoError(t, err)
	return st
}

// look reads an order as its run does.
func look(t testing.TB, s *Store, id string) Look {
	t.Helper()
	l, err := s.LookAtOrder(t.Context(), id)
	require.NoError(t, err)
	return l
}

// recordUntil looks at the order, decides on its state, records, and starts again when another cause was recorded
// first.
func recordUntil(t testing.TB, s *Store, r order.Recording,
	decide func(order.State) order.Decision) (RecordResult, error) {
	t.Helper()
	for {
		l, err := s.LookAtOrder(t.Context(), r.OrderID)
		if err != nil {
			return RecordResult{}, err
		}
		r.Revision, r.Decision, r.At = l.State.Revision, decide(l.State), s.now()
		out, err := s.Record(t.Context(), r)
		if !errors.Is(err, ErrStale) {
			return out, err
		}
	}
}

// moveTo records one event of an order.
func moveTo(t testing.TB, s *Store, orderID string, to ...lifecycle.LowStatus) RecordResult {
	t.Helper()
	out, err := recordUntil(t, s, order.Recording{OrderID: orderID, Cause: order.CauseCall(sqldb.NewID())},
		func(st order.State) order.Decision {
			return decisionWithSteps(st, s.now(), to...)
		})
	require.NoError(t, err)
	return out
}

// decisionWithSteps returns a decision that moves the order through the statuses.
func decisionWithSteps(st order.State, at time.Time, to ...lifecycle.LowStatus) order.Decision {
	d := order.Decision{Outcome: order.OutcomeApplied, From: st.Status, Next: st}
	for i, low := range to {
		d.Steps = append(d.Steps, order.Step{To: low, At: at, Implied: i < len(to)-1})
		d.Next.Status, d.Next.NewestFactAt, d.Next.EnteredAt = low, at, at
	}
	return d
}

// receiveFact stores an inbox item of a lab about an order.
func receiveFact(t testing.TB, s *Store, number string, f order.Fact) ReceivedItem {
	t.Helper()
	r, err := s.StoreInboxItem(t.Context(), labReport(number, f))
	require.NoError(t, err)
	return r
}

func labReport(number string, f order.Fact) NewInboxItem {
	return NewInboxItem{
		Partner: "molecular", DedupKey: sqldb.NewID(), BodyHash: sqldb.NewID(), Kind: string(f.Kind), OrderNumber: number,
		Fact: &f,
		Body: []byte(`{"body":1}`), Headers: map[string]string{"Content-Type": "application/json"},
		PartnerReason: "the lab's words",
	}
}

// applyFact stores an inbox item of a lab and records its fact.
func applyFact(t testing.TB, s *Store, o *order.Order, f order.Fact) (ReceivedItem, RecordResult) {
	t.Helper()
	in := receiveFact(t, s, o.Number, f)
	return in, recordFact(t, s, o.ID, *in.Fact)
}

func recordFact(t testing.TB, s *Store, orderID string, f order.Fact) RecordResult {
	t.Helper()
	out, err := recordUntil(t, s, order.Recording{OrderID: orderID, Cause: order.CauseInbox(f.InboxID), Fact: &f},
		func(st order.State) order.Decision { return st.ApplyFact(f, s.now()) })
	require.NoError(t, err)
	return out
}

// applyRequisitionTaken records that the lab has accepted the requisition.
func applyRequisitionTaken(t testing.TB, s *Store, orderID, accession string) {
	t.Helper()
	_, err := recordUntil(t, s, order.Recording{OrderID: orderID, Cause: order.CauseCall("place-" + orderID)},
		func(st order.State) order.Decision { return st.ApplyPlacementAccepted(accession, s.now()) })
	require.NoError(t, err)
}

func inboxState(t testing.TB, s *Store, id string) string {
	t.Helper()
	row, err := s.InboxItem(t.Context(), id)
	require.NoError(t, err)
	return row.State
}

// jsonPath reads one value of a JSON document.
func jsonPath(t testing.TB, document []byte, path ...string) any {
	t.Helper()
	var v any
	require.NoError(t, json.Unmarshal(document, &v))
	for _, key := range path {
		object, ok := v.(map[string]any)
		require.True(t, ok, "%s is in no object", key)
		v = object[key]
	}
	return v
}
