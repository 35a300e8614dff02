package documents

import (
	"cmp"
	"strconv"
	"strings"

	"github.com/aliquot-labs/aliquot/order"
)

// Parties are those who order a test, as a requisition names them. An empty field is not drawn.
type Parties struct {
	OrderedBy   string // the ordering clinic: the name of the team
	Account     string // the lab's number of the clinic's account, or our id of it
	AccountName string
}

// Requisition draws the requisition of an order for its lab. The order must have its sample id and its patient. The
// error is an *UnprintableError if the patient's name has a letter that cannot be printed.
func Requisition(o order.Order, parties Parties) ([]byte, error) {
	if err := checkPatient(o); err != nil {
		return nil, err
	}
	s := newCanvas("Laboratory requisition", patientLine(o), "Order "+o.ID, o.CreatedAt)
	s.drawHead("Laboratory requisition", labName(o), o.SampleID)
	s.drawOrder(o, parties)
	s.drawPeople(o)
	s.drawInsurance(o)
	s.drawTests(o)
	s.drawAOEAnswers(o)
	s.drawOptionalText("Diagnoses (ICD-10)", strings.Join(o.ICDCodes, ",  "))
	s.drawOptionalText("Clinical notes", o.LabNotes())
	s.drawSignature(o.Physician)
	s.drawCollectionForm()
	s.drawRequisitionSignatures(o.Physician)
	return encodePDF(s.pdf)
}

// drawHead draws the top of a document's first page: its title on the left, the sample's barcode on the right.
func (s *canvas) drawHead(title, below, sampleID string) {
	const codeWidth, codeHeight = 88, 17
	large := style{size: 17, bold: true, colour: accent}
	s.drawText(margin, s.y, large, title)
	lines, st, _ := s.fitLines(oneLine(below), strong, bodyWidth-codeWidth-4, 3, 5)
	for i, line := range lines[:min(len(lines), 3)] {
		s.drawText(margin, s.y+large.lineHeight()+1+float64(i)*st.lineHeight(), st, line)
	}
	if sampleID != "" {
		s.drawSampleBarcode(sampleID, letterWidth-margin-codeWidth, s.y, codeWidth, codeHeight)
	}
	s.y += codeHeight
}

// drawOrder draws the numbers of the order, who orders the test and which lab does it.
func (s *canvas) drawOrder(o order.Order, p Parties) {
	s.drawTitle("Order")
	s.drawFields([]field{
		{"Order number", o.Number},
		{"Ordered", order.DateOf(o.CreatedAt.UTC()).String()},
		{"Priority", ifElse(o.Priority, "STAT", "routine")},
		{"Ordering clinic", p.OrderedBy},
		{"Account", joinParts(p.Account, p.AccountName)},
	}, []field{
		{"Sample id", o.SampleID},
		{"Collection", humanize(string(o.Modality))},
		{"Billing", humanize(o.BillingType)},
		{"Laboratory", labName(o)},
		{"Lab's address", labAddress(o)},
	})
}

func (s *canvas) drawPeople(o order.Order) {
	s.drawTitle("Patient and physician")
	var left, right []field
	if p := o.Patient; p != nil {
		left = []field{
			{"Patient", fullName(p.FirstName, p.LastName)},
			{"Date of birth", p.DOB.String()},
			{"Sex", humanize(p.Gender)},
			{"Phone", p.Phone},
			{"Email", p.Email},
			{"Stands in", guardianName(p.MedicalProxy)},
		}
		right = []field{{"Patient's address", formatAddress(o.Address)}}
	}
	if p := o.Physician; p != nil {
		right = append(right, field{"Physician", fullName(p.FirstName, p.LastName)}, field{"NPI", p.NPI},
			field{"Physician's email", textOrEmpty(p.Email)})
	}
	s.drawColumns(left, right)
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
	const height = 16
	s.ensureRoom(height + 14)
	s.drawTitle("Collection")
	width := (bodyWidth - 2*columnGap) / 3
	for i, what := range []string{"Collected on (date, time and time zone)", "Collected by", "Hours since the last meal"} {
		x := margin + float64(i)*(width+columnGap)
		s.pdf.SetDrawColor(black.red, black.green, black.blue)
		s.pdf.Line(x, s.y+9, x+width, s.y+9)
		s.drawText(x, s.y+10, faint, what)
	}
	s.y += height
}

// drawRequisitionSignatures draws the lines for signatures by hand: the patient's, and the physician's if the order has
// no picture of it.
func (s *canvas) drawRequisitionSignatures(p *order.Physician) {
	const height, dated = 13.0, 22.0
	people := []string{"Signature of the patient or who stands in"}
	if p == nil || p.Signature == nil {
		people = append(people, "Signature of the physician")
	}
	s.ensureRoom(height)
	width := (bodyWidth - columnGap) / 2
	s.pdf.SetDrawColor(black.red, black.green, black.blue)
	s.pdf.SetLineWidth(0.2)
	y := s.y + height - 5
	for i, who := range people {
		x := margin + float64(i)*(width+columnGap)
		s.pdf.Line(x, y, x+width-dated-2, y)
		s.pdf.Line(x+width-dated, y, x+width, y)
		s.drawText(x, y+0.8, faint, who)
		s.drawText(x+width-dated, y+0.8, faint, "Date")
	}
	s.y += height
}
