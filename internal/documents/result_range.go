package documents

import (
	"math"
	"strconv"

	"codeberg.org/go-pdf/fpdf"

	"github.com/aliquot-labs/aliquot/order"
)

// rangeHeight is the height of a range with the limits below it, in millimetres.
const rangeHeight = 7.0

// axis is the part of the number line that a range bar shows.
type axis struct{ from, to float64 }

// axisFor extends a range by half of its width on either side. A range with one limit is extended by the distance of
// the limit from zero. ok is false if there is nothing to draw.
func axisFor(low, high *float64) (axis, bool) {
	var s axis
	switch {
	case low != nil && high != nil:
		span := *high - *low
		s = axis{*low - span/2, *high + span/2}
	case low != nil:
		s = scaleAround(*low)
	case high != nil:
		s = scaleAround(*high)
	}
	width := s.to - s.from
	return s, width > 0 && !math.IsInf(width, 0)
}

func scaleAround(limit float64) axis {
	span := math.Abs(limit)
	if span == 0 {
		span = 1
	}
	return axis{limit - span, limit + span}
}

// position returns where a value is on the axis: 0 at its beginning, 1 at its end.
func (s axis) position(value float64) float64 { return (value - s.from) / (s.to - s.from) }

// drawRangeBar draws the reference range of a numeric result and the position of the value.
func (s *canvas) drawRangeBar(r order.Result, resultFlag flag, x, y, width float64) {
	const thickness, top = 2.2, 1.6
	scale, ok := axisFor(r.Min, r.Max)
	if !ok || r.Value == nil {
		return
	}
	from, to := 0.0, 1.0
	if r.Min != nil {
		from = scale.position(*r.Min)
		s.drawRangeLimit(*r.Min, x+from*width, y+top+thickness)
	}
	if r.Max != nil {
		to = scale.position(*r.Max)
		s.drawRangeLimit(*r.Max, x+to*width, y+top+thickness)
	}
	s.fillRect(x, y+top, width, thickness, pale)
	s.fillRect(x+from*width, y+top, (to-from)*width, thickness, normalColour)
	c := black
	if resultFlag.text != "" {
		c = resultFlag.colour
	}
	s.drawPointer(scale.position(*r.Value), x, y+top, width, thickness, c)
}

func (s *canvas) drawRangeLimit(value, x, y float64) {
	const width = 16
	st := style{size: 5.5, colour: grey}
	s.drawCentred(x-width/2, y+0.4, width, st, strconv.FormatFloat(value, 'g', 6, 64))
}

// drawPointer marks a position on a bar. A position beyond an end is drawn as an arrow at that end.
func (s *canvas) drawPointer(at, x, y, width, thickness float64, c colour) {
	const half = 1.3
	middle := y + thickness/2
	var points []fpdf.PointType
	switch {
	case at < 0:
		points = []fpdf.PointType{{X: x - half, Y: middle}, {X: x + half, Y: y - 0.5}, {X: x + half, Y: y + thickness + 0.5}}
	case at > 1:
		end := x + width
		points = []fpdf.PointType{{X: end + half, Y: middle}, {X: end - half, Y: y - 0.5},
			{X: end - half, Y: y + thickness + 0.5}}
	default:
		place := x + at*width
		points = []fpdf.PointType{{X: place, Y: y + thickness}, {X: place - half, Y: y - 1.3}, {X: place + half, Y: y - 1.3}}
	}
	s.pdf.SetFillColor(c.red, c.green, c.blue)
	s.pdf.Polygon(points, "F")
}
