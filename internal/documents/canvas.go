package documents

import (
	"bytes"
	"fmt"
	"strconv"
	"time"

	"codeberg.org/go-pdf/fpdf"
)

// All lengths are in millimetres, from the upper left corner of a page. Sizes of type are in points.
const (
	letterWidth, letterHeight = 215.9, 279.4

	margin    = 15.0
	bodyWidth = letterWidth - 2*margin
	bodyTop   = 24.0
	bodyEnd   = letterHeight - 20

	millimetresPerPoint = 25.4 / 72
	leading             = 1.3 // height of a line, in sizes of its type
	ascent              = 0.8 // distance from the top of a line to its baseline, in sizes of the type
)

const family = "DejaVu"

// pagesAlias is the text that the library replaces by the number of pages. It occurs in no other text, because the
// fonts do not have the character.
const pagesAlias = "\ue000"

// ellipsis ends a line that was cut.
const ellipsis = "…"

type colour struct{ red, green, blue int }

var (
	black  = colour{20, 20, 20}
	grey   = colour{100, 100, 100}
	pale   = colour{222, 224, 227}
	accent = colour{24, 62, 102}
	white  = colour{255, 255, 255}
)

type style struct {
	size   float64
	bold   bool
	colour colour
}

var (
	plain   = style{size: 9, colour: black}
	strong  = style{size: 9, bold: true, colour: black}
	faint   = style{size: 7, colour: grey}
	caption = style{size: 7, bold: true, colour: grey}
)

func (s style) lineHeight() float64 { return s.size * millimetresPerPoint * leading }

// canvas is a document that is being drawn, with the vertical position of the next element.
type canvas struct {
	pdf       *fpdf.Fpdf
	y         float64
	header    string // text at the top of every page
	footer    string // text at the bottom of every page
	tableHead func() // draws the head of a table that continues on a new page; nil: no table
}

// newDocument returns a document without pages. The time is the creation time in its metadata.
func newDocument(title string, width, height float64, at time.Time) *fpdf.Fpdf {
	pdf := fpdf.NewCustom(&fpdf.InitType{UnitStr: "mm", Size: fpdf.SizeType{Wd: width, Ht: height}})
	pdf.SetTitle(title, true)
	pdf.SetProducer("Aliquot", true)
	pdf.SetCreationDate(at.UTC())
	pdf.SetModificationDate(at.UTC())
	pdf.SetCatalogSort(true)
	pdf.SetMargins(0, 0, 0)
	pdf.SetCellMargin(0)
	pdf.SetAutoPageBreak(false, 0)
	pdf.AddUTF8FontFromBytes(family, "", regularFont)
	pdf.AddUTF8FontFromBytes(family, "B", boldFont)
	return pdf
}

// newCanvas returns a document of letter size with its first page.
func newCanvas(title, running, foot string, at time.Time) *canvas {
	s := &canvas{pdf: newDocument(title, letterWidth, letterHeight, at), header: oneLine(running), footer: oneLine(foot)}
	s.pdf.AliasNbPages(pagesAlias)
	s.newPage()
	return s
}

// encodePDF returns the finished document.
func encodePDF(pdf *fpdf.Fpdf) ([]byte, error) {
	var out bytes.Buffer
	if err := pdf.Output(&out); err != nil {
		return nil, fmt.Errorf("drawing a PDF: %w", err)
	}
	return out.Bytes(), nil
}

// newPage begins a new page.
func (s *canvas) newPage() {
	s.pdf.AddPage()
	s.drawRunningHead()
	s.drawRule(margin+1, pale)
	s.drawText(margin, bodyEnd+6, faint, s.truncate(s.footer, faint, bodyWidth-30))
	s.drawText(letterWidth-margin-22, bodyEnd+6, faint, "Page "+strconv.Itoa(s.pdf.PageNo())+" of "+pagesAlias)
	s.y = bodyTop - 4
	if s.tableHead != nil {
		s.tableHead()
	}
}

// drawRunningHead draws the line that says whose page it is. A long name makes it smaller and gives it more lines; only
// a name that no page could hold is cut.
func (s *canvas) drawRunningHead() {
	const most, smallest = 3, 4.5
	lines, st, ok := s.fitLines(s.header, faint, bodyWidth, most, smallest)
	if !ok {
		lines, st = []string{s.truncate(s.header, faint, bodyWidth)}, faint
	}
	y := margin - 4 - float64(len(lines)-1)*st.lineHeight()
	for _, line := range lines {
		s.drawText(margin, y, st, line)
		y += st.lineHeight()
	}
}

// ensureRoom begins a new page if the present one has less than the height left, in millimetres.
func (s *canvas) ensureRoom(height float64) {
	if s.y+height > bodyEnd {
		s.newPage()
	}
}

func (s *canvas) setFont(st style) {
	weight := ""
	if st.bold {
		weight = "B"
	}
	s.pdf.SetFont(family, weight, st.size)
	s.pdf.SetTextColor(st.colour.red, st.colour.green, st.colour.blue)
}

// drawText draws one line whose upper edge is y. The caller has made it fit and printable.
func (s *canvas) drawText(x, y float64, st style, line string) {
	s.setFont(st)
	s.pdf.Text(x, y+st.lineHeight()/leading*(ascent+(leading-1)/2), line)
}

func (s *canvas) drawCentred(x, y, width float64, st style, line string) {
	s.setFont(st)
	s.drawText(x+(width-s.pdf.GetStringWidth(line))/2, y, st, line)
}

func (s *canvas) drawRule(y float64, c colour) {
	s.pdf.SetDrawColor(c.red, c.green, c.blue)
	s.pdf.SetLineWidth(0.2)
	s.pdf.Line(margin, y, letterWidth-margin, y)
}

func (s *canvas) fillRect(x, y, width, height float64, c colour) {
	s.pdf.SetFillColor(c.red, c.green, c.blue)
	s.pdf.Rect(x, y, width, height, "F")
}
