package easypost_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aliquot-labs/aliquot/couriers"
	"github.com/aliquot-labs/aliquot/couriers/easypost"
)

const number = "9420900204173500182641"

func newClient(t *testing.T, h http.HandlerFunc, timeout time.Duration) *easypost.Client {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	client, err := easypost.New(easypost.Options{BaseURL: server.URL, APIKey: "key-1", Timeout: timeout})
	require.NoError(t, err)
	t.Cleanup(client.Close)
	return client
}

func respondWith(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func TestCreateTracker(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		number  string
		courier couriers.Courier
		body    string
	}{
		"USPS":  {number, couriers.USPS, `{"tracker":{"tracking_code":"9420900204173500182641","carrier":"USPS"}}`},
		"FedEx": {"772081149359", couriers.FedEx, `{"tracker":{"tracking_code":"772081149359","carrier":"FedEx"}}`},
		"number cleaned": {"7720-8114 9359", couriers.FedEx,
			`{"tracker":{"tracking_code":"772081149359","carrier":"FedEx"}}`},
		"unknown courier": {"1111497584974311111", "", `{"tracker":{"tracking_code":"1111497584974311111"}}`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got *http.Request
			var body []byte
			client := newClient(t, func(w http.ResponseWriter, r *http.Request) {
				got = r
				body, _ = io.ReadAll(r.Body)
				respondWith(http.StatusCreated, `{"id":"trk_1","object":"Tracker","status":"unknown"}`)(w, r)
			}, 0)

			id, err := client.CreateTracker(t.Context(), tt.number, tt.courier)

			require.NoError(t, err)
			require.Equal(t, "trk_1", id)
			require.Equal(t, "POST /v2/trackers", got.Method+" "+got.URL.Path)
			user, password, ok := got.BasicAuth()
			require.True(t, ok)
			require.Equal(t, "key-1", user)
			require.Empty(t, password)
			require.Equal(t, "application/json", got.Header.Get("Content-Type"))
			require.JSONEq(t, tt.body, string(body))
		})
	}
}

func TestCreateRefused(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		status int
		body   string
		code   string
	}{
		"unprocessable": {422, `{"error":{"code":"TRACKER.CREATE.ERROR","message":"no such parcel"}}`,
			"TRACKER.CREATE.ERROR"},
		"bad request": {400, `{"error":{"code":"PARAMETER.INVALID","message":"no parcel of Jane Roe"}}`,
			"PARAMETER.INVALID"},
		"no such parcel":     {404, `{"error":{"code":"TRACKER.NOT_FOUND"}}`, "TRACKER.NOT_FOUND"},
		"a mark before JSON": {422, "\ufeff" + `{"error":{"code":"TRACKER.CREATE.ERROR"}}`, "TRACKER.CREATE.ERROR"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := newClient(t, respondWith(tt.status, tt.body), 0)
			_, err := client.CreateTracker(t.Context(), number, couriers.USPS)
			var refused *couriers.RefusedError
			require.ErrorAs(t, err, &refused)
			require.Equal(t, &couriers.RefusedError{Status: tt.status, Code: tt.code}, refused)
			require.NotContains(t, err.Error(), "parcel")
			require.NotContains(t, err.Error(), "Jane")
		})
	}
}

// An answer about our account, or one that no tracking service gave, says nothing about the parcel.
func TestCreateRefusesTheAccount(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		status int
		body   string
		code   string
	}{
		"wrong key":               {401, `{"error":{"code":"APIKEY.INACTIVE"}}`, "APIKEY.INACTIVE"},
		"wrong key, empty answer": {401, ``, ""},
		"wrong key, page":         {401, `<html>`, ""},
		"not paid":                {402, `{"error":{"code":"PAYMENT_REQUIRED"}}`, "PAYMENT_REQUIRED"},
		"forbidden":               {403, `{"error":{"code":"MODE.UNAUTHORIZED"}}`, "MODE.UNAUTHORIZED"},
		"forbidden, free text":    {403, `{"error":{"code":"nothing for Jane Roe"}}`, ""},
		"key inactive as 422":     {422, `{"error":{"code":"APIKEY.INACTIVE"}}`, "APIKEY.INACTIVE"},
		"billing as 400":          {400, `{"error":{"code":"BILLING.PAYMENT_METHOD"}}`, "BILLING.PAYMENT_METHOD"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := newClient(t, respondWith(tt.status, tt.body), 0)
			_, err := client.CreateTracker(t.Context(), number, couriers.USPS)
			var refused *couriers.AccountError
			require.ErrorAs(t, err, &refused)
			require.Equal(t, &couriers.AccountError{Status: tt.status, Code: tt.code}, refused)
			require.NotContains(t, err.Error(), "Jane")
		})
	}
}

func TestCreateTrackerRefusesUnsupportedCarriers(t *testing.T) {
	t.Parallel()
	client := newClient(t, func(http.ResponseWriter, *http.Request) { t.Error("EasyPost was asked") }, 0)
	_, err := client.CreateTracker(t.Context(), number, "pigeon")
	var refused *couriers.RefusedError
	require.ErrorAs(t, err, &refused)
	require.Equal(t, "carrier_unsupported", refused.Code)
}

func TestCreateUnavailable(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		handler    http.HandlerFunc
		status     int
		retryAfter time.Duration
	}{
		"request time-out":           {respondWith(408, ""), 408, 0},
		"nonsense":                   {respondWith(400, `nonsense`), 400, 0},
		"gateway's JSON":             {respondWith(400, `{"message":"no Route matched"}`), 400, 0},
		"error as a text":            {respondWith(422, `{"error":"bad gateway for Jane Roe"}`), 422, 0},
		"free text is no code":       {respondWith(422, `{"error":{"code":"nothing for Jane Roe"}}`), 422, 0},
		"default backend":            {respondWith(404, `<html>default backend - 404</html>`), 404, 0},
		"wrong address":              {respondWith(404, `{"error":{"code":"NOT_FOUND"}}`), 404, 0},
		"method not allowed":         {respondWith(405, ``), 405, 0},
		"proxy wants a password":     {respondWith(407, ``), 407, 0},
		"conflict":                   {respondWith(409, `{"error":{"code":"CONFLICT"}}`), 409, 0},
		"gone":                       {respondWith(410, `<html>`), 410, 0},
		"too large for a gateway":    {respondWith(413, `<html>`), 413, 0},
		"wrong host":                 {respondWith(421, ``), 421, 0},
		"rate limited with a code":   {respondWith(429, `{"error":{"code":"APIKEY.RATE_LIMITED"}}`), 429, 0},
		"rate limited as 422":        {respondWith(422, `{"error":{"code":"RATE_LIMITED"}}`), 422, 0},
		"legal reasons of a gateway": {respondWith(451, `<html>`), 451, 0},
		"bad gateway":                {respondWith(502, `<html>`), 502, 0},
		"gateway time-out":           {respondWith(504, `{"error":{"code":"APIKEY.INACTIVE"}}`), 504, 0},
		"unknown error of a proxy":   {respondWith(520, ``), 520, 0},
		"found":                      {respondWith(302, ``), 302, 0},
		"server error":               {respondWith(500, ""), 500, 0},
		"rate limited": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Retry-After", "17")
			respondWith(429, "")(w, r)
		}, 429, 17 * time.Second},
		"endless Retry-After": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Retry-After", "999999999999")
			respondWith(503, "")(w, r)
		}, 503, time.Hour},
		"senseless Retry-After": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Retry-After", "-1")
			respondWith(503, "")(w, r)
		}, 503, 0},
		"redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		}, 307, 0},
		"a gateway's page":          {respondWith(404, "default backend - 404"), 404, 0},
		"a gateway's JSON":          {respondWith(404, `{"message":"no Route matched"}`), 404, 0},
		"a gateway's error":         {respondWith(400, `{"error":"Bad Request"}`), 400, 0},
		"no body":                   {respondWith(405, ""), 405, 0},
		"success without JSON":      {respondWith(200, "<html>"), 200, 0},
		"success without an id":     {respondWith(200, `{"object":"Tracker"}`), 200, 0},
		"success with a strange id": {respondWith(200, `{"id":"Jane Roe"}`), 200, 0},
		"endless answer":            {respondWith(200, `{"id":"trk_1","pad":"`+strings.Repeat("x", 2<<20)+`"}`), 200, 0},
		"broken answer": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, `{"id":`)
		}, 200, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := newClient(t, tt.handler, 0)
			_, err := client.CreateTracker(t.Context(), number, couriers.USPS)
			var unavailable *couriers.UnavailableError
			require.ErrorAs(t, err, &unavailable)
			require.Equal(t, tt.status, unavailable.Status)
			require.Equal(t, tt.retryAfter, unavailable.RetryAfter)
			require.NotContains(t, err.Error(), "Jane")
		})
	}
}

func TestCreateTimesOut(t *testing.T) {
	t.Parallel()
	client := newClient(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // the server notices the client's end only after it has read the body
		<-r.Context().Done()
	}, 50*time.Millisecond)
	_, err := client.CreateTracker(t.Context(), number, couriers.USPS)
	var unavailable *couriers.UnavailableError
	require.ErrorAs(t, err, &unavailable)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.NotContains(t, err.Error(), "key-1")
}

func TestNewRefusesBadOptions(t *testing.T) {
	t.Parallel()
	for name, options := range map[string]easypost.Options{
		"no key":       {},
		"no host":      {APIKey: "k", BaseURL: "https://"},
		"other scheme": {APIKey: "k", BaseURL: "ftp://example.com"},
		"no URL":       {APIKey: "k", BaseURL: "://"},
	} {
		_, err := easypost.New(options)
		require.Error(t, err, name)
	}
	client, err := easypost.New(easypost.Options{APIKey: "k"})
	require.NoError(t, err)
	client.Close()
}
