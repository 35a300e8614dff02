package simlab

import (
	"hash/maphash"
	"slices"
	"strings"
	"time"
)

// The lives of an order of the neutral protocol: its collection method, and the kit whose patient is not known yet.
const (
	FlowTestkit     = "testkit"
	FlowRegistrable = "registrable"
	FlowWalkIn      = "walk_in_test"
	FlowPhlebotomy  = "at_home_phlebotomy"
	FlowOnSite      = "on_site_collection"
)

// lives lists the five.
func lives() []string {
	return []string{FlowTestkit, FlowRegistrable, FlowWalkIn, FlowPhlebotomy, FlowOnSite}
}

// neutralOrder is what the lab knows of an order besides what it knows of every order.
type neutralOrder struct {
	account          string // as it was named when the order was placed
	flow             string
	tests            []orderedTest
	replaces         string
	accession        string
	registered       bool      // its patient is known, and the requisition made
	patientHash      uint64    // stands for the patient, so that another can be told apart
	awaitsCorrection bool      // the lab holds it up for want of information
	corrected        bool      // the information came
	collectedAt      time.Time // when the sample was, as far as the lab knows; zero: it does not
	receivedAt       time.Time
	report           *neutralReport
}

// orderedTest is one of the tests that an order asks for.
type orderedTest struct {
	Code string `json:"code"`
	Name string `json:"name"`
}

// neutralRequest is the body of a call that places an order or registers its patient, as far as the simulated lab looks at it.
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

// flow is what scripts the order can have.
func (r neutralRequest) flow() string {
	if r.Registrable {
		return FlowRegistrable
	}
	return r.Method
}

// validate is what is wrong with an order, in the lab's words. It never repeats what was sent.
func (r neutralRequest) validate(number string, now time.Time) *refusal {
	switch {
	case r.Number != number:
		return refuse(codeInvalid, "number is not that of the path")
	case !slices.Contains(lives(), r.Method) || r.Method == FlowRegistrable:
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

// validatePatientAndAddress is what is wrong with the patient and the address.
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

// patientHash stands for a patient, for as long as the server lives, and cannot be turned back into one.
func (s *Server) patientHash(p *patientRequest) uint64 {
	if p == nil {
		return 0
	}
	return maphash.Comparable(s.hashSeed, *p)
}
