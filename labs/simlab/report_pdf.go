package simlab

import (
	"bytes"
	"fmt"
	"strings"
)

// reportPDF returns a PDF of one page with the order number, the kit id and the version.
func reportPDF(number, kitID string, version int) []byte {
	lines := []string{
		"SIMULATED LAB - SAMPLE REPORT", "Order " + number, "Kit " + kitID, fmt.Sprintf("Version %d", version),
	}
	var text strings.Builder
	text.WriteString("BT /F1 14 Tf 72 720 Td 20 TL")
	for _, line := range lines {
		fmt.Fprintf(&text, " (%s) Tj T*", pdfText(line))
	}
	text.WriteString(" ET")
	return writePDF([]string{
		"<< /Type /Catalog /Pages 2 0 R >>",
		"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
		"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Resources << /Font << /F1 5 0 R >> >> /Contents 4 0 R >>",
		fmt.Sprintf("<< /Length %d >>\nstream\n%s\nendstream", text.Len(), text.String()),
		"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
	})
}

// writePDF writes the objects, numbered from 1, and the table of their offsets. The first object is the catalog.
func writePDF(objects []string) []byte {
	var out bytes.Buffer
	out.WriteString("%PDF-1.4\n")
	offsets := make([]int, len(objects))
	for i, object := range objects {
		offsets[i] = out.Len()
		fmt.Fprintf(&out, "%d 0 obj\n%s\nendobj\n", i+1, object)
	}
	table := out.Len()
	// A line of the table has exactly 20 bytes with its line end.
	fmt.Fprintf(&out, "xref\n0 %d\n0000000000 65535 f \n", len(objects)+1)
	for _, offset := range offsets {
		fmt.Fprintf(&out, "%010d 00000 n \n", offset)
	}
	fmt.Fprintf(&out, "trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(objects)+1, table)
	return out.Bytes()
}

// pdfText replaces the characters that a PDF string cannot hold without escapes by question marks.
func pdfText(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || strings.ContainsRune(`()\`, r) {
			return '?'
		}
		return r
	}, text)
}
