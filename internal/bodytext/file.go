package bodytext

import (
	"bytes"
	"fmt"
)

// FromFile returns the content of a text file that a person has written, without a byte order mark, which some editors
// put before UTF-8. Its error names the encoding of a file in UTF-16 or UTF-32: such a file has to be saved as UTF-8.
func FromFile(content []byte) ([]byte, error) {
	if name := WideEncoding(content); name != "" {
		return nil, fmt.Errorf("the text is %s: save it as UTF-8", name)
	}
	return bytes.TrimPrefix(content, utf8BOM), nil
}

// WideEncoding returns UTF-16 or UTF-32 for a text that begins with the byte order mark of one, or is one of JSON
// without a mark; empty: another encoding.
func WideEncoding(content []byte) string {
	for _, b := range byteOrderMarks {
		if bytes.HasPrefix(content, b.mark) {
			return b.name
		}
	}
	if wideEncodingOf(content) != nil {
		return "UTF-16 or UTF-32"
	}
	return ""
}

// WithoutMark returns UTF-8 without its byte order mark.
func WithoutMark(text []byte) []byte { return bytes.TrimPrefix(text, utf8BOM) }
