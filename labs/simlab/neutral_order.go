package simlab

import (
	"hash/maphash"
	"slices"
	"strings"
	"time"
)

// The flows of an order of the neutral protocol: its collection method, or a kit whose patient is registered later. The
// flow decides which scripts the order can have. (JSON key: flow.)
const (
	FlowTestkit     = "testkit"
	FlowRegistrable = "registrable"
	FlowWalkIn      = "walk_in_test"
	FlowPhlebotomy  = "at_home_phlebotomy"
	FlowOnSite      = "on_site_collection"
)

// flows lists all flows.
func flows() []string {
	return []string{FlowTestkit, FlowRegistrable, FlowWalkIn, FlowPhlebotomy, FlowOnSite}
}

// neutralOrder holds the state of an order that only the neutral protocol has.
type neutralOrder struct {
	account          string // the account that placed the order
	flow             string
	tests            []orderedTest
	replaces         string
	accession        string
	registered       bool      // the patient is known, and the requisition exists
	patientHash      uint64    // hash of the patient, to recognise another patient
	awaitsCorrection bool      // the lab holds the sample until missing patient data comes
	corrected        bool      // the missing patient data has come
	collectedAt      time.Time // when the sample was collected; zero: unknown
	receivedAt       time.Time
	report           *neutralReport
}

// orderedTest is one test of an order.
type orderedTest struct {
	Code string `json:"code"`
	Name string `json:"name"`
}

// neutralRequest is the body of a call that places an order or registers its patient, with the fields that the
// simulated lab checks.
type neutralRequest struct {
	Number      string          `json:"number"`
	Method      string          `json:"collection_method"`
	Registrable bool            `json:"registrable"`
	Patient     *patientRequest `json:"patient"`
	Address     *addressRequest `json:"address"`
	Shipping    *addressRequest `json:"shipping"`
	Tests       []orderedTest   `json:"tests"`
	Replaces    string          `json:"replaces"`
	Script      string          `json:"script"`
}

type patientRequest struct {
	FirstName string `json:"first_name"`
	LastName  string `json:"last_name"`
	DOB       string `json:"dob"`
	Gender    string `json:"gender"`
	Phone     string `json:"phone_number"`
	Email     string `json:"email"`
}

type addressRequest struct {
	Receiver  string `json:"receiver_name"`
	FirstLine string `json:"first_line"`
	City      string `json:"city"`
	State     string `json:"state"`
	Zip       string `json:"zip"`
	Phone     string `json:"phone_number"`
}

// flow returns the flow of the order.
func (r neutralRequest) flow() string {
	if r.Registrable {
		return FlowRegistrable
	}
	return r.Method
}

// validate returns what is wrong with an order; nil: nothing. The message does not repeat what was sent.
func (r neutralRequest) validate(number string, now time.Time) *refusal {
	switch {
	case r.Number != number:
		return refuse(codeInvalid, "number is not that of the path")
	case !slices.Contains(flows(), r.Method) || r.Method == FlowRegistrable:
		return refuse(codeInvalid, "collection_method is unknown")
	case r.Registrable && r.Method != FlowTestkit:
		return refuse(codeNotRegistrable, "only kits can be registered later")
	case len(r.Tests) == 0:
		return refuse(codeInvalid, "tests is missing")
	case slices.ContainsFunc(r.Tests, func(t orderedTest) bool { return t.Code == "" }):
		return refuse(codeUnknownTest, "a test has no code")
	case r.Registrable && r.Patient != nil:
		return refuse(codeInvalid, "patient must be absent from a kit that is registered later")
	case r.Registrable:
		return r.Shipping.validate("shipping")
	}
	return r.validatePatientAndAddress(now)
}

// validatePatientAndAddress returns what is wrong with the patient or the address; nil: nothing.
func (r neutralRequest) validatePatientAndAddress(now time.Time) *refusal {
	p := r.Patient
	switch {
	case p == nil:
		return refuse(codeInvalid, "patient is missing")
	case strings.TrimSpace(p.FirstName) == "" || strings.TrimSpace(p.LastName) == "":
		return refuse(codeInvalid, "patient has no name")
	case checkBirthDate(p.DOB, now) != "":
		return refuse(codeInvalid, "patient.dob is invalid")
	case p.Gender == "":
		return refuse(codeInvalid, "patient.gender is missing")
	case p.Phone == "" && p.Email == "":
		return refuse(codeInvalid, "patient.phone_number and patient.email are missing")
	}
	return r.Address.validate("address")
}

func (a *addressRequest) validate(name string) *refusal {
	switch {
	case a == nil:
		return refuse(codeInvalid, name+" is missing")
	case a.FirstLine == "" || a.City == "":
		return refuse(codeInvalid, name+" has no first_line or city")
	case !stateCode.MatchString(a.State):
		return refuse(codeInvalid, name+".state is invalid")
	case !postcode.MatchString(a.Zip):
		return refuse(codeInvalid, name+".zip is invalid")
	}
	return nil
}

// patientHash returns a hash of a patient. It differs between servers and cannot be reversed.
func (s *Server) patientHash(p *patientRequest) uint64 {
	if p == nil {
		return 0
	}
	return maphash.Comparable(s.hashSeed, *p)
}
