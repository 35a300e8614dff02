package api_test

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"github.com/aliquot-labs/aliquot/labs/neutral/neutraltest"
	"github.com/aliquot-labs/aliquot/store"
)

func compressed(t *testing.T, coding, text string) string {
	t.Helper()
	var out bytes.Buffer
	var w io.WriteCloser = gzip.NewWriter(&out)
	switch coding {
	case "zlib":
		w = zlib.NewWriter(&out)
	case "flate":
		f, err := flate.NewWriter(&out, flate.BestSpeed)
		require.NoError(t, err)
		w = f
	}
	_, err := io.WriteString(w, text)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return out.String()
}

// partnerSenders send a webhook of each kind, signed over the bytes that are sent, about an order with tracking
// numbers. name is free text of the message.
func partnerSenders(t *testing.T, f *fixture) map[string]func(encode func(string) string, headers ...string) reply {
	t.Helper()
	molecularNumber := f.order(f.createOrder(nil)).Number
	f.newShippedOrder()
	p := f.newPartner(store.LabAccount{})
	_, number := p.createPlacedOrder()
	minute := 10
	return map[string]func(encode func(string) string, headers ...string) reply{
		"molecular": func(encode func(string) string, headers ...string) reply {
			body := labWebhookSample(t, "kit_rejected", molecularNumber)
			body["rej_info"].(map[string]any)["rejected_reason"] = "Zoë Núñez " + newID()
			encoded, err := json.Marshal(body)
			require.NoError(t, err)
			req, err := http.NewRequest(http.MethodPost, f.url, nil)
			require.NoError(t, err)
			req.SetBasicAuth(labUser, labToken)
			return f.send(http.MethodPost, labRoute, encode(string(encoded)),
				append(headers, "Authorization", req.Header.Get("Authorization"))...)
		},
		"neutral": func(encode func(string) string, headers ...string) reply {
			id := newID()
			body := encode(`{"type":"sample_rejected","order_number":"` + number + `","data":{"reason":"Zoë Núñez ` + id + `"}}`)
			r := &http.Request{Header: http.Header{}}
			neutraltest.SignWebhook(r, p.User, p.Token, id, testTime, []byte(body))
			for name := range r.Header {
				headers = append(headers, name, r.Header.Get(name))
			}
			return f.send(http.MethodPost, neutralRoute, body, headers...)
		},
		"easypost": func(encode func(string) string, headers ...string) reply {
			minute++
			body := encode(trackerUpdate(outbound, "in_transit", minute))
			mac := hmac.New(sha256.New, []byte(courierSecret))
			mac.Write([]byte(body))
			return f.send(http.MethodPost, courierRoute, body,
				append(headers, "X-Hmac-Signature", "hmac-sha256-hex="+hex.EncodeToString(mac.Sum(nil)))...)
		},
	}
}

func TestWebhooksInAnyEncoding(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	senders := partnerSenders(t, f)
	windows := func(text string) string {
		out, err := charmap.Windows1252.NewEncoder().String(text)
		require.NoError(t, err)
		return out
	}
	for name, tt := range map[string]struct {
		encode  func(string) string
		headers []string
		guessed bool
	}{
		"a byte order mark": {func(s string) string { return "\ufeff" + s }, nil, false},
		"UTF-16": {func(s string) string {
			out, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().String(s)
			require.NoError(t, err)
			return out
		}, nil, false},
		"gzip": {func(s string) string { return compressed(t, "gzip", s) }, []string{"Content-Encoding", "gzip"}, false},
		"deflate": {func(s string) string { return compressed(t, "zlib", s) }, []string{"Content-Encoding", "deflate"},
			false},
		"raw deflate": {func(s string) string { return compressed(t, "flate", s) }, []string{"Content-Encoding", "deflate"},
			false},
		"a declared charset":    {windows, []string{"Content-Type", "application/json; charset=iso-8859-1"}, false},
		"an undeclared charset": {windows, nil, true},
	} {
		for partner, send := range senders {
			t.Log(name, partner) // shown when what follows fails
			var sent string
			r := send(func(s string) string { sent = s; return tt.encode(s) }, tt.headers...)
			require.Equal(t, http.StatusOK, r.status, string(r.body))
			item := f.requireInboxState(r.json(t)["id"].(string), store.InboxReceived)
			require.Equal(t, tt.encode(sent), string(item.Body), "the bytes received are kept")
			shown := f.ops(http.MethodGet, "/ops/inbox/"+item.ID, nil).json(t)
			require.Equal(t, sent, shown["body"], "the text is shown")
			if partner == "easypost" { // ASCII only
				continue
			}
			require.Contains(t, item.PartnerReason, "Zoë Núñez")
			require.Equal(t, tt.guessed, item.Headers["Aliquot-Read-As"] == "windows-1252")
		}
	}
}

func TestWebhooksWhoseCodingCannotBeReadAreQuarantined(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	senders := partnerSenders(t, f)
	for name, tt := range map[string]struct {
		coding string
		encode func(string) string
	}{
		"brotli":  {"br", func(s string) string { return "\x0b" + compressed(t, "flate", s) }},
		"cut off": {"gzip", func(s string) string { return compressed(t, "gzip", s)[:30] }},
		"a bomb": {"gzip", func(s string) string {
			return compressed(t, "gzip", string(make([]byte, 2<<20))+s) // each is another one
		}},
	} {
		for partner, send := range senders {
			var sent string
			r := send(func(s string) string { sent = tt.encode(s); return sent }, "Content-Encoding", tt.coding)
			require.Equal(t, http.StatusBadRequest, r.status, name+" "+partner)
			item := f.requireInboxState(r.json(t)["id"].(string), store.InboxQuarantined)
			require.Equal(t, sent, string(item.Body), "nothing is lost")
			require.Equal(t, tt.coding, item.Headers["Content-Encoding"])
		}
	}
}

func TestRequestsInAnyEncoding(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	send := func(body string, headers ...string) reply {
		t.Helper()
		return f.send(http.MethodPost, "/v2/user", body, append(headers, "X-Vital-API-Key", f.key)...)
	}
	user := func() string { return `{"client_user_id":"` + newID() + `"}` }
	for name, r := range map[string]reply{
		"a byte order mark": send("\ufeff" + user()),
		"gzip":              send(compressed(t, "gzip", user()), "Content-Encoding", "gzip"),
		"gzip with a mark":  send(compressed(t, "gzip", "\ufeff"+user()), "Content-Encoding", "x-gzip"),
		"deflate":           send(compressed(t, "zlib", user()), "Content-Encoding", "deflate"),
		"raw deflate":       send(compressed(t, "flate", user()), "Content-Encoding", "Deflate"),
		"two":               send(compressed(t, "gzip", compressed(t, "zlib", user())), "Content-Encoding", "deflate, gzip"),
		"identity":          send(user(), "Content-Encoding", "identity"),
	} {
		require.Equal(t, http.StatusOK, r.status, name+" "+string(r.body))
	}
	for _, coding := range []string{"br", "zstd", "compress", "gzip, br"} {
		r := send("x", "Content-Encoding", coding)
		require.Equal(t, http.StatusUnsupportedMediaType, r.status, coding)
		require.Equal(t, "gzip, deflate", r.header.Get("Accept-Encoding"))
	}
	without := f.send(http.MethodGet, "/v2/user", nil, "Content-Encoding", "br", "X-Vital-API-Key", f.key)
	require.Equal(t, http.StatusOK, without.status, "there is nothing to decode")
	for name, body := range map[string]string{"cut off": compressed(t, "gzip", user())[:20], "plain": user()} {
		r := send(body, "Content-Encoding", "gzip")
		require.Equal(t, http.StatusBadRequest, r.status, name+" "+string(r.body))
	}
	bomb := send(compressed(t, "gzip", string(make([]byte, 64<<20))), "Content-Encoding", "gzip")
	require.Equal(t, http.StatusRequestEntityTooLarge, bomb.status)

	wide, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().String(user())
	require.NoError(t, err)
	r := send(wide)
	requireProblem(t, r, []any{"body"}, "json_invalid")
	require.Contains(t, string(r.body), "UTF-16")
}
