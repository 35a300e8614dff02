package documents

// field is a caption and a value. A field with an empty value is not drawn.
type field struct{ caption, value string }

// cell is a text in a column of a row.
type cell struct {
	x, width float64
	style    style
	text     string
}

const (
	rowPadding   = 1.2
	captionWidth = 30.0
	columnGap    = 6.0
)

// drawTitle draws the title of a section. A title is never the last element of a page.
func (s *canvas) drawTitle(text string) {
	s.ensureRoom(36)
	s.y += 3
	head := style{size: 10, bold: true, colour: accent}
	s.drawText(margin, s.y, head, text)
	s.y += head.lineHeight() + 0.6
	s.drawRule(s.y, accent)
	s.y += 1.6
}

// drawParagraph draws a text over the whole width, and continues on new pages.
func (s *canvas) drawParagraph(text string, st style) {
	for _, line := range s.splitLines(text, st, bodyWidth) {
		s.ensureRoom(st.lineHeight())
		s.drawText(margin, s.y, st, line)
		s.y += st.lineHeight()
	}
}

// drawRow draws cells side by side, at least as high as least. beside draws next to the first line and gets its upper
// edge; nil: nothing. A row stays on one page if it fits.
func (s *canvas) drawRow(cells []cell, least float64, beside func(y float64)) {
	lines := make([][]string, len(cells))
	count, pitch := 0, 0.0
	for i, c := range cells {
		c.style = s.shrinkToWords(c.text, c.style, c.width)
		cells[i] = c
		lines[i] = s.splitLines(c.text, c.style, c.width)
		count, pitch = max(count, len(lines[i])), max(pitch, c.style.lineHeight())
	}
	height := max(float64(count)*pitch, least) + 2*rowPadding
	s.ensureRoom(min(height, bodyEnd-bodyTop-20))
	top, page := s.y, s.pdf.PageNo()
	s.y += rowPadding
	if beside != nil {
		beside(s.y)
	}
	for i := range count {
		s.ensureRoom(pitch)
		for j, c := range cells {
			if i < len(lines[j]) {
				s.drawText(c.x, s.y, c.style, lines[j][i])
			}
		}
		s.y += pitch
	}
	s.y += rowPadding
	if s.pdf.PageNo() == page {
		s.y = max(s.y, top+height)
	}
}

// drawFields draws captions and values in two columns. A field without a neighbour has the width of both.
func (s *canvas) drawFields(left, right []field) {
	left, right = nonEmptyFields(left), nonEmptyFields(right)
	width := (bodyWidth - columnGap) / 2
	for i := range max(len(left), len(right)) {
		var cells []cell
		for j, column := range [][]field{left, right} {
			if i >= len(column) {
				continue
			}
			own := width
			if j == 0 && i >= len(right) {
				own = bodyWidth
			}
			cells = append(cells, column[i].cells(margin+float64(j)*(width+columnGap), own)...)
		}
		s.y -= rowPadding // fields are closer together than the rows of a table
		s.drawRow(cells, 0, nil)
	}
	s.y += rowPadding
}

// drawColumns draws two columns of captions and values, whose rows do not align: a long value on one side leaves no gap
// on the other. It is for few fields: if they have no room on the page, or a value is longer than half a page, the rows
// align as in drawFields.
func (s *canvas) drawColumns(left, right []field) {
	width := (bodyWidth - columnGap) / 2
	columns := [][]cell{}
	heights := [2]float64{}
	for j, fields := range [][]field{nonEmptyFields(left), nonEmptyFields(right)} {
		for _, f := range fields {
			cells := f.cells(margin+float64(j)*(width+columnGap), width)
			columns = append(columns, cells)
			heights[j] += s.rowHeight(cells, 0) - rowPadding
		}
	}
	if s.y+max(heights[0], heights[1]) > bodyEnd || max(heights[0], heights[1]) > (bodyEnd-bodyTop)/2 {
		s.drawFields(left, right)
		return
	}
	top := s.y
	for i, cells := range columns {
		if i == len(nonEmptyFields(left)) {
			s.y = top
		}
		s.y -= rowPadding
		s.drawRow(cells, 0, nil)
	}
	s.y = top + max(heights[0], heights[1]) + rowPadding
}

// rowHeight returns the height of a row, in millimetres.
func (s *canvas) rowHeight(cells []cell, least float64) float64 {
	count, pitch := 0, 0.0
	for _, c := range cells {
		c.style = s.shrinkToWords(c.text, c.style, c.width)
		count, pitch = max(count, len(s.splitLines(c.text, c.style, c.width))), max(pitch, c.style.lineHeight())
	}
	return max(float64(count)*pitch, least) + 2*rowPadding
}

func (f field) cells(x, width float64) []cell {
	return []cell{
		{x: x, width: captionWidth, style: style{size: plain.size, colour: grey}, text: f.caption},
		{x: x + captionWidth, width: width - captionWidth, style: plain, text: f.value},
	}
}

func nonEmptyFields(fields []field) []field {
	var out []field
	for _, f := range fields {
		if f.value != "" {
			out = append(out, f)
		}
	}
	return out
}

// drawTable draws rows under a head that is repeated on every page.
func (s *canvas) drawTable(head []cell, rows func()) {
	s.ensureRoom(24)
	s.tableHead = func() {
		s.drawRow(head, 0, nil)
		s.drawRule(s.y, pale)
	}
	s.tableHead()
	rows()
	s.tableHead = nil
}
