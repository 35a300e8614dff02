package documents

import (
	"image/color"

	"codeberg.org/go-pdf/fpdf"
	"github.com/boombuler/barcode/code128"
)

// quietModules is the width of the white zone on each side of Code 128, in modules (ISO/IEC 15417).
const quietModules = 10

// The limits of a module's width, in millimetres. Not every scanner reads narrower ones.
const (
	narrowestModule = 0.19
	widestModule    = 0.4
)

// bar is one black bar, in modules from the left edge of the barcode.
type bar struct{ from, width int }

// code128Bars encodes a text in Code 128. ok is false for a text that Code 128 cannot encode.
func code128Bars(text string) (bars []bar, modules int, ok bool) {
	for _, r := range text {
		if r < ' ' || r > '~' {
			return nil, 0, false
		}
	}
	code, err := code128.Encode(text)
	if err != nil {
		return nil, 0, false
	}
	modules = code.Bounds().Dx()
	for x := range modules {
		if code.At(x, 0) != color.Black {
			continue
		}
		if n := len(bars); n > 0 && bars[n-1].from+bars[n-1].width == x {
			bars[n-1].width++
			continue
		}
		bars = append(bars, bar{from: x, width: 1})
	}
	return bars, modules, true
}

// drawBarcode draws a text in Code 128 in the middle of a box, which includes the quiet zones. It draws nothing and
// returns false for a text that Code 128 cannot encode or that does not fit legibly.
func drawBarcode(pdf *fpdf.Fpdf, text string, x, y, width, height float64) bool {
	bars, modules, ok := code128Bars(text)
	if !ok {
		return false
	}
	module := min(width/float64(modules+2*quietModules), widestModule)
	if module < narrowestModule {
		return false
	}
	pdf.SetFillColor(0, 0, 0)
	left := x + (width-module*float64(modules))/2
	for _, b := range bars {
		pdf.Rect(left+module*float64(b.from), y, module*float64(b.width), height, "F")
	}
	return true
}

// smallestID is the size of type below which a sample id is cut instead.
const smallestID = 4.0

// drawSampleBarcode draws the barcode of a sample id with the id below it. If the id cannot be encoded, only the text
// is drawn.
func (s *canvas) drawSampleBarcode(id string, x, y, width, height float64) {
	st := style{size: 9, bold: true, colour: black}
	if !drawBarcode(s.pdf, id, x, y, width, height-st.lineHeight()-0.6) {
		s.drawCentred(x, y, width, faint, "no barcode")
	}
	lines, st, _ := s.fitLines(oneLine(id), st, width, 1, smallestID)
	s.drawCentred(x, y+height-st.lineHeight(), width, st, lines[0])
}
