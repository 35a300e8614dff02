package documents_test

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"

	pdf "github.com/pdfcpu/pdfcpu/pkg/api"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/model"
	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) {
	pdf.DisableConfigDir()
	m.Run()
}

// pageContent holds the texts of a page with their positions, and its filled rectangles, in points from the lower left
// corner.
type pageContent struct {
	texts       []string // in the sequence in which they are drawn
	lines       []string // texts with their positions, for comparing
	rects       []rect
	pointerTips []point // the first corner of every triangle
}

type point struct{ x, y float64 }

type rect struct {
	x, y, width, height float64
	black               bool
}

var (
	textPattern      = regexp.MustCompile(`(?s)BT (-?[\d.]+) (-?[\d.]+) Td \(((?:\\.|[^\\)])*)\) Tj ET`)
	rectanglePattern = regexp.MustCompile(`(?m)(-?[\d.]+) (-?[\d.]+) (-?[\d.]+) (-?[\d.]+) re f$`)
	trianglePattern  = regexp.MustCompile(`(?m)(-?[\d.]+) (-?[\d.]+) m\s+(?:-?[\d.]+ -?[\d.]+ l\s+){3}f$`)
	colourPattern    = regexp.MustCompile(`(?m)^(?:q )?(?:[\d.]+ g|[\d.]+ [\d.]+ [\d.]+ rg)\b`)
)

// readPDF decodes and validates a PDF with another library than the one that wrote it.
func readPDF(t testing.TB, document []byte) []pageContent {
	t.Helper()
	config := model.NewDefaultConfiguration()
	config.Offline = true
	ctx, err := pdf.ReadValidateAndOptimize(bytes.NewReader(document), config)
	require.NoError(t, err)
	pages := make([]pageContent, ctx.PageCount)
	for i := range pages {
		content, err := pdfcpu.ExtractPageContent(ctx, i+1)
		require.NoError(t, err)
		b, err := io.ReadAll(content)
		require.NoError(t, err)
		pages[i] = parsePage(t, string(b))
	}
	return pages
}

func parsePage(t testing.TB, content string) pageContent {
	t.Helper()
	var d pageContent
	for _, m := range textPattern.FindAllStringSubmatch(content, -1) {
		text := unescape(t, m[3])
		d.texts = append(d.texts, text)
		d.lines = append(d.lines, fmt.Sprintf("%4.0f %4.0f  %s", parseNumber(t, m[1]), parseNumber(t, m[2]), text))
	}
	for _, at := range rectanglePattern.FindAllStringSubmatchIndex(content, -1) {
		part := func(i int) float64 { return parseNumber(t, content[at[2*i]:at[2*i+1]]) }
		ink := colourPattern.FindAllString(content[:at[0]], -1)
		d.rects = append(d.rects, rect{part(1), part(2), part(3), part(4), len(ink) > 0 &&
			strings.HasPrefix(ink[len(ink)-1], "0.000 g")})
	}
	for _, m := range trianglePattern.FindAllStringSubmatch(content, -1) {
		d.pointerTips = append(d.pointerTips, point{parseNumber(t, m[1]), parseNumber(t, m[2])})
	}
	return d
}

// unescape decodes a string of a content stream, which is UTF-16.
func unescape(t testing.TB, s string) string {
	t.Helper()
	var b []byte
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' {
			i++
			switch s[i] {
			case 'r':
				b = append(b, '\r')
				continue
			case 'n':
				b = append(b, '\n')
				continue
			}
		}
		b = append(b, s[i])
	}
	require.Zero(t, len(b)%2, "a text of half characters: %q", s)
	units := make([]uint16, len(b)/2)
	for i := range units {
		units[i] = uint16(b[2*i])<<8 | uint16(b[2*i+1])
	}
	return string(utf16.Decode(units))
}

func parseNumber(t testing.TB, s string) float64 {
	t.Helper()
	f, err := strconv.ParseFloat(s, 64)
	require.NoError(t, err)
	return f
}

// scanBarcode decodes the Code 128 of a page by the widths of its black bars and the gaps between them.
func scanBarcode(t testing.TB, page pageContent) string {
	t.Helper()
	var bars []rect
	for _, r := range page.rects {
		if r.black {
			bars = append(bars, r)
		}
	}
	require.NotEmpty(t, bars, "the page has no barcode")
	slices.SortFunc(bars, func(a, b rect) int { return int(math.Copysign(1, a.x-b.x)) })
	var edges []float64
	for _, b := range bars {
		require.InDelta(t, bars[0].height, b.height, 0.01)
		edges = append(edges, b.x, b.x+b.width)
	}
	module := (edges[len(edges)-1] - edges[0]) / float64(modulesOf(len(bars)))
	var widths []int
	for i := 1; i < len(edges); i++ {
		width := (edges[i] - edges[i-1]) / module
		require.InDelta(t, math.Round(width), width, 0.1, "a bar of %v modules", width)
		widths = append(widths, int(math.Round(width)))
	}
	return decode128(t, widths)
}

// modulesOf returns the number of modules for a number of bars: a symbol has three bars in 11 modules, the stop has
// four in 13.
func modulesOf(bars int) int { return (bars-4)/3*11 + 13 }
