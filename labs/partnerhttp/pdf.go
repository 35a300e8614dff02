package partnerhttp

import (
	"bytes"
	"encoding/base64"
	"strings"
	"unicode"

	"github.com/aliquot-labs/aliquot/internal/bodytext"
)

// pdfMark begins every PDF. Readers accept some bytes before it.
var pdfMark = []byte("%PDF")

const maxBeforePDF = 1024 // bytes

// ReadPDF decodes a document in base64: in either alphabet, with or without padding and line breaks, as a data URI or
// alone. It returns nil for nothing: an empty text or the word null. Its error is ErrUnreadable for a text that is no
// base64 or no PDF.
func ReadPDF(text string) ([]byte, error) {
	text = strings.TrimSpace(text)
	if text == "" || bodytext.IsNullWord(text) {
		return nil, nil
	}
	if len(text) > len("data:") && strings.EqualFold(text[:len("data:")], "data:") {
		head, data, found := strings.Cut(text, ",")
		if !found || !strings.HasSuffix(strings.ToLower(strings.TrimSpace(head)), ";base64") {
			return nil, ErrUnreadable
		}
		text = data
	}
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return -1
		case r == '-':
			return '+'
		case r == '_':
			return '/'
		}
		return r
	}, text)
	pdf, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(text, "="))
	if err != nil {
		return nil, ErrUnreadable
	}
	if len(pdf) == 0 {
		return nil, nil
	}
	at := bytes.Index(pdf[:min(len(pdf), maxBeforePDF)], pdfMark)
	if at < 0 {
		return nil, ErrUnreadable
	}
	return pdf[at:], nil
}
