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

// MaxLabels is the greatest number of labels in a document.
const MaxLabels = 50

// Labels draws equal labels for the tubes of an order. The order must have its sample id and its patient. The
// collection time is written in its own time zone.
func Labels(o order.Order, copies int, collected time.Time) ([]byte, error) {
	if copies < 1 || copies > MaxLabels {
		return nil, fmt.Errorf("drawing %d labels: between 1 and %d can be drawn", copies, MaxLabels)
	}
	s := &canvas{pdf: newDocument("Labels", labelWidth, labelHeight, o.CreatedAt)}
	for range copies {
		s.drawLabel(o, collected)
	}
	return encodePDF(s.pdf)
}

func (s *canvas) drawLabel(o order.Order, collected time.Time) {
	s.pdf.AddPage()
	y := labelMargin
	if p := o.Patient; p != nil {
		large := style{size: 12, bold: true, colour: black}
		s.drawText(labelMargin, y, large, s.truncate(oneLine(fullName(p.FirstName, p.LastName)), large, labelBody))
		y += large.lineHeight() + 0.5
		s.drawText(labelMargin, y, plain, "Date of birth: "+p.DOB.String())
		y += plain.lineHeight()
	}
	s.drawText(labelMargin, y, plain, "Collected: "+collected.Format("2006-01-02 15:04"))
	y += plain.lineHeight() + 2
	s.drawSampleBarcode(o.SampleID, 0, y, labelWidth, labelHeight-labelMargin-y)
}
