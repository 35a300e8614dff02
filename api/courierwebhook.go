package api

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/aliquot-labs/aliquot/couriers"
	"github.com/aliquot-labs/aliquot/couriers/easypost"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

const (
	partnerEasyPost = "easypost"
	kindTracker     = "tracker"
	statusDelivered = "delivered"

	maxCourierWebhook = 1 << 20 // bytes; a tracker with a long history is some 50 KB
)

func (s *server) courierWebhookRoutes(e *gin.Engine) {
	e.POST("/webhooks/couriers/easypost", s.receiveEasyPost)
}

// receiveEasyPost takes tracking updates. They are matched by tracking number, and what they mean depends on which way the parcel
// goes.
func (s *server) receiveEasyPost(c *gin.Context) {
	now := s.now()
	payload, ok := s.readWebhook(c, partnerEasyPost, maxCourierWebhook)
	if !ok {
		return
	}
	switch err := easypost.Verify(s.CourierSecrets, c.GetHeader(easypost.SignatureHeader), payload); {
	case errors.Is(err, easypost.ErrNoSecret):
		s.metrics.facts.WithLabelValues(partnerEasyPost, "not_configured").Inc()
		abortWith(c, unavailable("This webhook is not in service"))
		return
	case err != nil:
		s.metrics.facts.WithLabelValues(partnerEasyPost, "unauthorized").Inc()
		abort(c, http.StatusUnauthorized, "The signature is missing or wrong")
		return
	}
	sum := sha256.Sum256(payload)
	r := store.Report{
		Partner: partnerEasyPost, Kind: kindTracker, Key: hex.EncodeToString(sum[:]), Hash: hex.EncodeToString(sum[:]),
		Body: payload, Headers: keptHeaders(c.Request), ReceivedAt: now,
	}
	u, err := easypost.Decode(payload)
	switch {
	case errors.Is(err, easypost.ErrIgnored): // about something else than a parcel
		s.metrics.facts.WithLabelValues(partnerEasyPost, "ignored").Inc()
		c.JSON(http.StatusOK, gin.H{"status": "ignored"})
		return
	case err != nil:
		r.State = store.InboxQuarantined
		s.receive(c, r, nil, http.StatusBadRequest)
		return
	}
	r.Key, r.Tracking = u.Key, u.Number
	r.Hash = u.Key // the same report again, however its estimates have changed
	r.Legs = func(leg string) *order.Fact { return courierFact(u, couriers.Leg(leg), now) }
	s.receive(c, r, nil, http.StatusOK)
}

// courierFact is what an update means on a leg: nil when nobody has seen the parcel, for a printed label proves no movement.
func courierFact(u easypost.Update, leg couriers.Leg, receivedAt time.Time) *order.Fact {
	target, ok := couriers.FactFor(leg, u.Status, u.StatusDetail)
	delivered := u.Status == statusDelivered
	if !ok && !delivered {
		return nil
	}
	return &order.Fact{
		Kind: order.CourierReport, SentAt: u.OccurredAt, ReceivedAt: receivedAt, Target: target, Delivered: delivered,
	}
}
