package neutral

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/aliquot-labs/aliquot/labs"
	"github.com/aliquot-labs/aliquot/labs/partnerhttp"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
)

// orderBody is the protocol's form of an order.
type orderBody struct {
	Number      string             `json:"number"`
	Method      lifecycle.Modality `json:"collection_method"`
	Registrable bool               `json:"registrable"`
	Patient     *patient           `json:"patient,omitempty"`
	Address     *address           `json:"address,omitempty"`
	Shipping    *address           `json:"shipping,omitempty"`
	Tests       []orderedTest      `json:"tests"`
	Physician   *physician         `json:"physician,omitempty"`
	Answers     []aoeAnswer        `json:"aoe_answers,omitempty"`
	ICDCodes    []string           `json:"icd_codes,omitempty"`
	Billing     string             `json:"billing_type,omitempty"`
	Insurance   *insurance         `json:"insurance,omitempty"`
	Notes       string             `json:"clinical_notes,omitempty"`
	Priority    bool               `json:"priority"`
	Replaces    string             `json:"replaces,omitempty"`
	Script      string             `json:"script,omitempty"`
}

type patient struct {
	FirstName string `json:"first_name"`
	LastName  string `json:"last_name"`
	DOB       string `json:"dob"`
	Gender    string `json:"gender"`
	Phone     string `json:"phone_number"`
	Email     string `json:"email"`
}

// address is used for several addresses in both directions; each of them uses some of the fields.
type address struct {
	ReceiverName string  `json:"receiver_name,omitempty"`
	FirstLine    string  `json:"first_line"`
	SecondLine   *string `json:"second_line,omitempty"`
	City         string  `json:"city"`
	State        string  `json:"state"`
	Zip          string  `json:"zip"`
	Country      string  `json:"country,omitempty"`
	AccessNotes  *string `json:"access_notes,omitempty"`
	Phone        string  `json:"phone_number,omitempty"`
}

type orderedTest struct {
	Code string `json:"code"`
	Name string `json:"name"`
}

// aoeAnswer is the answer to a question that the lab asks at order entry.
type aoeAnswer struct {
	Test     string `json:"test"` // the lab's code of the test
	Code     string `json:"code"` // the lab's code of the question
	Question string `json:"question"`
	Answer   string `json:"answer"`
}

type physician struct {
	FirstName string `json:"first_name"`
	LastName  string `json:"last_name"`
	NPI       string `json:"npi"`
}

// pathIDPattern matches our ids of appointments, which are used in a path.
var pathIDPattern = regexp.MustCompile(`^[0-9A-Za-z_-][0-9A-Za-z._-]{0,63}$`)

// requisition builds the body for an order, or returns a RefusedError before the partner is called. The body depends on
// the order and the account only, so that every attempt sends the same.
func (c *Client) requisition(r labs.Requisition) (orderBody, error) {
	o := r.Order
	body := orderBody{
		Number:      r.OrderNumber,
		Method:      o.Modality,
		Registrable: o.Registrable && !o.Registered,
		Tests:       testsOf(o.LabTest),
		ICDCodes:    o.ICDCodes,
		Notes:       o.LabNotes(),
		Billing:     o.BillingType,
		Insurance:   insuranceOf(o.BilledInsurance),
		Priority:    o.Priority,
		Replaces:    r.OriginNumber,
	}
	if body.Registrable && !c.settings.Registrable {
		return orderBody{}, &labs.RefusedError{Code: labs.CodeRegistrationNeeded}
	}
	if body.Registrable {
		body.Shipping = shippingOf(o.Shipping)
	} else {
		body.Patient, body.Address, body.Physician = patientOf(o.Patient), addressOf(o.Address), physicianOf(o.Physician)
	}
	body.Answers = answersOf(o)
	if c.account.Environment == labs.Sandbox {
		body.Script = r.Script
	}
	if fields := c.invalidFields(body); len(fields) > 0 {
		return orderBody{}, &labs.RefusedError{Code: labs.CodeInvalidRequisition, Fields: fields}
	}
	return body, nil
}

// invalidFields returns the names of required fields that are missing or invalid.
func (c *Client) invalidFields(b orderBody) []string {
	checks := []struct {
		field string
		valid bool
	}{
		{"number", partnerhttp.UsableInPath(b.Number)},
		{"collection_method", c.settings.supports(b.Method)},
		{"patient", b.Registrable || b.Patient != nil},
		{"address", b.Registrable || b.Address != nil},
		{"shipping", !b.Registrable || b.Shipping != nil},
		{"tests", len(b.Tests) > 0},
	}
	var fields []string
	for _, check := range checks {
		if !check.valid {
			fields = append(fields, check.field)
		}
	}
	return fields
}

// testsOf lists the ordered tests by the lab's codes: those of the markers (a redraw has fewer markers), or else the
// panel ids that the lab has issued, or else the slug of the lab test.
func testsOf(t order.LabTest) []orderedTest {
	var tests []orderedTest
	for _, m := range t.Markers {
		if m.ProviderID != nil && *m.ProviderID != "" {
			tests = append(tests, orderedTest{Code: *m.ProviderID, Name: m.Name})
		}
	}
	if len(tests) > 0 {
		return tests
	}
	for _, id := range t.PanelIDs {
		tests = append(tests, orderedTest{Code: strconv.Itoa(id), Name: t.Name})
	}
	if len(tests) == 0 && t.Slug != "" {
		tests = append(tests, orderedTest{Code: t.Slug, Name: t.Name})
	}
	return tests
}

// answersOf lists the answers to questions that the lab has codes for.
func answersOf(o *order.Order) []aoeAnswer {
	codes := map[int64]string{}
	for _, m := range o.LabTest.Markers {
		if m.ProviderID != nil {
			codes[m.ID] = *m.ProviderID
		}
	}
	var out []aoeAnswer
	for _, a := range o.AoEAnswers {
		if code, ordered := codes[a.MarkerID]; ordered && a.Code != "" {
			out = append(out, aoeAnswer{Test: code, Code: a.Code, Question: a.Question, Answer: a.Answer})
		}
	}
	return out
}

func patientOf(p *order.Patient) *patient {
	if p == nil {
		return nil
	}
	return &patient{
		FirstName: strings.TrimSpace(p.FirstName), LastName: strings.TrimSpace(p.LastName), DOB: p.DOB.String(),
		Gender: p.Gender, Phone: p.Phone, Email: p.Email,
	}
}

func addressOf(a *order.Address) *address {
	if a == nil {
		return nil
	}
	out := address{
		ReceiverName: a.ReceiverName, FirstLine: a.FirstLine, SecondLine: a.SecondLine, City: a.City, State: a.State,
		Zip: a.Zip, Country: a.Country, AccessNotes: a.AccessNotes,
	}
	if a.Phone != nil {
		out.Phone = *a.Phone
	}
	return &out
}

func shippingOf(a *order.ShippingAddress) *address {
	if a == nil {
		return nil
	}
	return &address{
		ReceiverName: a.ReceiverName, FirstLine: a.FirstLine, SecondLine: a.SecondLine, City: a.City, State: a.State,
		Zip: a.Zip, Country: a.Country, Phone: a.Phone,
	}
}

func physicianOf(p *order.Physician) *physician {
	if p == nil {
		return nil
	}
	return &physician{FirstName: p.FirstName, LastName: p.LastName, NPI: p.NPI}
}
