package bodytext_test

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"io"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"

	"github.com/aliquot-labs/aliquot/internal/bodytext"
)

const sample = `{"name":"Zoë Núñez – Łódź"}`

func encode(t *testing.T, e encoding.Encoding, text string) string {
	t.Helper()
	out, err := e.NewEncoder().String(text)
	require.NoError(t, err)
	return out
}

func TestDecode(t *testing.T) {
	t.Parallel()
	const latin = `{"name":"Zoë Núñez"}`
	little, big := unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM),
		unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM)
	little32, big32 := utf32.UTF32(utf32.LittleEndian, utf32.IgnoreBOM), utf32.UTF32(utf32.BigEndian, utf32.IgnoreBOM)
	windows, latin1 := encode(t, charmap.Windows1252, latin), encode(t, charmap.ISO8859_1, latin)
	const kana = `{"name":"アダ"}`
	for name, tt := range map[string]struct {
		contentType, body, want string
		guessed                 bool
	}{
		"UTF-8":                         {"application/json", sample, sample, false},
		"UTF-8 with a mark":             {"application/json", "\ufeff" + sample, sample, false},
		"a mark wins over the header":   {"application/json; charset=iso-8859-1", "\ufeff" + sample, sample, false},
		"UTF-16 little endian, mark":    {"", "\xff\xfe" + encode(t, little, sample), sample, false},
		"UTF-16 big endian, mark":       {"", "\xfe\xff" + encode(t, big, sample), sample, false},
		"UTF-16 little endian, no mark": {"", encode(t, little, sample), sample, false},
		"UTF-16 big endian, no mark":    {"", encode(t, big, sample), sample, false},
		"UTF-16 declared, big, no mark": {"a/b; charset=utf-16", encode(t, big, sample), sample, false},
		"UTF-32 little endian, mark":    {"", "\xff\xfe\x00\x00" + encode(t, little32, sample), sample, false},
		"UTF-32 big endian, mark":       {"", "\x00\x00\xfe\xff" + encode(t, big32, sample), sample, false},
		"UTF-32 little endian, no mark": {"", encode(t, little32, sample), sample, false},
		"UTF-32 big endian, no mark":    {"", encode(t, big32, sample), sample, false},
		"Latin 1 declared":              {"application/json; charset=ISO-8859-1", latin1, latin, false},
		"Latin 1 declared, quoted":      {`application/json; charset="iso-8859-1"`, latin1, latin, false},
		"Latin 1 in a broken header":    {"json/; ;charset='latin1'", latin1, latin, false},
		"Windows-1252 declared":         {"application/json;charset=windows-1252", windows, latin, false},
		"Latin 9 declared": {"a/b; charset=iso-8859-15", encode(t, charmap.ISO8859_15, "{\"x\":\"€\"}"),
			`{"x":"€"}`, false},
		"Windows-1250 declared": {"a/b; charset=cp1250", encode(t, charmap.Windows1250, `{"x":"Łódź"}`),
			`{"x":"Łódź"}`, false},
		"code page 850, known to IANA":    {"a/b; charset=IBM850", encode(t, charmap.CodePage850, latin), latin, false},
		"Shift JIS declared":              {"a/b; charset=Shift_JIS", encode(t, japanese.ShiftJIS, kana), kana, false},
		"undeclared Windows-1252":         {"application/json", windows, latin, true},
		"UTF-8 declared, and it is not":   {"application/json; charset=utf-8", windows, latin, true},
		"an unknown charset, UTF-8":       {"application/json; charset=klingon", sample, sample, false},
		"an unknown charset, no UTF-8":    {"application/json; charset=klingon", windows, latin, true},
		"quotation marks of Windows-1252": {"", "{\"x\":\"\x93Zo\xeb\x94\"}", `{"x":"“Zoë”"}`, true},
		"ASCII declared, UTF-8 sent":      {"application/json; charset=us-ascii", sample, sample, false},
		"a charset that does not fit": {"a/b; charset=Shift_JIS", "{\"x\":\"\xff\xff\"}", "{\"x\":\"\ufffd\ufffd\"}",
			true},
		"empty":    {"application/json; charset=iso-8859-1", "", "", false},
		"one byte": {"", "1", "1", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := bodytext.Decode(tt.contentType, []byte(tt.body))
			require.Equal(t, tt.want, string(got.UTF8))
			require.Equal(t, tt.guessed, got.Guessed)
			again := bodytext.Decode("application/json", got.UTF8)
			require.Equal(t, tt.want, string(again.UTF8), "decoding twice changes nothing")
		})
	}
}

func compress(t *testing.T, open func(io.Writer) io.WriteCloser, text string) []byte {
	t.Helper()
	var out bytes.Buffer
	w := open(&out)
	_, err := io.WriteString(w, text)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return out.Bytes()
}

func gzipped(w io.Writer) io.WriteCloser  { return gzip.NewWriter(w) }
func zlibbed(w io.Writer) io.WriteCloser  { return zlib.NewWriter(w) }
func deflated(w io.Writer) io.WriteCloser { f, _ := flate.NewWriter(w, flate.BestSpeed); return f }

func TestDecompress(t *testing.T) {
	t.Parallel()
	zipped := compress(t, gzipped, sample)
	for name, tt := range map[string]struct {
		codings string
		body    []byte
		want    string
		err     error
	}{
		"none":                      {"", []byte(sample), sample, nil},
		"identity":                  {"identity", []byte(sample), sample, nil},
		"gzip":                      {"gzip", zipped, sample, nil},
		"gzip, in capitals":         {" GZIP ", zipped, sample, nil},
		"x-gzip":                    {"x-gzip", zipped, sample, nil},
		"deflate, as RFC 9110":      {"deflate", compress(t, zlibbed, sample), sample, nil},
		"deflate, without a header": {"deflate", compress(t, deflated, sample), sample, nil},
		"two codings": {"deflate, gzip", compress(t, gzipped, string(compress(t, zlibbed, sample))), sample,
			nil},
		"gzip twice":                {"gzip,gzip", compress(t, gzipped, string(zipped)), sample, nil},
		"gzip that is not declared": {"", zipped, sample, nil},
		"declared, and plain":       {"gzip", []byte(" " + sample), " " + sample, nil},
		"declared, and empty":       {"gzip", nil, "", nil},
		"cut off":                   {"gzip", zipped[:len(zipped)-9], "", bodytext.ErrCorruptCoding},
		"no gzip":                   {"gzip", []byte("gzip"), "", bodytext.ErrCorruptCoding},
		"no deflate":                {"deflate", []byte("\x07\xff\xff"), "", bodytext.ErrCorruptCoding},
		"one byte of deflate":       {"deflate", []byte("\x78"), "", bodytext.ErrCorruptCoding},
		"a wrong checksum": {"gzip", append(bytes.Clone(zipped[:len(zipped)-8]), 1, 2, 3, 4, 5, 6, 7, 8), "",
			bodytext.ErrCorruptCoding},
		"brotli":                     {"br", []byte("x"), "", bodytext.ErrUnsupportedCoding},
		"one that is not supported":  {"gzip, zstd", zipped, "", bodytext.ErrUnsupportedCoding},
		"too many codings":           {"gzip,gzip,gzip,gzip,gzip", zipped, "", bodytext.ErrUnsupportedCoding},
		"a bomb":                     {"gzip", compress(t, gzipped, string(make([]byte, 1<<20))), "", bodytext.ErrTooLarge},
		"a bomb that is undeclared":  {"", compress(t, gzipped, string(make([]byte, 1<<20))), "", bodytext.ErrTooLarge},
		"too large without a coding": {"", make([]byte, 101), "", bodytext.ErrTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := bodytext.Decompress(tt.codings, tt.body, 100)
			require.ErrorIs(t, err, tt.err)
			require.Equal(t, tt.want, string(got))
		})
	}
}

func TestFromFile(t *testing.T) {
	t.Parallel()
	got, err := bodytext.FromFile([]byte("\ufeff" + sample))
	require.NoError(t, err)
	require.Equal(t, sample, string(got))
	for _, e := range []encoding.Encoding{
		unicode.UTF16(unicode.LittleEndian, unicode.UseBOM), unicode.UTF16(unicode.BigEndian, unicode.UseBOM),
		unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM),
	} {
		_, err = bodytext.FromFile([]byte(encode(t, e, sample)))
		require.ErrorContains(t, err, "UTF-16")
		require.ErrorContains(t, err, "save it as UTF-8")
	}
	_, err = bodytext.FromFile([]byte(encode(t, utf32.UTF32(utf32.LittleEndian, utf32.UseBOM), sample)))
	require.ErrorContains(t, err, "UTF-32")
}

func FuzzDecode(f *testing.F) {
	for _, seed := range []string{sample, "\ufeff", "\xff\xfe", "\xff\xfe\x00\x00", "\x00{", "{\x00", "\x80\x81"} {
		f.Add("application/json; charset=iso-8859-1", seed)
		f.Add("", seed)
	}
	f.Fuzz(func(t *testing.T, contentType, body string) {
		got := bodytext.Decode(contentType, []byte(body))
		require.True(t, bytes.Equal(got.UTF8, bytes.ToValidUTF8(got.UTF8, nil)), "it is UTF-8")
		_, _ = bodytext.Decompress(contentType, []byte(body), 1000)
	})
}
