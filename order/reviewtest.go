package order

import (
	"slices"
	"time"

	"github.com/aliquot-labs/aliquot/lifecycle"
)

// ReviewTest is a case of the test of unmatched results (client-api#unmatched-results-match-reviews): a report is made
// that has to be judged so, from orders that stand so.
type ReviewTest struct {
	Case        MatchCode
	Roles       []string                 // of its orders
	Required    map[string]lifecycle.Low // the status of each, by role
	Constraints []string                 // on labs, in words
}

const (
	roleOrder  = "order"
	roleFirst  = "first_order"
	roleSecond = "second_order"
)

// ReviewTests are all cases.
func ReviewTests() []ReviewTest {
	one := func(code MatchCode, status lifecycle.Low, constraint string) ReviewTest {
		return ReviewTest{code, []string{roleOrder}, map[string]lifecycle.Low{roleOrder: status}, []string{constraint}}
	}
	const same = "the result comes from the lab of the order"
	return []ReviewTest{
		one(MatchCompleted, lifecycle.Completed, same),
		one(MatchCancelled, lifecycle.Cancelled, same),
		one(MatchUncollected, lifecycle.Ordered, same),
		one(MatchWrongLab, lifecycle.RequisitionCreated, "the result comes from another lab than that of the order"),
		{
			MatchSeveral, []string{roleFirst, roleSecond},
			map[string]lifecycle.Low{roleFirst: lifecycle.RequisitionCreated, roleSecond: lifecycle.RequisitionCreated},
			[]string{"both orders are for the same patient, at the lab that the result comes from"},
		},
		one(MatchOtherPatient, lifecycle.RequisitionCreated, same),
		one(MatchPatient, lifecycle.RequisitionCreated, same),
		{MatchNone, []string{}, map[string]lifecycle.Low{}, []string{"the result comes from any lab of the team"}},
	}
}

// ReviewTestOf is the case of a code.
func ReviewTestOf(code MatchCode) (ReviewTest, bool) {
	all := ReviewTests()
	i := slices.IndexFunc(all, func(t ReviewTest) bool { return t.Case == code })
	if i < 0 {
		return ReviewTest{}, false
	}
	return all[i], true
}

// Named reports whether the result names the order's number. Otherwise the patient is all that it has in common with an order.
func (t ReviewTest) Named() bool {
	return t.Case != MatchSeveral && t.Case != MatchPatient && t.Case != MatchNone
}

// Report is the result of such a test: on the order, or on nobody's.
func (t ReviewTest) Report(o *Order, test LabTest, status string, i Interpretation, at time.Time) Report {
	r := Report{Status: status, Interpretation: i, ReportedAt: at}
	if test.Lab != nil {
		r.Laboratory = test.Lab.Name
	}
	value := 100.0
	for _, m := range test.Markers {
		r.Results = append(r.Results, Result{
			Name: m.Name, Slug: m.Slug, Value: &value, Text: "100", Type: "numeric", Interpretation: Normal, LOINC: m.LOINC, ProviderID: m.ProviderID,
		})
	}
	if len(r.Results) == 0 {
		r.Results = []Result{{Name: test.Name, Slug: test.Slug, Value: &value, Text: "100", Type: "numeric", Interpretation: Normal}}
	}
	r.Results[0].Interpretation = i
	r.Patient = &Tested{FirstName: "Nobody", LastName: "Whom We Know", DOB: "1970-01-01"}
	if o != nil && o.Patient != nil && t.Case != MatchOtherPatient {
		r.Patient = &Tested{FirstName: o.Patient.FirstName, LastName: o.Patient.LastName, DOB: o.Patient.DOB.String()}
	}
	return r
}
