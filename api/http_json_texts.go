package api

import (
	"bytes"
	"strconv"
	"unicode/utf16"
)

// maxExactFloat is the first float64 whose neighbours are not whole numbers next to it: 2 to the power of 53.
const maxExactFloat = 1 << 53

// hasHalfCharacter reports whether a text or a key of valid JSON has an escape of half a surrogate pair, such as \ud83d
// without a second half after it. encoding/json would replace it with U+FFFD.
func hasHalfCharacter(data []byte) bool {
	for i := bytes.IndexByte(data, '\\'); i >= 0 && i+1 < len(data); {
		first, isUnit := escapedUnit(data[i:])
		next := i + 2
		if isUnit {
			next = i + unicodeEscape
		}
		if isUnit && utf16.IsSurrogate(first) {
			second, followed := escapedUnit(data[next:])
			if !followed || utf16.DecodeRune(first, second) == '\uFFFD' {
				return true
			}
			next += unicodeEscape
		}
		step := bytes.IndexByte(data[next:], '\\')
		if step < 0 {
			return false
		}
		i = next + step
	}
	return false
}

const unicodeEscape = len(`\u0000`)

// escapedUnit returns the UTF-16 unit of the escape \uXXXX with which text begins.
func escapedUnit(text []byte) (unit rune, ok bool) {
	if len(text) < unicodeEscape || text[0] != '\\' || text[1] != 'u' {
		return 0, false
	}
	n, err := strconv.ParseUint(string(text[2:unicodeEscape]), 16, 16)
	return rune(n), err == nil
}

// writeWholeNumbersAsIntegers returns JSON in which whole numbers that are written with a fraction or an exponent, such
// as 75000.0 or 7.5e4, are written as integers, because encoding/json refuses the other forms for an integer. All other
// values stay, and so does a number that a float64 does not hold exactly.
func writeWholeNumbersAsIntegers(data []byte) []byte {
	var out []byte
	copied := 0
	for i := 0; i < len(data); i++ {
		c := data[i]
		if c == '"' {
			i = endOfText(data, i)
			continue
		}
		if c != '-' && (c < '0' || c > '9') {
			continue
		}
		end := i + 1
		for end < len(data) && bytes.IndexByte([]byte("0123456789+-.eE"), data[end]) >= 0 {
			end++
		}
		if whole, ok := integerOf(data[i:end]); ok {
			out = strconv.AppendInt(append(out, data[copied:i]...), whole, 10)
			copied = end
		}
		i = end - 1
	}
	if copied == 0 {
		return data
	}
	return append(out, data[copied:]...)
}

// integerOf returns the value of a number that is written with a fraction or an exponent and is whole.
func integerOf(text []byte) (int64, bool) {
	if !bytes.ContainsAny(text, ".eE") {
		return 0, false
	}
	f, err := strconv.ParseFloat(string(text), 64)
	if err != nil || f <= -maxExactFloat || f >= maxExactFloat || f != float64(int64(f)) {
		return 0, false
	}
	return int64(f), true
}
