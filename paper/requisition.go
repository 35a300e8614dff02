package paper

import (
	"cmp"
	"strconv"
	"strings"

	"github.com/aliquot-labs/aliquot/order"
)

// Requisition draws what asks the lab for the tests of an order. The order has its sample id and its patient.
func Requisition(o order.Order) ([]byte, error) {
	s := newSheet("Laboratory requisition", who(o), "Order "+o.ID, o.CreatedAt)
	s.head("Laboratory requisition", labName(o), o.SampleID)
	s.title("Order")
	s.fields([]field{
		{"Order number", o.Number},
		{"Ordered", order.DateOf(o.CreatedAt.UTC()).String()},
		{"Priority", yes(o.Priority, "STAT", "routine")},
	}, []field{
		{"Sample id", o.SampleID},
		{"Collection", words(string(o.Modality))},
		{"Billing", words(o.BillingType)},
	})
	s.people(o)
	s.insurance(o)
	s.tests(o)
	s.answers(o)
	s.optionalText("Diagnoses (ICD-10)", strings.Join(o.ICDCodes, ",  "))
	s.optionalText("Clinical notes", o.LabNotes())
	s.signature(o.Physician)
	s.collection()
	return written(s.pdf)
}

// head is the upper end of a document's first page: what it is on the left, the sample's barcode on the right.
func (s *sheet) head(title, below, sampleID string) {
	const codeWidth, codeHeight = 88, 17
	large := style{size: 17, bold: true, colour: accent}
	s.text(margin, s.y, large, title)
	s.text(margin, s.y+large.lineHeight()+1, strong, s.fit(oneLine(below), strong, bodyWidth-codeWidth-4))
	if sampleID != "" {
		s.sampleCode(sampleID, letterWidth-margin-codeWidth, s.y, codeWidth, codeHeight)
	}
	s.y += codeHeight
}

func (s *sheet) people(o order.Order) {
	s.title("Patient and physician")
	var patient, physician []field
	if p := o.Patient; p != nil {
		patient = []field{
			{"Patient", name(p.FirstName, p.LastName)},
			{"Date of birth", p.DOB.String()},
			{"Sex", words(p.Gender)},
			{"Address", address(o.Address)},
			{"Phone", p.Phone},
			{"Email", p.Email},
			{"Stands in", proxy(p.MedicalProxy)},
		}
	}
	if p := o.Physician; p != nil {
		physician = []field{
			{"Physician", name(p.FirstName, p.LastName)},
			{"NPI", p.NPI},
			{"Email", text(p.Email)},
		}
	}
	s.fields(patient, physician)
}

func (s *sheet) tests(o order.Order) {
	s.title("Tests")
	s.fields([]field{
		{"Panel", o.LabTest.Name},
		{"Panel numbers", numbers(o.LabTest.PanelIDs)},
	}, []field{
		{"Sample type", words(o.LabTest.SampleType)},
		{"Fasting", yes(o.LabTest.Fasting, "required", "not required")},
	})
	if len(o.LabTest.Markers) == 0 {
		return
	}
	columns := func(st style, name, code, loinc string) []cell {
		return []cell{
			{margin, 112, st, name}, {margin + 116, 32, st, code}, {margin + 152, 33, st, loinc},
		}
	}
	s.table(columns(caption, "MARKER", "LAB'S CODE", "LOINC"), func() {
		for _, m := range o.LabTest.Markers {
			s.row(columns(plain, m.Name, text(m.ProviderID), text(m.LOINC)), 0, nil)
		}
	})
}

// answers are what was asked when the order was placed.
func (s *sheet) answers(o order.Order) {
	if len(o.AoEAnswers) == 0 {
		return
	}
	s.title("Answers to the lab's questions")
	columns := func(st style, marker, question, answer string) []cell {
		return []cell{{margin, 48, st, marker}, {margin + 52, 82, st, question}, {margin + 138, 47, st, answer}}
	}
	names := make(map[int64]string)
	for _, m := range o.LabTest.Markers {
		names[m.ID] = m.Name
	}
	s.table(columns(caption, "MARKER", "QUESTION", "ANSWER"), func() {
		for _, a := range o.AoEAnswers {
			s.row(columns(plain, names[a.MarkerID], cmp.Or(a.Question, strconv.FormatInt(a.QuestionID, 10)), cmp.Or(a.Text, a.Answer)), 0, nil)
		}
	})
}

func (s *sheet) optionalText(title, body string) {
	if strings.TrimSpace(body) == "" {
		return
	}
	s.title(title)
	s.paragraph(body, plain)
}

// collection is what is filled in by hand where the sample is taken.
func (s *sheet) collection() {
	const height = 22
	s.room(height + 14)
	s.title("Collection")
	width := (bodyWidth - 2*columnGap) / 3
	for i, what := range []string{"Collected on (date and time)", "Collected by", "Hours since the last meal"} {
		x := margin + float64(i)*(width+columnGap)
		s.pdf.SetDrawColor(black.red, black.green, black.blue)
		s.pdf.Line(x, s.y+11, x+width, s.y+11)
		s.text(x, s.y+12, faint, what)
	}
	s.y += height
}
