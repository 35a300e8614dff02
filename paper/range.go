package paper

import (
	"math"
	"strconv"

	"codeberg.org/go-pdf/fpdf"

	"github.com/aliquot-labs/aliquot/order"
)

// rangeHeight is how much height a range takes, its limits below it included.
const rangeHeight = 7.0

// scale is the part of the number line that a bar shows.
type scale struct{ from, to float64 }

// scaleOf leaves as much place on either side of a range as the range is wide, halved; of a range with one limit, as much as the
// limit is from zero. It is false where there is nothing to draw.
func scaleOf(low, high *float64) (scale, bool) {
	var s scale
	switch {
	case low != nil && high != nil:
		span := *high - *low
		s = scale{*low - span/2, *high + span/2}
	case low != nil:
		s = around(*low)
	case high != nil:
		s = around(*high)
	}
	width := s.to - s.from
	return s, width > 0 && !math.IsInf(width, 0)
}

func around(limit float64) scale {
	span := math.Abs(limit)
	if span == 0 {
		span = 1
	}
	return scale{limit - span, limit + span}
}

// at is where a value lies on the scale: 0 at its beginning, 1 at its end, beyond them what lies beyond.
func (s scale) at(value float64) float64 { return (value - s.from) / (s.to - s.from) }

// rangeBar draws the reference range of a numeric result and the value's place in it.
func (s *sheet) rangeBar(r order.Result, mark flag, x, y, width float64) {
	const thickness, top = 2.2, 1.6
	scale, ok := scaleOf(r.Min, r.Max)
	if !ok || r.Value == nil {
		return
	}
	from, to := 0.0, 1.0
	if r.Min != nil {
		from = scale.at(*r.Min)
		s.limit(*r.Min, x+from*width, y+top+thickness)
	}
	if r.Max != nil {
		to = scale.at(*r.Max)
		s.limit(*r.Max, x+to*width, y+top+thickness)
	}
	s.fill(x, y+top, width, thickness, pale)
	s.fill(x+from*width, y+top, (to-from)*width, thickness, normalColour)
	c := black
	if mark.text != "" {
		c = mark.colour
	}
	s.pointer(scale.at(*r.Value), x, y+top, width, thickness, c)
}

func (s *sheet) limit(value, x, y float64) {
	const width = 16
	st := style{size: 5.5, colour: grey}
	s.centred(x-width/2, y+0.4, width, st, strconv.FormatFloat(value, 'g', 6, 64))
}

// pointer marks a place on a bar. What lies beyond an end is marked by an arrow that leaves it.
func (s *sheet) pointer(at, x, y, width, thickness float64, c colour) {
	const half = 1.3
	middle := y + thickness/2
	var points []fpdf.PointType
	switch {
	case at < 0:
		points = []fpdf.PointType{{X: x - half, Y: middle}, {X: x + half, Y: y - 0.5}, {X: x + half, Y: y + thickness + 0.5}}
	case at > 1:
		end := x + width
		points = []fpdf.PointType{{X: end + half, Y: middle}, {X: end - half, Y: y - 0.5}, {X: end - half, Y: y + thickness + 0.5}}
	default:
		place := x + at*width
		points = []fpdf.PointType{{X: place, Y: y + thickness}, {X: place - half, Y: y - 1.3}, {X: place + half, Y: y - 1.3}}
	}
	s.pdf.SetFillColor(c.red, c.green, c.blue)
	s.pdf.Polygon(points, "F")
}
