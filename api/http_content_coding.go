package api

import (
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/aliquot-labs/aliquot/internal/bodytext"
)

// maxCodedBody is the largest encoded body of a request that is read, in bytes. The limit of the operation holds for
// the decoded body.
const maxCodedBody = 64 << 20

// decodeContent decodes the body of a request with a Content-Encoding of gzip or deflate while it is read. It answers
// 415 to any other coding. Without a body the header means nothing. Partners' webhooks decode their bodies after their
// signature has been verified.
func (s *server) decodeContent(c *gin.Context) {
	header := strings.Join(c.Request.Header.Values("Content-Encoding"), ",")
	if header == "" || strings.HasPrefix(c.Request.URL.Path, "/webhooks/") {
		return
	}
	if c.Request.Body == nil || c.Request.Body == http.NoBody {
		c.Request.Header.Del("Content-Encoding")
		return
	}
	codings, err := bodytext.ParseCodings(header)
	if err != nil {
		c.Header("Accept-Encoding", "gzip, deflate")
		abortWithDetail(c, http.StatusUnsupportedMediaType, "The Content-Encoding is not supported: use gzip or deflate")
		return
	}
	c.Request.Header.Del("Content-Encoding")
	if len(codings) == 0 {
		return
	}
	raw := http.MaxBytesReader(c.Writer, c.Request.Body, maxCodedBody)
	c.Request.Body = &decodedBody{Closer: raw, raw: raw, codings: codings}
	c.Request.ContentLength = -1
	c.Request.Header.Del("Content-Length")
}

// decodedBody is the body of a request without its content codings. It reads nothing before its first Read.
type decodedBody struct {
	io.Closer
	raw     io.Reader
	codings []string
	decoded io.Reader // nil before the first Read
	err     error     // why decoding cannot begin
}

// Read implements io.Reader. An error of a coding is bodytext.ErrCorruptCoding.
func (b *decodedBody) Read(p []byte) (int, error) {
	if b.decoded == nil && b.err == nil {
		b.decoded = b.raw
		for i := len(b.codings) - 1; i >= 0 && b.err == nil; i-- {
			b.decoded, b.err = bodytext.NewReader(b.codings[i], b.decoded)
		}
	}
	if b.err != nil {
		return 0, codingError(b.err)
	}
	n, err := b.decoded.Read(p)
	return n, codingError(err)
}

// codingError returns bodytext.ErrCorruptCoding for an error that says that a coding is wrong, and other errors
// unchanged.
func codingError(err error) error {
	_, corrupt := errors.AsType[flate.CorruptInputError](err)
	for _, wrong := range []error{gzip.ErrHeader, gzip.ErrChecksum, zlib.ErrHeader, zlib.ErrChecksum, zlib.ErrDictionary,
		io.ErrUnexpectedEOF, bodytext.ErrCorruptCoding} {
		corrupt = corrupt || errors.Is(err, wrong)
	}
	if corrupt {
		return bodytext.ErrCorruptCoding
	}
	return err
}
