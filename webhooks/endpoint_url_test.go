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
