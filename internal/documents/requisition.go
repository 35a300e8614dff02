package documents

import (
	"cmp"
	"strconv"
	"strings"

	"github.com/aliquot-labs/aliquot/order"
)

// Requisition draws the requisition of an order for its lab. The order must have its sample id and its patient.
func Requisition(o order.Order) ([]byte, error) {
	s := newCanvas("Laboratory requisition", patientLine(o), "Order "+o.ID, o.CreatedAt)
	s.drawHead("Laboratory requisition", labName(o), o.SampleID)
	s.drawTitle("Order")
	s.drawFields([]field{
		{"Order number", o.Number},
		{"Ordered", order.DateOf(o.CreatedAt.UTC()).String()},
		{"Priority", ifElse(o.Priority, "STAT", "routine")},
	}, []field{
		{"Sample id", o.SampleID},
		{"Collection", humanize(string(o.Modality))},
		{"Billing", humanize(o.BillingType)},
	})
	s.drawPeople(o)
	s.drawInsurance(o)
	s.drawTests(o)
	s.drawAOEAnswers(o)
	s.drawOptionalText("Diagnoses (ICD-10)", strings.Join(o.ICDCodes, ",  "))
	s.drawOptionalText("Clinical notes", o.LabNotes())
	s.drawSignature(o.Physician)
	s.drawCollectionForm()
	return encodePDF(s.pdf)
}

// drawHead draws the top of a document's first page: its title on the left, the sample's barcode on the right.
func (s *canvas) drawHead(title, below, sampleID string) {
	const codeWidth, codeHeight = 88, 17
	large := style{size: 17, bold: true, colour: accent}
	s.drawText(margin, s.y, large, title)
	s.drawText(margin, s.y+large.lineHeight()+1, strong, s.truncate(oneLine(below), strong, bodyWidth-codeWidth-4))
	if sampleID != "" {
		s.drawSampleBarcode(sampleID, letterWidth-margin-codeWidth, s.y, codeWidth, codeHeight)
	}
	s.y += codeHeight
}

func (s *canvas) drawPeople(o order.Order) {
	s.drawTitle("Patient and physician")
	var patient, physician []field
	if p := o.Patient; p != nil {
		patient = []field{
			{"Patient", fullName(p.FirstName, p.LastName)},
			{"Date of birth", p.DOB.String()},
			{"Sex", humanize(p.Gender)},
			{"Address", formatAddress(o.Address)},
			{"Phone", p.Phone},
			{"Email", p.Email},
			{"Stands in", guardianName(p.MedicalProxy)},
		}
	}
	if p := o.Physician; p != nil {
		physician = []field{
			{"Physician", fullName(p.FirstName, p.LastName)},
			{"NPI", p.NPI},
			{"Email", textOrEmpty(p.Email)},
		}
	}
	s.drawFields(patient, physician)
}

func (s *canvas) drawTests(o order.Order) {
	s.drawTitle("Tests")
	s.drawFields([]field{
		{"Panel", o.LabTest.Name},
		{"Panel numbers", joinNumbers(o.LabTest.PanelIDs)},
	}, []field{
		{"Sample type", humanize(o.LabTest.SampleType)},
		{"Fasting", ifElse(o.LabTest.Fasting, "required", "not required")},
	})
	if len(o.LabTest.Markers) == 0 {
		return
	}
	columns := func(st style, name, code, loinc string) []cell {
		return []cell{
			{margin, 112, st, name}, {margin + 116, 32, st, code}, {margin + 152, 33, st, loinc},
		}
	}
	s.drawTable(columns(caption, "MARKER", "LAB'S CODE", "LOINC"), func() {
		for _, m := range o.LabTest.Markers {
			s.drawRow(columns(plain, m.Name, textOrEmpty(m.ProviderID), textOrEmpty(m.LOINC)), 0, nil)
		}
	})
}

// drawAOEAnswers draws the questions of the lab and the answers of the order.
func (s *canvas) drawAOEAnswers(o order.Order) {
	if len(o.AoEAnswers) == 0 {
		return
	}
	s.drawTitle("Answers to the lab's questions")
	columns := func(st style, marker, question, answer string) []cell {
		return []cell{{margin, 48, st, marker}, {margin + 52, 82, st, question}, {margin + 138, 47, st, answer}}
	}
	names := make(map[int64]string)
	for _, m := range o.LabTest.Markers {
		names[m.ID] = m.Name
	}
	s.drawTable(columns(caption, "MARKER", "QUESTION", "ANSWER"), func() {
		for _, a := range o.AoEAnswers {
			s.drawRow(columns(plain, names[a.MarkerID], cmp.Or(a.Question, strconv.FormatInt(a.QuestionID, 10)),
				cmp.Or(a.Text, a.Answer)), 0, nil)
		}
	})
}

func (s *canvas) drawOptionalText(title, body string) {
	if strings.TrimSpace(body) == "" {
		return
	}
	s.drawTitle(title)
	s.drawParagraph(body, plain)
}

// drawCollectionForm draws the fields that are filled in by hand at the collection.
func (s *canvas) drawCollectionForm() {
	const height = 22
	s.ensureRoom(height + 14)
	s.drawTitle("Collection")
	width := (bodyWidth - 2*columnGap) / 3
	for i, what := range []string{"Collected on (date and time)", "Collected by", "Hours since the last meal"} {
		x := margin + float64(i)*(width+columnGap)
		s.pdf.SetDrawColor(black.red, black.green, black.blue)
		s.pdf.Line(x, s.y+11, x+width, s.y+11)
		s.drawText(x, s.y+12, faint, what)
	}
	s.y += height
}
