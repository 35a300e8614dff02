package molecular_test

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"github.com/aliquot-labs/aliquot/labs"
	"github.com/aliquot-labs/aliquot/labs/molecular"
)

func gzipped(t *testing.T, text string) string {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, err := w.Write([]byte(text))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return out.String()
}

func zlibbed(t *testing.T, text string) string {
	t.Helper()
	var out bytes.Buffer
	w := zlib.NewWriter(&out)
	_, err := w.Write([]byte(text))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return out.String()
}

// TestAnswersInAnyEncoding checks that an answer is read whatever its byte order mark, its content coding and its
// character set are, and how it is kept.
func TestAnswersInAnyEncoding(t *testing.T) {
	t.Parallel()
	const reason = `[{"success":false,"error_msg":"Zoë Núñez is unknown"}]`
	windows, err := charmap.Windows1252.NewEncoder().String(reason)
	require.NoError(t, err)
	wide, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().String(reason)
	require.NoError(t, err)
	for name, tt := range map[string]struct {
		body, coding, contentType, raw string
	}{
		"a byte order mark":       {"\ufeff" + reason, "", "application/json", reason},
		"UTF-16":                  {wide, "", "application/json", reason},
		"gzip":                    {gzipped(t, reason), "gzip", "application/json", reason},
		"gzip with a mark":        {gzipped(t, "\ufeff"+reason), "gzip", "application/json", reason},
		"deflate":                 {zlibbed(t, reason), "deflate", "application/json", reason},
		"gzip that is not named":  {gzipped(t, reason), "", "application/json", reason},
		"gzip that is only named": {reason, "gzip", "application/json", reason},
		"a declared charset":      {windows, "", "application/json; charset=ISO-8859-1", reason},
		"an undeclared charset":   {windows, "", "application/json", windows},
		"both, gzip":              {gzipped(t, windows), "gzip", "text/json;charset=windows-1252", reason},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, func(w http.ResponseWriter, r *http.Request) {
				assert.Equal(t, "gzip", r.Header.Get("Accept-Encoding"))
				w.Header().Set("Content-Type", tt.contentType)
				if tt.coding != "" {
					w.Header().Set("Content-Encoding", tt.coding)
				}
				_, _ = w.Write([]byte(tt.body))
			})
			for _, do := range calls {
				var refused *labs.RefusedError
				require.ErrorAs(t, do(t.Context(), newFullClient(t, l)), &refused)
				require.Equal(t, tt.raw, string(refused.Raw))
			}
		})
	}
}

func TestAnswersWhoseCodingCannotBeRead(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ coding, body string }{
		"brotli":       {"br", "\x0b\x02\x80"},
		"cut off gzip": {"gzip", gzipped(t, acceptedAnswer)[:20]},
		"a bomb":       {"gzip", gzipped(t, string(make([]byte, 40<<20)))},
	} {
		for _, status := range []int{http.StatusOK, http.StatusBadRequest} {
			l := newLab(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Encoding", tt.coding)
				w.WriteHeader(status)
				_, _ = w.Write([]byte(tt.body))
			})
			for caller, do := range calls {
				var unanswered *labs.UnansweredError
				require.ErrorAs(t, do(t.Context(), newFullClient(t, l)), &unanswered, name+" "+caller)
				require.Equal(t, status, unanswered.Status)
				require.NotEmpty(t, unanswered.Raw, "what was received is kept")
			}
		}
	}
}

func TestDecodeReadsAnyEncoding(t *testing.T) {
	t.Parallel()
	const sent = `{"order_number":"K7Q2M9XW4T1B8C5D","type":"kit_rejected",` +
		`"rej_info":{"rejected_reason":"Zoë Núñez is not on the tube","rejected_datetime":"2024-03-12T09:05:40Z"}}`
	windows, err := charmap.Windows1252.NewEncoder().String(sent)
	require.NoError(t, err)
	wide, err := unicode.UTF16(unicode.BigEndian, unicode.UseBOM).NewEncoder().String(sent)
	require.NoError(t, err)
	want := molecular.Decode([]byte(sent), now)
	require.Equal(t, "Zoë Núñez is not on the tube", want.Reason)
	for _, body := range []string{"\ufeff" + sent, windows, wide} {
		require.Equal(t, want, molecular.Decode([]byte(body), now))
	}
}
