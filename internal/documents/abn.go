package documents

import (
	"strconv"
	"strings"

	"github.com/aliquot-labs/aliquot/order"
)

// abnOptions are the options of form CMS-R-131.
var abnOptions = []struct{ title, text string }{
	{"OPTION 1.",
		"I want the tests listed above. You may ask to be paid now, but I also want Medicare billed for an official " +
			"decision on payment, which is sent to me on a Medicare Summary Notice (MSN). I understand that if Medicare " +
			"does not pay, I am responsible for payment, but I can appeal to Medicare by following the directions on the " +
			"MSN. If Medicare does pay, you will refund any payments I made to you, less co-pays or deductibles."},
	{"OPTION 2.",
		"I want the tests listed above, but do not bill Medicare. You may ask to be paid now as I am responsible for " +
			"payment. I cannot appeal if Medicare is not billed."},
	{"OPTION 3.",
		"I do not want the tests listed above. I understand with this choice I am not responsible for payment, and I " +
			"cannot appeal to see if Medicare would pay."},
}

// abnReason is why Medicare may not pay. Which of its parts applies to a test is unknown until Medicare decides.
const abnReason = "Medicare does not pay for this test for your condition, or not as often as this, or not where " +
	"it is denied as experimental or for screening."

// ABN draws the Advance Beneficiary Notice of Non-coverage of an order that Medicare is billed for, with the parts of
// form CMS-R-131. The order must have its patient and its insurance.
// The error is an *UnprintableError if the patient's name has a letter that cannot be printed.
func ABN(o order.Order) ([]byte, error) {
	if err := checkPatient(o); err != nil {
		return nil, err
	}
	s := newCanvas("Advance Beneficiary Notice of Non-coverage (ABN)", patientLine(o), "Order "+o.ID, o.CreatedAt)
	s.drawHead("Advance Beneficiary Notice of Non-coverage (ABN)", "", "")
	s.y -= 6
	s.drawFields([]field{
		{"A. Notifier", labName(o)},
		{"B. Patient", fullName(o.Patient.FirstName, o.Patient.LastName)},
		{"Date of birth", o.Patient.DOB.String()},
	}, []field{
		{"C. Identification", o.Number},
		{"Medicare number", o.BilledInsurance.MemberID},
		{"Diagnoses", strings.Join(o.ICDCodes, ", ")},
	})
	s.y += 2
	s.drawParagraph("NOTE: If Medicare does not pay for the tests below, you may have to pay. Medicare does not pay "+
		"for everything, even some care that you or your health care provider have good reason to think you need. We "+
		"expect Medicare may not pay for the tests below.", strong)
	s.drawUncoveredTests(o)
	s.drawTitle("What you need to do now")
	for _, line := range []string{
		"Read this notice, so you can make an informed decision about your care.",
		"Ask us any questions that you may have after you finish reading.",
		"Choose an option below about whether to receive the tests listed above. If you choose option 1 or 2, we may " +
			"help you to use any other insurance that you might have, but Medicare cannot require us to do this.",
	} {
		s.drawRow([]cell{{margin, 5, plain, "•"}, {margin + 5, bodyWidth - 5, plain, line}}, 0, nil)
		s.y -= rowPadding
	}
	s.drawOptions()
	s.drawTitle("H. Additional information")
	s.drawParagraph("This notice gives our opinion, not an official Medicare decision. If you have other questions on "+
		"this notice or Medicare billing, call 1-800-MEDICARE (1-800-633-4227; TTY: 1-877-486-2048). Signing below means "+
		"that you have received and understand this notice. You also receive a copy.", plain)
	s.drawSignatureLines("I. Signature", "J. Date")
	s.drawParagraph("You have the right to get Medicare information in an accessible format, like large print, "+
		"Braille, or audio. You also have the right to file a complaint if you feel you have been discriminated "+
		"against.", faint)
	return encodePDF(s.pdf)
}

// drawUncoveredTests draws the tests that may not be paid for, the reason and the cost.
func (s *canvas) drawUncoveredTests(o order.Order) {
	columns := func(st style, what, why, cost string) []cell {
		return []cell{{margin, 68, st, what}, {margin + 72, 82, st, why}, {margin + 158, 27, st, cost}}
	}
	s.y += 3
	s.drawTable(columns(caption, "D. TESTS", "E. REASON MEDICARE MAY NOT PAY", "F. ESTIMATED COST"), func() {
		s.drawRow(columns(plain, testNames(o.LabTest), abnReason, formatCost(o)), 0, nil)
	})
}

// testNames returns the name of the lab test and those of its markers, one per line.
func testNames(t order.LabTest) string {
	lines := []string{t.Name}
	for _, m := range t.Markers {
		if m.Name != t.Name {
			lines = append(lines, "– "+m.Name)
		}
	}
	return strings.Join(lines, "\n")
}

// formatCost returns the price of the lab test in the patient's state, in dollars. Without a price the patient has to
// ask.
func formatCost(o order.Order) string {
	price := o.LabTest.Price
	if p := o.LabTest.Pricing; p != nil && o.Address != nil {
		price = float64(p.ForState(o.Address.State)) / 100
	}
	if price <= 0 {
		return "Ask us before you choose"
	}
	return "$" + strconv.FormatFloat(price, 'f', 2, 64)
}

// drawOptions draws the options with their check boxes.
func (s *canvas) drawOptions() {
	const box, indent = 3.4, 7.0
	s.drawTitle("G. Options: check only one box. We cannot choose a box for you.")
	for _, o := range abnOptions {
		s.drawRow([]cell{{margin + indent, bodyWidth - indent, plain, o.title + " " + o.text}}, 0, func(y float64) {
			s.pdf.SetDrawColor(black.red, black.green, black.blue)
			s.pdf.SetLineWidth(0.3)
			s.pdf.Rect(margin+0.5, y+0.2, box, box, "D")
		})
	}
}

// drawSignatureLines draws the lines for the signature and the date.
func (s *canvas) drawSignatureLines(signature, date string) {
	const dated = 50
	s.ensureRoom(20)
	s.y += 12
	s.pdf.SetDrawColor(black.red, black.green, black.blue)
	s.pdf.SetLineWidth(0.2)
	s.pdf.Line(margin, s.y, letterWidth-margin-dated-columnGap, s.y)
	s.pdf.Line(letterWidth-margin-dated, s.y, letterWidth-margin, s.y)
	s.drawText(margin, s.y+1, faint, signature)
	s.drawText(letterWidth-margin-dated, s.y+1, faint, date)
	s.y += 7
}
