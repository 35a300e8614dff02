package partnerhttp

import (
	"bytes"
	"encoding/base64"
	"net/url"
	"regexp"
	"strings"
	"unicode"

	"github.com/aliquot-labs/aliquot/internal/bodytext"
)

// pdfMark begins every PDF. Readers accept some bytes before it.
var pdfMark = []byte("%PDF")

const maxBeforePDF = 1024 // bytes

// ReadPDF decodes a document in base64: in either alphabet, with or without padding, line breaks and percent escapes,
// as a data URI or alone. It returns nil for nothing: an empty text or the word null. Its error is ErrUnreadable for a
// text that is no base64 or no PDF.
func ReadPDF(text string) ([]byte, error) {
	text = strings.TrimSpace(text)
	if text == "" || bodytext.IsNullWord(text) {
		return nil, nil
	}
	pdf, err := decodeDocument(text)
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

// dataHead matches what a data URI has before its data.
var dataHead = regexp.MustCompile(`(?i)^data:(?:[^,]*,)?(?:[^,]*; ?base64 ?,)?`)

// decodeDocument returns the bytes of a document in base64, alone or in a data URI.
func decodeDocument(text string) ([]byte, error) {
	head := dataHead.FindString(text[:min(len(text), maxBeforePDF)])
	if head != "" && !strings.Contains(strings.ToLower(head), "base64") {
		return nil, ErrUnreadable
	}
	if text = text[len(head):]; strings.Contains(text, "%") {
		plain, err := url.PathUnescape(text)
		if err != nil {
			return nil, err
		}
		text = plain
	}
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r) || unicode.Is(unicode.Cf, r):
			return -1
		case r == '-':
			return '+'
		case r == '_':
			return '/'
		}
		return r
	}, text)
	return base64.RawStdEncoding.DecodeString(strings.TrimRight(text, "="))
}
