package documents

import (
	"fmt"
	"time"

	"github.com/aliquot-labs/aliquot/order"
)

// A label is three inches wide and two high. Each label is a page, as label printers expect.
const (
	labelWidth, labelHeight = 76.2, 50.8

	labelMargin = 3.0
	labelBody   = labelWidth - 2*labelMargin
)

// The type of a name on a label, in points, and the height that it may have, in millimetres. The rest is for the
// birth date, the collection and the barcode.
const (
	nameSize, smallestName = 12.0, 3.5
	nameHeight             = 21.0
)

// MaxLabels is the greatest number of labels in a document.
const MaxLabels = 50

// Collection is when a sample was collected.
type Collection struct {
	At       time.Time // in the time zone of the collection
	DateOnly bool      // the time of day is unknown, and is written by hand
}

// Labels draws equal labels for the tubes of an order. The order must have its sample id and its patient. The whole
// name is on the label, in smaller type and on several lines where it is long. The error is an *UnprintableError if the
// name has a letter that cannot be printed.
func Labels(o order.Order, copies int, collected Collection) ([]byte, error) {
	if copies < 1 || copies > MaxLabels {
		return nil, fmt.Errorf("drawing %d labels: between 1 and %d can be drawn", copies, MaxLabels)
	}
	if err := checkPatient(o); err != nil {
		return nil, err
	}
	s := &canvas{pdf: newDocument("Labels", labelWidth, labelHeight, o.CreatedAt)}
	for range copies {
		s.drawLabel(o, collected)
	}
	return encodePDF(s.pdf)
}

func (s *canvas) drawLabel(o order.Order, collected Collection) {
	s.pdf.AddPage()
	y := labelMargin
	if p := o.Patient; p != nil {
		lines, st := s.fitName(oneLine(fullName(p.FirstName, p.LastName)))
		for _, line := range lines {
			s.drawText(labelMargin, y, st, line)
			y += st.lineHeight()
		}
		y += 0.5
		s.drawText(labelMargin, y, plain, "Date of birth: "+p.DOB.String())
		y += plain.lineHeight()
	}
	s.drawText(labelMargin, y, plain, "Collected: "+collected.String())
	y += plain.lineHeight() + 2
	s.drawSampleBarcode(o.SampleID, 0, y, labelWidth, labelHeight-labelMargin-y)
}

// fitName returns the lines of a name, in the largest type in which they have room.
func (s *canvas) fitName(name string) ([]string, style) {
	const step = 0.5
	for size := nameSize; ; size -= step {
		st := style{size: size, bold: true, colour: black}
		most := int(nameHeight / st.lineHeight())
		if size >= nameSize {
			most = 2 // a short name is not drawn larger than on the other labels
		}
		lines, whole := s.wrap(name, st, labelBody)
		if whole && len(lines) <= most {
			return lines, st
		}
		if size <= smallestName {
			return lines[:min(len(lines), most)], st
		}
	}
}

// String returns the day, the time and its zone, or a line for the time to be written by hand.
func (c Collection) String() string {
	if c.DateOnly {
		return c.At.Format("2006-01-02") + ", at ____________"
	}
	if _, offset := c.At.Zone(); offset == 0 {
		return c.At.Format("2006-01-02 15:04 UTC")
	}
	return c.At.Format("2006-01-02 15:04 UTC-07:00")
}

// checkPatient returns an *UnprintableError if the patient's name would lose a letter in print.
func checkPatient(o order.Order) error {
	if o.Patient == nil {
		return nil
	}
	return checkName(o.Patient.FirstName, o.Patient.LastName)
}
