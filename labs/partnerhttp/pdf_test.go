package partnerhttp_test

import (
	"encoding/base64"
	neturl "net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/labs/partnerhttp"
)

func TestReadPDF(t *testing.T) {
	t.Parallel()
	pdf := "%PDF-1.7\n\xff\xfe\xfb\xef\xbe?>~" // its base64 differs in the two alphabets
	std, url := base64.StdEncoding.EncodeToString([]byte(pdf)), base64.URLEncoding.EncodeToString([]byte(pdf))
	require.NotEqual(t, std, url)
	for name, text := range map[string]string{
		"base64": std, "the alphabet of URLs": url, "without padding": strings.TrimRight(std, "="),
		"URLs, without padding": strings.TrimRight(url, "="),
		"a data URI":            "data:application/pdf;base64," + std,
		"a data URI, no type":   "DATA:;Base64," + std,
		"a data URI, a name":    "data:application/pdf;name=report.pdf;base64," + strings.TrimRight(std, "="),
		"a data URI, a comma":   `data:application/pdf;name="a,b.pdf";base64,` + std,
		"percent escapes":       "data:application/pdf;base64," + neturl.PathEscape(std),
		"escapes, alone":        neturl.QueryEscape(std),
		"invisible characters":  "\ufeff" + std + "\u200b",
		"lines":                 std[:10] + "\r\n" + std[10:20] + "\n  " + std[20:] + "\n",
		"bytes before the mark": base64.StdEncoding.EncodeToString([]byte("\ufeff\r\n" + pdf)),
	} {
		got, err := partnerhttp.ReadPDF(text)
		require.NoError(t, err, name)
		require.Equal(t, pdf, string(got), name)
	}
	for _, text := range []string{"", " ", "null", " null ", "NULL", "\n", "data:application/pdf;base64,"} {
		got, err := partnerhttp.ReadPDF(text)
		require.NoError(t, err, text)
		require.Nil(t, got, text)
	}
	for name, text := range map[string]string{
		"no base64": "%", "a word": "none", "three bytes": "bnVs",
		"a page":             base64.StdEncoding.EncodeToString([]byte("<html>")),
		"an image":           base64.StdEncoding.EncodeToString([]byte("\x89PNG\r\n")),
		"a URI of no base64": "data:application/pdf,%25PDF", "the mark too late": base64.StdEncoding.EncodeToString(
			append(make([]byte, 2000), pdf...)),
	} {
		got, err := partnerhttp.ReadPDF(text)
		require.ErrorIs(t, err, partnerhttp.ErrUnreadable, name)
		require.Nil(t, got, name)
	}
}
