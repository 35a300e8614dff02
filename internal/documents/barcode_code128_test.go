package documents_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// widths128 are the widths of the bars and spaces of the symbols 0 to 105 of Code 128 (ISO/IEC 15417, table 1).
var widths128 = strings.Fields(`
	212222 222122 222221 121223 121322 131222 122213 122312 132212 221213 221312 231212 112232 122132 122231 113222
	123122 123221
	223211 221132 221231 213212 223112 312131 311222 321122 321221 312212 322112 322211 212123 212321 232121 111323
	131123 131321
	112313 132113 132311 211313 231113 231311 112133 112331 132131 113123 113321 133121 313121 211331 231131 213113
	213311 213131
	311123 311321 331121 312113 312311 332111 314111 221411 431111 111224 111422 121124 121421 141122 141221 112214
	112412 122114
	122411 142112 142211 241211 221114 413111 241112 134111 111242 121142 121241 114212 124112 124211 411212 421112
	421211 212141
	214121 412121 111143 111341 131141 114113 114311 411113 411311 113141 114131 311141 411131 211412 211214 211232`)

const (
	codeC, codeB, codeA    = 99, 100, 101
	startA, startB, startC = 103, 104, 105
	stop128                = "2331112"
)

// decode128 decodes the widths of bars and spaces, and checks the check symbol.
func decode128(t testing.TB, widths []int) string {
	t.Helper()
	require.Len(t, widthsText(widths[len(widths)-7:]), 7)
	require.Equal(t, stop128, widthsText(widths[len(widths)-7:]))
	var symbols []int
	for rest := widths[:len(widths)-7]; len(rest) > 0; rest = rest[6:] {
		symbols = append(symbols, symbolOf(t, widthsText(rest[:6])))
	}
	check := symbols[len(symbols)-1]
	symbols = symbols[:len(symbols)-1]
	sum := symbols[0]
	for i, s := range symbols[1:] {
		sum += (i + 1) * s
	}
	require.Equal(t, check, sum%103, "the check symbol")
	return textOf(t, symbols)
}

func textOf(t testing.TB, symbols []int) string {
	t.Helper()
	var out strings.Builder
	set := map[int]int{startA: codeA, startB: codeB, startC: codeC}[symbols[0]]
	for _, s := range symbols[1:] {
		switch {
		case s < 100 && set == codeC:
			out.WriteString(strconv.Itoa(s / 10))
			out.WriteString(strconv.Itoa(s % 10))
		case s == codeA || s == codeB || s == codeC:
			set = s
		case s < 96 && set == codeB || s < 64 && set == codeA:
			out.WriteByte(byte(s) + ' ')
		default:
			require.Fail(t, "an unexpected symbol", "%d", s)
		}
	}
	return out.String()
}

func widthsText(widths []int) string {
	var out strings.Builder
	for _, w := range widths {
		out.WriteString(strconv.Itoa(w))
	}
	return out.String()
}

func symbolOf(t testing.TB, widths string) int {
	t.Helper()
	for i, w := range widths128 {
		if w == widths {
			return i
		}
	}
	require.Fail(t, "no symbol of Code 128", widths)
	return 0
}
