package simlab

import (
	"fmt"
	"strings"
)

// The layout of the report, in points from the lower left corner of a page.
const (
	reportLeft, reportRight = 50, 562
	reportTop, reportBottom = 640, 90
	reportRow               = 18
)

// The columns of the results.
var reportColumns = [5]int{reportLeft + 6, 230, 330, 410, 505}

// reportDocument is what a lab report's PDF shows. The lab stores no names, so the order number stands for the patient.
type reportDocument struct {
	laboratory, number, sample, status, interpretation string
	collectedAt, receivedAt, reportedAt                string
	version                                            int
	results                                            []reportLine
	missing                                            []string
}

// reportLine is a row of the results.
type reportLine struct{ name, result, unit, reference, flag string }

// render returns the report as a PDF, with as many pages as its results need.
func (d reportDocument) render() []byte {
	perPage := (reportTop - reportBottom) / reportRow
	lines := d.results
	for _, name := range d.missing {
		lines = append(lines, reportLine{name: name, result: "not reported"})
	}
	var pages []string
	for first := true; first || len(lines) > 0; first = false {
		n := min(perPage, len(lines))
		pages = append(pages, d.page(lines[:n], len(pages)+1))
		lines = lines[n:]
	}
	return writePages(pages)
}

// page returns the content of one page.
func (d reportDocument) page(lines []reportLine, number int) string {
	var p pageContent
	p.fill("0.09 0.24 0.40", reportLeft, 742, reportRight-reportLeft, 26)
	p.text("1 1 1", "/F2", 13, reportLeft+8, 750, "SIMULATED LAB - SAMPLE REPORT")
	p.text("0 0 0", "/F2", 11, reportLeft, 722, d.laboratory)
	for i, row := range [][2]string{
		{"Order " + d.number, "Collected " + orDash(d.collectedAt)},
		{"Kit " + d.sample, "Received " + orDash(d.receivedAt)},
		{fmt.Sprintf("Version %d, %s", d.version, d.status), "Reported " + orDash(d.reportedAt)},
	} {
		p.text("0 0 0", "/F1", 9, reportLeft, 706-13*i, row[0])
		p.text("0 0 0", "/F1", 9, 330, 706-13*i, row[1])
	}
	if d.interpretation == critical || d.interpretation == abnormal {
		p.text("0.65 0.08 0.11", "/F2", 9, reportRight-110, 722, "Overall: "+strings.ToUpper(d.interpretation))
	}
	p.fill("0.87 0.88 0.89", reportLeft, reportTop+8, reportRight-reportLeft, reportRow)
	for i, head := range []string{"TEST", "RESULT", "UNIT", "REFERENCE", "FLAG"} {
		p.text("0.2 0.2 0.2", "/F2", 8, reportColumns[i], reportTop+14, head)
	}
	y := reportTop - 6
	for _, line := range lines {
		p.row(line, y)
		y -= reportRow
	}
	p.text("0.4 0.4 0.4", "/F1", 8, reportLeft, 60,
		fmt.Sprintf("Made by a simulated laboratory for tests. No person's result. Page %d", number))
	return p.String()
}

// pageContent is the content stream of a page that is being drawn.
type pageContent struct{ strings.Builder }

// fill draws a filled rectangle.
func (p *pageContent) fill(colour string, x, y, width, height int) {
	fmt.Fprintf(p, "%s rg %d %d %d %d re f\n", colour, x, y, width, height)
}

// text draws one line.
func (p *pageContent) text(colour, font string, size, x, y int, line string) {
	fmt.Fprintf(p, "BT %s rg %s %d Tf %d %d Td (%s) Tj ET\n", colour, font, size, x, y, pdfText(line))
}

// row draws a result, a flagged one in bold and colour, with a line below it. A comment has the width of its
// neighbours.
func (p *pageContent) row(line reportLine, y int) {
	colour, font := "0 0 0", "/F1"
	if line.flag != "" {
		colour, font = "0.65 0.08 0.11", "/F2"
	}
	result := shorten(line.result, 18)
	if line.unit == "" && line.reference == "" {
		result = shorten(line.result, 60)
	}
	for i, text := range []string{shorten(line.name, 34), result, shorten(line.unit, 14), shorten(line.reference, 18),
		line.flag} {
		if text != "" {
			p.text(colour, font, 9, reportColumns[i], y, text)
		}
	}
	fmt.Fprintf(p, "0.87 0.88 0.89 RG 0.5 w %d %d m %d %d l S\n", reportLeft, y-6, reportRight, y-6)
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

func shorten(text string, most int) string {
	if letters := []rune(text); len(letters) > most {
		return string(letters[:most-3]) + "..."
	}
	return text
}
