package simlab

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// signatureHeader carries the signature of a courier event.
const signatureHeader = "X-Hmac-Signature"

// courierEvent is the body of a courier webhook: a tracker with a new status.
type courierEvent struct {
	ID          string      `json:"id"`
	Object      string      `json:"object"`
	Description string      `json:"description"`
	Mode        string      `json:"mode"`
	Previous    previous    `json:"previous_attributes"`
	Result      trackerView `json:"result"`
}

type previous struct {
	Status string `json:"status"`
}

// applyCourierEvent sets a new status of the leg's tracker and returns the webhook of that event.
func (s *Server) applyCourierEvent(o *order, d Details) (webhookMessage, error) {
	body, err := json.Marshal(s.updateTracker(o, d))
	if err != nil {
		return webhookMessage{}, fmt.Errorf("encoding a courier event: %w", err)
	}
	signature := signCourierEvent(s.cfg.CourierSecret, body)
	return webhookMessage{
		order: o.number, kind: KindCourier, url: s.cfg.CourierURL, body: body,
		authorize: func(r *http.Request) { r.Header.Set(signatureHeader, signature) },
	}, nil
}

// updateTracker sets a new status of the leg's tracker and returns the event of that change.
func (s *Server) updateTracker(o *order, d Details) courierEvent {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.legTracker(o, d.Leg)
	at := o.factTime(KindCourier, d.At, s.cfg.Now())
	event := courierEvent{
		ID: "evt_" + hexID(), Object: "Event", Description: "tracker.updated", Mode: "test",
		Previous: previous{Status: t.status},
	}
	t.status, t.detail, t.updatedAt = d.Status, d.StatusDetail, at
	t.history = append(dropOlderHalf(t.history, maxSteps), trackingDetail{
		Object: "TrackingDetail", Status: d.Status, StatusDetail: d.StatusDetail, At: at.Format(stampFormat),
		Message: strings.ToUpper(strings.ReplaceAll(d.Status, "_", " ")),
	})
	event.Result = t.render()
	return event
}

// signCourierEvent returns the signature of an event: HMAC-SHA256 of the body, with the secret in Unicode form NFKD.
func signCourierEvent(secret string, body []byte) string {
	mac := hmac.New(sha256.New, norm.NFKD.Bytes([]byte(secret)))
	mac.Write(body)
	return "hmac-sha256-hex=" + hex.EncodeToString(mac.Sum(nil))
}
