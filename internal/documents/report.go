package documents

import (
	"strconv"
	"strings"

	"github.com/aliquot-labs/aliquot/order"
)

const typeComment = "comment"

// The columns of the results.
const (
	nameX, nameWidth           = margin, 50.0
	resultX, resultWidth       = margin + 53, 32.0
	flagX, flagWidth           = margin + 88, 24.0
	referenceX, referenceWidth = margin + 115, 27.0
	rangeX, rangeWidth         = margin + 145, bodyWidth - 145
)

// Report draws the results of an order, for labs that send no document.
func Report(o order.Order, v order.ResultVersion) ([]byte, error) {
	r := v.Report
	laboratory := r.Laboratory
	if laboratory == "" {
		laboratory = labName(o)
	}
	s := newCanvas("Laboratory report", patientLine(o),
		"Order "+o.ID+", drawn from the results as the laboratory sent them", r.ReportedAt)
	s.drawHead("Laboratory report", laboratory, o.SampleID)
	s.drawReportHead(o, v, laboratory)
	s.drawBanners(r)
	s.drawResults(r.Results)
	s.drawMissing(r.Missing)
	return encodePDF(s.pdf)
}

func (s *canvas) drawReportHead(o order.Order, v order.ResultVersion, laboratory string) {
	r := v.Report
	left := []field{}
	if p := o.Patient; p != nil {
		left = []field{
			{"Patient", fullName(p.FirstName, p.LastName)},
			{"Date of birth", p.DOB.String()},
			{"Age", strconv.Itoa(p.DOB.YearsUntil(order.DateOf(r.ReportedAt.UTC())))},
			{"Sex", humanize(p.Gender)},
		}
	}
	if p := o.Physician; p != nil {
		left = append(left, field{"Physician", fullName(p.FirstName, p.LastName)})
	}
	s.drawTitle("Report")
	s.drawFields(append(left, field{"Test", o.LabTest.Name}), []field{
		{"Laboratory", laboratory},
		{"Order number", o.Number},
		{"Sample id", o.SampleID},
		{"Collected", formatTime(r.CollectedAt)},
		{"Received", formatTime(r.ReceivedAt)},
		{"Reported", formatTime(&r.ReportedAt)},
		{"Status", r.Status + ", version " + strconv.Itoa(v.Version)},
	})
}

// drawBanners draws the notices at the top of a lab report.
func (s *canvas) drawBanners(r order.LabReport) {
	if r.Interpretation == order.InterpretationCritical {
		s.drawBanner("CRITICAL: this report has results that need attention at once", criticalColour)
	}
	if r.Status == "partial" {
		s.drawBanner("PARTIAL: more results are to come", abnormalColour)
	}
}

func (s *canvas) drawBanner(text string, c colour) {
	const height = 7
	s.ensureRoom(height + 2)
	s.y++
	s.fillRect(margin, s.y, bodyWidth, height, c)
	st := style{size: 9.5, bold: true, colour: white}
	s.drawText(margin+3, s.y+(height-st.lineHeight())/2, st, text)
	s.y += height + 1
}

func (s *canvas) drawResults(results []order.Result) {
	s.drawTitle("Results")
	head := []cell{
		{nameX, nameWidth, caption, "MARKER"}, {resultX, resultWidth, caption, "RESULT"}, {flagX, flagWidth, caption, "FLAG"},
		{referenceX, referenceWidth, caption, "REFERENCE"}, {rangeX, rangeWidth, caption, "PLACE IN THE RANGE"},
	}
	s.drawTable(head, func() {
		for _, r := range results {
			s.drawResult(r)
			s.drawRule(s.y, pale)
		}
	})
}

func (s *canvas) drawResult(r order.Result) {
	resultFlag := flagOf(r)
	value := plain
	if resultFlag.text != "" {
		value = strong
	}
	cells := []cell{{nameX, nameWidth, plain, r.Name}}
	if r.Type == typeComment && resultFlag.text == "" && textOrEmpty(r.ReferenceRange) == "" {
		cells = append(cells, cell{resultX, bodyWidth - (resultX - margin), plain, r.Text})
		s.drawRow(cells, 0, nil)
		return
	}
	cells = append(cells,
		cell{resultX, resultWidth, value, strings.TrimSpace(r.Text + " " + textOrEmpty(r.Unit))},
		cell{referenceX, referenceWidth, plain, strings.TrimSpace(textOrEmpty(r.ReferenceRange) + " " + textOrEmpty(r.Unit))})
	if textOrEmpty(r.ReferenceRange) == "" {
		cells = cells[:len(cells)-1]
	}
	s.drawRow(cells, rangeHeight, func(y float64) {
		s.drawFlag(resultFlag, r.SourceFlag, flagX, y)
		s.drawRangeBar(r, resultFlag, rangeX, y, rangeWidth)
	})
}

// drawMissing draws the markers that were ordered and have no result.
func (s *canvas) drawMissing(missing []order.MissingMarker) {
	if len(missing) == 0 {
		return
	}
	s.drawTitle("Not reported")
	columns := func(st style, name, why, note string) []cell {
		return []cell{{nameX, nameWidth, st, name}, {resultX, 55, st, why}, {margin + 112, bodyWidth - 112, st, note}}
	}
	s.drawTable(columns(caption, "MARKER", "LIKELY CAUSE", "LAB'S NOTE"), func() {
		for _, m := range missing {
			s.drawRow(columns(plain, m.Name, humanize(m.FailureType), textOrEmpty(m.Note)), 0, nil)
			s.drawRule(s.y, pale)
		}
	})
}
