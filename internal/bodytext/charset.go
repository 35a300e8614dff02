package bodytext

import (
	"bytes"
	"mime"
	"regexp"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/ianaindex"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"
)

var utf8BOM = []byte("\ufeff")

// byteOrderMarks lists the marks of the encodings that have one. That of UTF-32 little endian begins with that of
// UTF-16.
var byteOrderMarks = []struct {
	mark    []byte
	name    string
	charset encoding.Encoding
}{
	{[]byte{0xff, 0xfe, 0, 0}, "UTF-32", utf32.UTF32(utf32.LittleEndian, utf32.IgnoreBOM)},
	{[]byte{0, 0, 0xfe, 0xff}, "UTF-32", utf32.UTF32(utf32.BigEndian, utf32.IgnoreBOM)},
	{[]byte{0xff, 0xfe}, "UTF-16", unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM)},
	{[]byte{0xfe, 0xff}, "UTF-16", unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM)},
}

// Text is a decoded body.
type Text struct {
	UTF8 []byte // without a byte order mark
	// Guessed reports whether bytes were read as Windows-1252, because they are no UTF-8 and no usable character set is
	// declared, or whether a declared one does not fit them. Then UTF8 may differ from what was meant.
	Guessed bool
}

// Decode decodes a partner's body. A byte order mark decides first, then the charset of the Content-Type header, then
// the form of the bytes. It never fails.
func Decode(contentType string, body []byte) Text {
	if rest, ok := bytes.CutPrefix(body, utf8BOM); ok {
		body, contentType = rest, ""
	}
	for _, b := range byteOrderMarks {
		if rest, ok := bytes.CutPrefix(body, b.mark); ok {
			return decodeWith(b.charset, rest)
		}
	}
	if wide := wideEncodingOf(body); wide != nil {
		return decodeWith(wide, body)
	}
	if declared := declaredCharset(contentType); declared != nil {
		return decodeWith(declared, body)
	}
	if utf8.Valid(body) {
		return Text{UTF8: body}
	}
	text := decodeWith(charmap.Windows1252, body)
	text.Guessed = true
	return text
}

func decodeWith(charset encoding.Encoding, body []byte) Text {
	text, err := charset.NewDecoder().Bytes(body)
	if err != nil {
		return Text{UTF8: bytes.ToValidUTF8(body, []byte("\ufffd")), Guessed: true}
	}
	text = bytes.TrimPrefix(text, utf8BOM)
	return Text{UTF8: text, Guessed: bytes.ContainsRune(text, utf8.RuneError)}
}

// wideEncodingOf returns the encoding of a text in UTF-16 or UTF-32 without a mark, by the zero bytes of its first
// character, which is ASCII in every JSON text; nil: another encoding.
func wideEncodingOf(body []byte) encoding.Encoding {
	if len(body) < 2 {
		return nil
	}
	switch {
	case len(body) >= 4 && body[0] == 0 && body[1] == 0 && body[2] == 0 && body[3] != 0:
		return utf32.UTF32(utf32.BigEndian, utf32.IgnoreBOM)
	case len(body) >= 4 && body[0] != 0 && body[1] == 0 && body[2] == 0 && body[3] == 0:
		return utf32.UTF32(utf32.LittleEndian, utf32.IgnoreBOM)
	case body[0] == 0 && body[1] != 0:
		return unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM)
	case body[0] != 0 && body[1] == 0:
		return unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM)
	}
	return nil
}

var charsetPattern = regexp.MustCompile(`(?i)charset\s*=\s*["']?([^\s;"']+)`)

// declaredCharset returns the character set that a Content-Type header declares; nil: none, an unknown one, or one
// whose texts are valid UTF-8 if they are what the header says.
func declaredCharset(contentType string) encoding.Encoding {
	name := ""
	if _, parameters, err := mime.ParseMediaType(contentType); err == nil {
		name = parameters["charset"]
	} else if found := charsetPattern.FindStringSubmatch(contentType); found != nil {
		name = found[1]
	}
	name = strings.ToLower(strings.Trim(strings.TrimSpace(name), `"'`))
	switch name {
	case "", "utf-8", "utf8", "us-ascii", "ascii":
		return nil
	}
	charset, err := htmlindex.Get(name)
	if err != nil {
		charset, err = ianaindex.IANA.Encoding(name)
	}
	if err != nil || charset == encoding.Replacement || charset == unicode.UTF8 {
		return nil
	}
	return charset
}
