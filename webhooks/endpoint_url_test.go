package webhooks_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/webhooks"
)

func TestCheckURL(t *testing.T) {
	t.Parallel()
	const ok, badURL, address = "", "url", "address"
	tests := map[string]string{
		"https://example.com":                        ok,
		"https://example.com:8443/hooks?a=b":         ok,
		"http://example.com/":                        ok,
		"HTTPS://EXAMPLE.COM/":                       ok,
		"https://8.8.8.8/":                           ok,
		"https://[2606:4700::1111]:443/":             ok,
		"http://10.9.8.7/":                           ok, // allowed below
		"https://internal.example/":                  ok, // judged when connecting
		"":                                           badURL,
		"example.com/hooks":                          badURL,
		"//example.com/hooks":                        badURL,
		"ftp://example.com/":                         badURL,
		"file:///etc/passwd":                         badURL,
		"javascript:alert(1)":                        badURL,
		"https://":                                   badURL,
		"https://:443/":                              badURL,
		"https://user:pass@example.com/":             badURL,
		"https://user@example.com/":                  badURL,
		"https://example.com/#part":                  badURL,
		"https://example.com:0/":                     badURL,
		"https://example.com:65536/":                 badURL,
		"https://example.com:http/":                  badURL,
		"https://exa mple.com/":                      badURL,
		"https://example.com/\x00":                   badURL,
		"https://e.com/" + strings.Repeat("a", 2048): badURL,
		"http://127.0.0.1/":                          address,
		"http://10.9.9.9/":                           address,
		"http://169.254.169.254/latest/":             address,
		"http://[::1]:8080/":                         address,
		"http://[::ffff:127.0.0.1]/":                 address,
		"http://[fe80::1%25eth0]/":                   address,
		"http://[fd00:ec2::254]/":                    address,
		"http://127.0.0.1./":                         address,
		"http://localhost/":                          address,
		"http://LOCALHOST.:3000/":                    address,
		"http://api.localhost/":                      address,
		"http://2852039166/":                         badURL, // 169.254.169.254
		"http://0xa9fea9fe/latest/":                  badURL,
		"http://0XA9FEA9FE/":                         badURL,
		"http://025177524776/":                       badURL,
		"http://0251.0376.0251.0376/":                badURL,
		"http://0xa9.0xfe.0xa9.0xfe/":                badURL,
		"http://169.254.43518/":                      badURL,
		"http://127.1/":                              badURL,
		"http://127.0.0.01/":                         badURL,
		"http://0/":                                  badURL,
		"http://0x/":                                 badURL,
		"http://2852039166./":                        badURL,
		"http://127.0.0.1../":                        badURL,
		"http://a..b/":                               badURL,
		"http://1.2.3.4.5/":                          badURL,
		"http://134744072/":                          badURL, // 8.8.8.8
		"http://example.0x1/":                        badURL,
		"http://①⑥⑨.②⑤④.①⑥⑨.②⑤④/":                    address,
		"http://②⑧⑤②⓪③⑨①⑥⑥/":                         badURL,
		"http://１２７.０.０.１/":                          address,
		"http://127。0。0。1:8080/":                     address,
		"http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/":                          address,
		"http://%e2%91%a0.0.0.1/":                    ok, // 1.0.0.1, a public one
		"http://%31%32%37.0.0.1/":                    badURL,
		"http://0x7f000001.example.com/":             ok,
		"http://123.example/":                        ok,
		"http://my_service:8080/":                    ok,
		"http://bücher.example/":                     ok,
	}
	g := newGuard(t, "10.9.8.0/24")
	for raw, want := range tests {
		t.Run(raw, func(t *testing.T) {
			t.Parallel()
			err := g.CheckURL(raw)
			switch want {
			case ok:
				require.NoError(t, err)
			case badURL:
				var urlErr *webhooks.URLError
				require.ErrorAs(t, err, &urlErr)
				require.NotContains(t, err.Error(), "pass")
			case address:
				var refusal *webhooks.RefusedAddressError
				require.ErrorAs(t, err, &refusal)
			}
		})
	}
	require.NoError(t, newGuard(t, "127.0.0.0/8").CheckURL("http://localhost:8080/"))
}

// urlTexts are URLs as people paste them, and what is stored and requested.
var urlTexts = map[string]string{
	"https://e.com/hook?a=b&c=%20d":     "https://e.com/hook?a=b&c=%20d",
	" https://e.com/hook ":              "https://e.com/hook",
	"https://e.com/hook\r\n":            "https://e.com/hook",
	"\ufeffhttps://e.com/\u00a0\u200b":  "https://e.com/",
	"https://e.com/hook?a=b ":           "https://e.com/hook?a=b",
	"https://e.com/a b?name=Ann Lee":    "https://e.com/a%20b?name=Ann%20Lee",
	"https://e.com/é?clinic=Zoë&x=日":    "https://e.com/%C3%A9?clinic=Zo%C3%AB&x=%E6%97%A5",
	"https://e.com/?a=100%&b=%4":        "https://e.com/?a=100%25&b=%254",
	"https://e.com/?a=\"<b>\"|{c}^`[d]": "https://e.com/?a=%22%3Cb%3E%22%7C%7Bc%7D%5E%60[d]",
	"https://e.com/?a+b=c+d;e/f?g":      "https://e.com/?a+b=c+d;e/f?g",
	"https://bücher.example:8443/x":     "https://xn--bcher-kva.example:8443/x",
	"https://ＥＸＡＭＰＬＥ.com/":              "https://example.com/",
	"https://e.com/a%2Fb?":              "https://e.com/a%2Fb?",
	"https://[2606:4700::1111]:443/ä":   "https://[2606:4700::1111]:443/%C3%A4",
}

func TestNormalizeURL(t *testing.T) {
	t.Parallel()
	g := newGuard(t)
	for raw, want := range urlTexts {
		got, err := g.NormalizeURL(raw)
		require.NoError(t, err, raw)
		require.Equal(t, want, got)
		again, err := g.NormalizeURL(got)
		require.NoError(t, err, raw)
		require.Equal(t, want, again, "a stored URL does not change")
	}
	for _, bad := range []string{"https://e.com/a\tb", "https://e.com/?a=\nb", "https://e.com/%zz", "https://e. com/",
		"https://e.com/?a=\xff", "https://e.com/?" + strings.Repeat("é", 500), " "} {
		_, err := g.NormalizeURL(bad)
		require.Error(t, err, bad)
	}
}

func TestCheckHeaders(t *testing.T) {
	t.Parallel()
	many := map[string]string{}
	for i := range 21 {
		many["X-"+strings.Repeat("a", i+1)] = "v"
	}
	tests := map[string]struct {
		headers map[string]string
		ok      bool
	}{
		"none":              {nil, true},
		"ordinary":          {map[string]string{"Authorization": "Bearer t", "X-Tenant": "a b\tc"}, true},
		"empty value":       {map[string]string{"X-Empty": ""}, true},
		"signature":         {map[string]string{"svix-signature": "v1,x"}, false},
		"signature, case":   {map[string]string{"Webhook-Id": "x"}, false},
		"any svix":          {map[string]string{"SVIX-Other": "x"}, false},
		"content type":      {map[string]string{"Content-Type": "text/plain"}, false},
		"content length":    {map[string]string{"content-length": "0"}, false},
		"transfer encoding": {map[string]string{"Transfer-Encoding": "chunked"}, false},
		"host":              {map[string]string{"Host": "other"}, false},
		"user agent":        {map[string]string{"User-Agent": "other"}, false},
		"no name":           {map[string]string{"": "x"}, false},
		"blank in name":     {map[string]string{"X Y": "x"}, false},
		"colon in name":     {map[string]string{"X:": "x"}, false},
		"line in value":     {map[string]string{"X-A": "a\r\nX-B: b"}, false},
		"NUL in value":      {map[string]string{"X-A": "\x00"}, false},
		"long":              {map[string]string{"X-A": strings.Repeat("v", 4096)}, false},
		"too many":          {many, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := webhooks.CheckHeaders(tt.headers)
			if tt.ok {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, webhooks.ErrInvalidHeader)
		})
	}
}
