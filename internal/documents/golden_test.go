package documents_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/internal/documents"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
)

var (
	update    = flag.Bool("update", false, "write what is drawn to testdata")
	outputDir = flag.String("papers", "", "a directory to write the PDFs to, for looking at them")
)

// The texts and their positions are those of approved documents. After a change, run go test ./internal/documents
// -update -papers /tmp, and look at the documents in /tmp.
func TestDocumentsMatchTheApprovedOnes(t *testing.T) {
	t.Parallel()
	for name, draw := range map[string]func() ([]byte, error){
		"requisition": func() ([]byte, error) { return documents.Requisition(fullOrder(), parties) },
		"insured":     func() ([]byte, error) { return documents.Requisition(medicareOrder(), parties) },
		"abn":         func() ([]byte, error) { return documents.ABN(medicareOrder()) },
		"labels":      func() ([]byte, error) { return documents.Labels(fullOrder(), 2, collection) },
		"report":      func() ([]byte, error) { return documents.Report(fullOrder(), fullReport()) },
		"instructions": func() ([]byte, error) {
			test := fullOrder().LabTest
			test.Method, test.Description = lifecycle.Testkit, "Blood fats, sugar and inflammation."
			return documents.Instructions(test, at)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, err := draw()
			require.NoError(t, err)
			again, err := draw()
			require.NoError(t, err)
			require.Equal(t, b, again, "the same order, other bytes")

			if *outputDir != "" {
				require.NoError(t, os.WriteFile(filepath.Join(*outputDir, name+".pdf"), b, 0o600))
			}
			got := describePages(readPDF(t, b))
			file := filepath.Join("testdata", name+".txt")
			if *update {
				require.NoError(t, os.WriteFile(file, []byte(got), 0o600))
			}
			want, err := os.ReadFile(file)
			require.NoError(t, err)
			require.Equal(t, string(want), got)
		})
	}
}

// describePages formats the elements of pages, in whole points.
func describePages(pages []pageContent) string {
	var out strings.Builder
	for i, p := range pages {
		fmt.Fprintf(&out, "page %d\n", i+1)
		for _, line := range p.lines {
			fmt.Fprintln(&out, "text", line)
		}
		for _, at := range p.pointerTips {
			fmt.Fprintf(&out, "tip  %4.0f %4.0f\n", at.x, at.y)
		}
		for _, r := range p.rects {
			if !r.black {
				fmt.Fprintf(&out, "fill %4.0f %4.0f  %.0f x %.0f\n", r.x, r.y, r.width, -r.height)
			}
		}
	}
	return out.String()
}

func TestTheBarcodeIsTheSampleID(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"A1B2-000123456", "123456789", "7ZK4M9Q2XW3TB8RD", "a b~(\\)", strings.Repeat("Z", 16)} {
		o := fullOrder()
		o.SampleID = id
		requisition, err := documents.Requisition(o, parties)
		require.NoError(t, err)
		require.Equal(t, id, scanBarcode(t, readPDF(t, requisition)[0]))
		labels, err := documents.Labels(o, 3, collection)
		require.NoError(t, err)
		pages := readPDF(t, labels)
		require.Len(t, pages, 3)
		for _, p := range pages {
			require.Equal(t, id, scanBarcode(t, p))
			require.Contains(t, p.texts, id)
		}
	}
}

// The scanner of the tests returns another text for another sample id.
func TestScannerReadsOtherSampleIDs(t *testing.T) {
	t.Parallel()
	o := fullOrder()
	o.SampleID = "123456788"
	b, err := documents.Requisition(o, parties)
	require.NoError(t, err)
	require.NotEqual(t, "123456789", scanBarcode(t, readPDF(t, b)[0]))
}

func TestASampleIDWithoutABarcodeIsWritten(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"Ä-12", strings.Repeat("Z", 64)} {
		o := fullOrder()
		o.SampleID = id
		b, err := documents.Labels(o, 1, collection)
		require.NoError(t, err)
		p := readPDF(t, b)[0]
		require.Contains(t, p.texts, "no barcode")
		for _, r := range p.rects {
			require.False(t, r.black, "half a barcode")
		}
	}
}

func TestLabelsAreBounded(t *testing.T) {
	t.Parallel()
	for _, copies := range []int{-1, 0, documents.MaxLabels + 1} {
		_, err := documents.Labels(fullOrder(), copies, collection)
		require.Error(t, err)
	}
}

func TestTheCollectionIsWrittenInItsOwnZone(t *testing.T) {
	t.Parallel()
	b, err := documents.Labels(fullOrder(), 1, documents.Collection{At: at.In(time.FixedZone("", -7*3600))})
	require.NoError(t, err)
	require.Contains(t, readPDF(t, b)[0].texts, "Collected: 2026-03-04 08:30 UTC-07:00")
	b, err = documents.Labels(fullOrder(), 1, collection)
	require.NoError(t, err)
	require.Contains(t, readPDF(t, b)[0].texts, "Collected: 2026-03-04 15:30 UTC")
	b, err = documents.Labels(fullOrder(), 1, documents.Collection{At: at, DateOnly: true})
	require.NoError(t, err)
	require.Contains(t, readPDF(t, b)[0].texts, "Collected: 2026-03-04, at ____________")
}

func TestEveryWayOfCollectingHasItsSteps(t *testing.T) {
	t.Parallel()
	seen := make(map[string]lifecycle.Modality)
	for _, method := range lifecycle.Modalities() {
		b, err := documents.Instructions(order.LabTest{Name: "Lipids", Method: method}, at)
		require.NoError(t, err)
		all := allText(readPDF(t, b))
		_, steps, found := strings.Cut(all, "\nSteps\n1\n")
		require.True(t, found, all)
		require.Empty(t, seen[steps], "the steps of %s", method)
		seen[steps] = method
	}
}
