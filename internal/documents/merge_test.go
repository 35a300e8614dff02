package documents_test

import (
	"bytes"
	"strings"
	"testing"

	pdf "github.com/pdfcpu/pdfcpu/pkg/api"
	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/internal/documents"
	"github.com/aliquot-labs/aliquot/internal/testpdf"
)

func TestMergeOfEveryVersion(t *testing.T) {
	t.Parallel()
	drawn, err := documents.Report(fullOrder(), fullReport())
	require.NoError(t, err)
	drawnPages := len(readPDF(t, drawn))
	sources := map[string][]byte{
		"1.0": testpdf.Page("1.0", "", "A"), "1.4": testpdf.Page("1.4", "", "A"), "1.7": testpdf.Page("1.7", "", "A"),
		"2.0": testpdf.Page("2.0", "", "A"), "2.0 by its catalogue": testpdf.Page("1.4", "/Version /2.0", "A"),
		"1.7 by its catalogue": testpdf.Page("1.4", "/Version /1.7", "A"), "drawn": drawn,
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
	good := testpdf.Page("1.4", "", "A")
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
