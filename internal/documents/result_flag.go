package documents

import "github.com/aliquot-labs/aliquot/order"

var (
	criticalColour = colour{166, 20, 28}
	abnormalColour = colour{173, 88, 0}
	normalColour   = colour{139, 190, 150}
)

// flag is the word and the colour for a result that is not normal. The word is sufficient, because documents may be
// printed in black.
type flag struct {
	text   string // empty: no flag
	colour colour
}

// flagOf returns the flag of a result: the lab's interpretation, and on which side of the reference range the value is.
func flagOf(r order.Result) flag {
	side := ""
	if r.Value != nil {
		switch {
		case r.Max != nil && *r.Value > *r.Max:
			side = "HIGH"
		case r.Min != nil && *r.Value < *r.Min:
			side = "LOW"
		}
	}
	switch {
	case r.Interpretation == order.InterpretationCritical && side != "":
		return flag{"CRITICAL " + side, criticalColour}
	case r.Interpretation == order.InterpretationCritical:
		return flag{"CRITICAL", criticalColour}
	case side != "":
		return flag{side, abnormalColour}
	case r.Interpretation == order.InterpretationAbnormal:
		return flag{"ABNORMAL", abnormalColour}
	}
	return flag{}
}

// drawFlag draws a flag, and the lab's own flag below it.
func (s *canvas) drawFlag(f flag, source string, x, y float64) {
	const height = 3.8
	st := style{size: 6.5, bold: true, colour: white}
	if f.text != "" {
		s.pdf.SetFillColor(f.colour.red, f.colour.green, f.colour.blue)
		s.setFont(st)
		s.pdf.RoundedRect(x, y, s.pdf.GetStringWidth(f.text)+3, height, 1, "1234", "F")
		s.drawText(x+1.5, y+(height-st.lineHeight())/2, st, f.text)
		y += height + 0.2
	}
	if source != "" {
		s.drawText(x, y, faint, s.truncate("lab: "+oneLine(source), faint, flagWidth))
	}
}
