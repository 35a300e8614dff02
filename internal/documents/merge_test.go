package documents_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	pdf "github.com/pdfcpu/pdfcpu/pkg/api"
	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/internal/documents"
)

// labPage returns a PDF of one page with a text. The catalogue entry may be empty.
func labPage(version, catalogueEntry, text string) []byte {
	content := "BT /F1 14 Tf 72 720 Td (" + text + ") Tj ET"
	objects := []string{
		"<< /Type /Catalog /Pages 2 0 R " + catalogueEntry + " >>",
		"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
		"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Resources << /Font << /F1 5 0 R >> >> /Contents 4 0 R >>",
		fmt.Sprintf("<< /Length %d >>\nstream\n%s\nendstream", len(content), content),
		"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
	}
	var out bytes.Buffer
	fmt.Fprintf(&out, "%%PDF-%s\n", version)
	var offsets []int
	for i, o := range objects {
		offsets = append(offsets, out.Len())
		fmt.Fprintf(&out, "%d 0 obj\n%s\nendobj\n", i+1, o)
	}
	table := out.Len()
	fmt.Fprintf(&out, "xref\n0 %d\n0000000000 65535 f \n", len(objects)+1)
	for _, at := range offsets {
		fmt.Fprintf(&out, "%010d 00000 n \n", at)
	}
	fmt.Fprintf(&out, "trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(objects)+1, table)
	return out.Bytes()
}

func TestMergeOfEveryVersion(t *testing.T) {
	t.Parallel()
	drawn, err := documents.Report(fullOrder(), fullReport())
	require.NoError(t, err)
	drawnPages := len(readPDF(t, drawn))
	sources := map[string][]byte{
		"1.0": labPage("1.0", "", "A"), "1.4": labPage("1.4", "", "A"), "1.7": labPage("1.7", "", "A"),
		"2.0": labPage("2.0", "", "A"), "2.0 by its catalogue": labPage("1.4", "/Version /2.0", "A"),
		"1.7 by its catalogue": labPage("1.4", "/Version /1.7", "A"), "drawn": drawn,
	}
	pagesOf := func(name string) int {
		if name == "drawn" {
			return drawnPages
		}
		return 1
	}
	for first, a := range sources {
		for second, b := range sources {
			t.Run(first+" and "+second, func(t *testing.T) {
				t.Parallel()
				merged, err := documents.Merge([][]byte{a, b, a})
				require.NoError(t, err)
				pages, err := pdf.PageCount(bytes.NewReader(merged), nil)
				require.NoError(t, err)
				require.Equal(t, 2*pagesOf(first)+pagesOf(second), pages)
				_, err = documents.Merge([][]byte{merged, b})
				require.NoError(t, err, "a merged one cannot be merged again")
			})
		}
	}
}

func TestMergeOfOneIsThatOne(t *testing.T) {
	t.Parallel()
	damaged := []byte("%PDF-1.4 damaged")
	merged, err := documents.Merge([][]byte{damaged})
	require.NoError(t, err)
	require.Equal(t, damaged, merged)
}

func TestWhatCannotBeMerged(t *testing.T) {
	t.Parallel()
	good := labPage("1.4", "", "A")
	require.True(t, documents.CanMerge(good))
	for name, bad := range map[string][]byte{
		"nothing": {}, "no PDF": []byte("<html>"), "damaged": []byte("%PDF-1.4 damaged"), "cut": good[:len(good)/2],
		"no pages": []byte(strings.ReplaceAll(string(good), "/Kids [3 0 R] /Count 1", "/Kids [9 0 R] /Count 9")),
	} {
		require.False(t, documents.CanMerge(bad), name)
	}
}

func TestAPageStandsForAnUnmergeableReport(t *testing.T) {
	t.Parallel()
	b, err := documents.Unmergeable(fullOrder())
	require.NoError(t, err)
	require.Contains(t, strings.Join(readPDF(t, b)[0].texts, " "), fullOrder().ID)
	require.True(t, documents.CanMerge(b))
}
