package bodytext

import (
	"net/textproto"
	"strings"
)

// DecodeBody removes the content codings of a partner's body and decodes its character set, as its headers and its
// bytes say (Decompress, Decode). plain is the body between the two. The error is one of Decompress.
func DecodeBody(header map[string][]string, body []byte, limit int64) (text Text, plain []byte, err error) {
	h := textproto.MIMEHeader(header)
	if plain, err = Decompress(strings.Join(h.Values("Content-Encoding"), ","), body, limit); err != nil {
		return Text{}, nil, err
	}
	return Decode(h.Get("Content-Type"), plain), plain, nil
}
