package easypost

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"

	"github.com/aliquot-labs/aliquot/couriers"
	"github.com/aliquot-labs/aliquot/internal/bodytext"
	"github.com/aliquot-labs/aliquot/internal/tracing"
)

const (
	defaultBaseURL   = "https://api.easypost.com"
	defaultTimeout   = 10 * time.Second
	maxResponseBytes = 1 << 20 // bytes; a tracker with a long history has about 50 KB
)

// carrierName has EasyPost's names of our couriers.
var carrierName = map[couriers.Courier]string{
	couriers.USPS:  "USPS",
	couriers.FedEx: "FedEx",
}

// Options are the settings of a Client.
type Options struct {
	BaseURL string        // scheme and host. Defaults to https://api.easypost.com
	APIKey  string        // required
	Timeout time.Duration // of a whole exchange. Defaults to 10 s
}

// Client creates trackers at EasyPost. It is safe for concurrent use.
type Client struct {
	endpoint string
	apiKey   string
	http     *http.Client
}

var _ couriers.Tracker = (*Client)(nil)

// New creates a client. A missing API key, or a base URL that is not http or https, is an error.
func New(o Options) (*Client, error) {
	if o.APIKey == "" {
		return nil, errors.New("easypost: no API key")
	}
	if o.BaseURL == "" {
		o.BaseURL = defaultBaseURL
	}
	base, err := url.Parse(o.BaseURL)
	if err != nil || base.Host == "" || (base.Scheme != "https" && base.Scheme != "http") {
		return nil, errors.New("easypost: base URL is not an http or https URL")
	}
	if o.Timeout <= 0 {
		o.Timeout = defaultTimeout
	}
	return &Client{
		endpoint: base.JoinPath("v2", "trackers").String(),
		apiKey:   o.APIKey,
		http: &http.Client{
			Transport: http.DefaultTransport.(*http.Transport).Clone(),
			Timeout:   o.Timeout,
			// A redirected POST could lose its body or send the API key elsewhere.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

// Close closes idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// CreateTracker implements couriers.Tracker. For a number that EasyPost already tracks for us, it returns the existing
// tracker.
func (c *Client) CreateTracker(ctx context.Context, number string, courier couriers.Courier) (string, error) {
	carrier, known := carrierName[courier]
	if courier != "" && !known {
		return "", &couriers.RefusedError{Code: "carrier_unsupported"}
	}
	req, err := c.newRequest(ctx, couriers.NormalizeNumber(number), carrier)
	if err != nil {
		return "", err
	}
	ctx, span := tracing.StartCall(ctx, "call courier", attribute.String("http.request.method", http.MethodPost),
		attribute.String("server.address", req.URL.Host))
	id, err := c.sendRequest(req.WithContext(ctx))
	tracing.EndSpan(span, errorKind(err))
	return id, err
}

func (c *Client) sendRequest(req *http.Request) (string, error) {
	resp, err := c.http.Do(req)
	if err != nil {
		return "", &couriers.UnavailableError{Err: fmt.Errorf("calling EasyPost: %w", err)}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxResponseBytes))
	var text bodytext.Text
	if err == nil {
		text, _, err = bodytext.DecodeBody(resp.Header, body, maxResponseBytes)
	}
	if err != nil {
		return "", &couriers.UnavailableError{Status: resp.StatusCode, Err: fmt.Errorf("reading EasyPost's answer: %w", err)}
	}
	return decodeResponse(resp, text.UTF8)
}

func (c *Client) newRequest(ctx context.Context, number, carrier string) (*http.Request, error) {
	type tracker struct {
		TrackingCode string `json:"tracking_code"`
		Carrier      string `json:"carrier,omitempty"`
	}
	body, err := json.Marshal(map[string]tracker{"tracker": {TrackingCode: number, Carrier: carrier}})
	if err != nil {
		return nil, fmt.Errorf("encoding tracker: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.endpoint, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("making tracker request: %w", err)
	}
	req.SetBasicAuth(c.apiKey, "")
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Accept-Encoding", "gzip") // set here so that sendRequest, with its limit, decodes all codings
	req.Header.Set("User-Agent", "aliquot")
	return req, nil
}

// errorKind returns the kind of an error of exchange; empty: no error.
func errorKind(err error) string {
	if _, refused := errors.AsType[*couriers.RefusedError](err); refused {
		return "refused"
	}
	if _, refused := errors.AsType[*couriers.AccountError](err); refused {
		return "unauthorized"
	}
	if err != nil {
		return "unavailable"
	}
	return ""
}

// decodeResponse returns the tracker's id, a refusal of the number or of our account, or an error after which the call
// can be repeated. A success that cannot be read is such an error, because creating a tracker twice is harmless.
//
// Only what is readable as EasyPost's own answer about the parcel refuses the number. A page or JSON of a gateway, and
// every status that says nothing about the parcel, are no answer.
func decodeResponse(resp *http.Response, body []byte) (string, error) {
	status := resp.StatusCode
	if status/100 == 2 {
		var tracker struct {
			ID string `json:"id"`
		}
		if json.Unmarshal(body, &tracker) != nil || tracker.ID == "" || !isCode(tracker.ID) {
			return "", &couriers.UnavailableError{Status: status, Err: errors.New("answer holds no tracker id")}
		}
		return tracker.ID, nil
	}
	code, readable := errorCode(body)
	switch {
	case refusesAccount(status, code):
		return "", &couriers.AccountError{Status: status, Code: code}
	case readable && refusesNumber(status, code):
		return "", &couriers.RefusedError{Status: status, Code: code}
	}
	return "", &couriers.UnavailableError{Status: status, RetryAfter: retryAfter(resp.Header)}
}

// accountSubjects are the beginnings of EasyPost's codes that are about our account, with whatever status they come.
var accountSubjects = []string{"ACCOUNT", "APIKEY", "BILLING", "FORBIDDEN", "INSUFFICIENT", "MODE", "PAYMENT",
	"UNAUTHORIZED", "USER"}

// passingSubjects are the beginnings of EasyPost's codes of answers that another call may not get.
var passingSubjects = []string{"GATEWAY", "INTERNAL", "MAINTENANCE", "NOT_FOUND", "RATE_LIMIT", "REQUEST", "SERVICE",
	"TIMEOUT", "TOO_MANY"}

// refusesAccount reports whether an error answer is about our account.
func refusesAccount(status int, code string) bool {
	switch status {
	case http.StatusUnauthorized, http.StatusPaymentRequired, http.StatusForbidden:
		return true
	}
	return status/100 == 4 && status != http.StatusTooManyRequests && beginsWithAny(code, accountSubjects)
}

// refusesNumber reports whether an error answer is EasyPost's own and about the parcel. A 404 without a code of
// trackers says that the address is wrong.
func refusesNumber(status int, code string) bool {
	switch status {
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
		return !beginsWithAny(code, passingSubjects)
	case http.StatusNotFound:
		return beginsWithAny(code, []string{"TRACKER.", "TRACKING"})
	}
	return false
}

func beginsWithAny(code string, subjects []string) bool {
	code = strings.ToUpper(code)
	return slices.ContainsFunc(subjects, func(s string) bool { return strings.HasPrefix(code, s) })
}

// errorCode returns EasyPost's code of an error answer. readable is false for an answer that is not in EasyPost's form,
// such as one with free text for a code. Its message is not used, because it is free text.
func errorCode(body []byte) (code string, readable bool) {
	var answer struct {
		Error struct {
			Code string `json:"code"`
		} `json:"error"`
	}
	if json.Unmarshal(body, &answer) != nil || answer.Error.Code == "" || !isCode(answer.Error.Code) {
		return "", false
	}
	return answer.Error.Code, true
}

// retryAfter returns a Retry-After in seconds, at most an hour.
func retryAfter(h http.Header) time.Duration {
	seconds, err := strconv.Atoi(strings.TrimSpace(h.Get("Retry-After")))
	if err != nil || seconds < 0 {
		return 0
	}
	return time.Duration(min(seconds, 3600)) * time.Second
}
