package bodytext

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"io"
	"strings"
)

// Errors of Decompress.
var (
	ErrUnsupportedCoding = errors.New("content coding is not supported")
	ErrCorruptCoding     = errors.New("content coding cannot be read")
	ErrTooLarge          = errors.New("decoded body is too large")
)

// maxCodings is how many content codings one body may have.
const maxCodings = 4

// Decompress removes the content codings that a Content-Encoding header lists: gzip, x-gzip, deflate and identity. It
// returns at most limit bytes. A body that is plain although a coding is declared stays as it is: gateways that decode
// a body may keep the header. A body that begins as gzip does is decoded without a header too. The error is one of the
// errors above.
func Decompress(codings string, body []byte, limit int64) ([]byte, error) {
	list, err := ParseCodings(codings)
	if err != nil {
		return nil, err
	}
	for i := len(list) - 1; i >= 0; i-- { // the last one was applied last
		if looksPlain(body) {
			break
		}
		if body, err = readLimited(list[i], body, limit); err != nil {
			return nil, err
		}
	}
	if len(list) == 0 && isGzip(body) {
		return readLimited("gzip", body, limit)
	}
	if int64(len(body)) > limit {
		return nil, ErrTooLarge
	}
	return body, nil
}

// ParseCodings returns the codings of a Content-Encoding header, without identity, each as gzip or deflate. The error
// is ErrUnsupportedCoding.
func ParseCodings(header string) (list []string, err error) {
	for _, coding := range strings.Split(header, ",") {
		switch strings.ToLower(strings.TrimSpace(coding)) {
		case "", "identity":
		case "gzip", "x-gzip":
			list = append(list, "gzip")
		case "deflate":
			list = append(list, "deflate")
		default:
			return nil, ErrUnsupportedCoding
		}
	}
	if len(list) > maxCodings {
		return nil, ErrUnsupportedCoding
	}
	return list, nil
}

func isGzip(body []byte) bool { return bytes.HasPrefix(body, []byte{0x1f, 0x8b}) }

// looksPlain reports whether a body begins as a JSON object or list does. No gzip and no zlib stream begins so.
func looksPlain(body []byte) bool {
	body = bytes.TrimLeft(bytes.TrimPrefix(body, utf8BOM), " \t\r\n")
	return len(body) == 0 || body[0] == '{' || body[0] == '['
}

func readLimited(coding string, body []byte, limit int64) ([]byte, error) {
	reader, err := NewReader(coding, bytes.NewReader(body))
	if err != nil {
		return nil, ErrCorruptCoding
	}
	out, err := io.ReadAll(io.LimitReader(reader, limit+1))
	if int64(len(out)) > limit {
		return nil, ErrTooLarge
	}
	if err != nil {
		return nil, ErrCorruptCoding
	}
	return out, nil
}

// NewReader returns a reader of what a body in this coding holds: gzip, or deflate with or without the zlib header,
// because senders disagree about it. The error is ErrCorruptCoding or that of the body.
func NewReader(coding string, body io.Reader) (io.Reader, error) {
	buffered := bufio.NewReader(body)
	if coding == "gzip" {
		return gzip.NewReader(buffered)
	}
	head, err := buffered.Peek(2)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if len(head) < 2 {
		return nil, ErrCorruptCoding
	}
	if head[0]&0x0f == 8 && (uint(head[0])<<8|uint(head[1]))%31 == 0 { // the header of RFC 1950
		return zlib.NewReader(buffered)
	}
	return flate.NewReader(buffered), nil
}
