package paper

import (
	"strconv"
	"strings"

	"github.com/aliquot-labs/aliquot/order"
)

const typeComment = "comment"

// The columns of the results.
const (
	nameAt, nameWidth           = margin, 50.0
	resultAt, resultWidth       = margin + 53, 32.0
	flagAt, flagWidth           = margin + 88, 24.0
	referenceAt, referenceWidth = margin + 115, 27.0
	rangeAt, rangeWidth         = margin + 145, bodyWidth - 145
)

// Report draws the results of an order, for labs that send no document of their own.
func Report(o order.Order, v order.ResultVersion) ([]byte, error) {
	r := v.Report
	laboratory := r.Laboratory
	if laboratory == "" {
		laboratory = labName(o)
	}
	s := newSheet("Laboratory report", who(o), "Order "+o.ID+", drawn from the results as the laboratory sent them", r.ReportedAt)
	s.head("Laboratory report", laboratory, o.SampleID)
	s.about(o, v, laboratory)
	s.banners(r)
	s.results(r.Results)
	s.missing(r.Missing)
	return written(s.pdf)
}

func (s *sheet) about(o order.Order, v order.ResultVersion, laboratory string) {
	r := v.Report
	left := []field{}
	if p := o.Patient; p != nil {
		left = []field{
			{"Patient", name(p.FirstName, p.LastName)},
			{"Date of birth", p.DOB.String()},
			{"Age", strconv.Itoa(p.DOB.YearsUntil(order.DateOf(r.ReportedAt.UTC())))},
			{"Sex", words(p.Gender)},
		}
	}
	if p := o.Physician; p != nil {
		left = append(left, field{"Physician", name(p.FirstName, p.LastName)})
	}
	s.title("Report")
	s.fields(append(left, field{"Test", o.LabTest.Name}), []field{
		{"Laboratory", laboratory},
		{"Order number", o.Number},
		{"Sample id", o.SampleID},
		{"Collected", moment(r.CollectedAt)},
		{"Received", moment(r.ReceivedAt)},
		{"Reported", moment(&r.ReportedAt)},
		{"Status", r.Status + ", version " + strconv.Itoa(v.Version)},
	})
}

// banners say what must not be overlooked.
func (s *sheet) banners(r order.Report) {
	if r.Interpretation == order.Critical {
		s.banner("CRITICAL: this report has results that need attention at once", criticalColour)
	}
	if r.Status == "partial" {
		s.banner("PARTIAL: more results are to come", abnormalColour)
	}
}

func (s *sheet) banner(text string, c colour) {
	const height = 7
	s.room(height + 2)
	s.y++
	s.fill(margin, s.y, bodyWidth, height, c)
	st := style{size: 9.5, bold: true, colour: white}
	s.text(margin+3, s.y+(height-st.lineHeight())/2, st, text)
	s.y += height + 1
}

func (s *sheet) results(results []order.Result) {
	s.title("Results")
	head := []cell{
		{nameAt, nameWidth, caption, "MARKER"}, {resultAt, resultWidth, caption, "RESULT"}, {flagAt, flagWidth, caption, "FLAG"},
		{referenceAt, referenceWidth, caption, "REFERENCE"}, {rangeAt, rangeWidth, caption, "PLACE IN THE RANGE"},
	}
	s.table(head, func() {
		for _, r := range results {
			s.result(r)
			s.rule(s.y, pale)
		}
	})
}

func (s *sheet) result(r order.Result) {
	mark := flagOf(r)
	value := plain
	if mark.text != "" {
		value = strong
	}
	cells := []cell{{nameAt, nameWidth, plain, r.Name}}
	if r.Type == typeComment && mark.text == "" && text(r.ReferenceRange) == "" {
		cells = append(cells, cell{resultAt, bodyWidth - (resultAt - margin), plain, r.Text})
		s.row(cells, 0, nil)
		return
	}
	cells = append(cells,
		cell{resultAt, resultWidth, value, strings.TrimSpace(r.Text + " " + text(r.Unit))},
		cell{referenceAt, referenceWidth, plain, strings.TrimSpace(text(r.ReferenceRange) + " " + text(r.Unit))})
	if text(r.ReferenceRange) == "" {
		cells = cells[:len(cells)-1]
	}
	s.row(cells, rangeHeight, func(y float64) {
		s.flag(mark, r.SourceFlag, flagAt, y)
		s.rangeBar(r, mark, rangeAt, y, rangeWidth)
	})
}

// missing are the markers that were ordered and not reported.
func (s *sheet) missing(missing []order.Missing) {
	if len(missing) == 0 {
		return
	}
	s.title("Not reported")
	columns := func(st style, name, why, note string) []cell {
		return []cell{{nameAt, nameWidth, st, name}, {resultAt, 55, st, why}, {margin + 112, bodyWidth - 112, st, note}}
	}
	s.table(columns(caption, "MARKER", "LIKELY CAUSE", "LAB'S NOTE"), func() {
		for _, m := range missing {
			s.row(columns(plain, m.Name, words(m.FailureType), text(m.Note)), 0, nil)
			s.rule(s.y, pale)
		}
	})
}
