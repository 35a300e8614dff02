package scenario

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// RefusedError is a response with another status than success.
type RefusedError struct {
	Call   string // method and path
	Status int
	Detail string // error text of the response; may be empty
	Body   []byte
}

func (e *RefusedError) Error() string { return fmt.Sprintf("%s: %d %s", e.Call, e.Status, e.Body) }

// callAsClient calls the API with the client's key. If into is nil, it does not decode the response.
func (s *System) callAsClient(ctx context.Context, method, path string, body, into any) error {
	return s.do(ctx, method, s.URL+path, body, into, map[string]string{"x-vital-api-key": s.Key})
}

// callAsOperations calls the API with the key of operations.
func (s *System) callAsOperations(ctx context.Context, method, path string, body, into any) error {
	return s.do(ctx, method, s.URL+path, body, into, map[string]string{"x-vital-api-key": s.OperationsKey})
}

// callLab calls the simulated partner's control endpoints.
func (s *System) callLab(ctx context.Context, method, path string, body, into any) error {
	return s.do(ctx, method, s.LabURL+path, body, into, map[string]string{"user": s.LabUser, "token": s.LabToken})
}

// callPartner calls the partner by its protocol.
func (s *System) callPartner(ctx context.Context, method, path string, body any) error {
	content, err := json.Marshal(body)
	if err != nil {
		return err
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(s.PartnerSecret, "whsec_"))
	if err != nil {
		return fmt.Errorf("reading the partner's secret: %w", err)
	}
	id, at := rand.Text(), strconv.FormatInt(time.Now().Unix(), 10)
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "." + at + "." + string(content)))
	return s.do(ctx, method, s.PartnerURL+path, json.RawMessage(content), nil, map[string]string{
		"webhook-id": id, "webhook-timestamp": at,
		"webhook-signature": "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)),
		"x-account":         s.PartnerAccount,
	})
}

func (s *System) do(ctx context.Context, method, url string, body, into any, headers map[string]string) error {
	content, err := encode(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, method, url, content)
	if err != nil {
		return err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for name, value := range headers {
		req.Header.Set(name, value)
	}
	res, err := s.httpClient().Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	read, err := io.ReadAll(res.Body)
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, req.URL.Path, err)
	}
	if res.StatusCode/100 != 2 {
		refused := &RefusedError{Call: method + " " + req.URL.Path, Status: res.StatusCode, Body: read}
		var answered struct {
			Detail string `json:"detail"`
		}
		if json.Unmarshal(read, &answered) == nil { // a body of another shape has no detail
			refused.Detail = answered.Detail
		}
		return refused
	}
	if into == nil {
		return nil
	}
	if err := json.Unmarshal(read, into); err != nil {
		return fmt.Errorf("%s %s: %w: %s", method, req.URL.Path, err, read)
	}
	return nil
}

func encode(body any) (io.Reader, error) {
	if body == nil {
		return http.NoBody, nil
	}
	content, err := json.Marshal(body)
	return bytes.NewReader(content), err
}
