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
	courierEasyPost = "easypost"
	kindTracker     = "tracker"
	statusDelivered = "delivered"

	maxCourierWebhook = 1 << 20 // bytes; a tracker with a long history is some 50 KB
)

func (s *server) courierWebhookRoutes(e *gin.Engine) {
	e.POST("/webhooks/couriers/easypost", s.handleEasyPostWebhook)
}

// handleEasyPostWebhook takes tracking updates. They are matched by tracking number, and what they mean depends on
// which way the parcel goes.
func (s *server) handleEasyPostWebhook(c *gin.Context) {
	now := s.now()
	payload, ok := s.readPartnerBody(c, courierEasyPost, maxCourierWebhook)
	if !ok {
		return
	}
	switch err := easypost.VerifySignature(s.CourierSecrets, c.GetHeader(easypost.SignatureHeader), payload); {
	case errors.Is(err, easypost.ErrNoSecret):
		s.metrics.inboxItems.WithLabelValues(courierEasyPost, "not_configured").Inc()
		abortWithError(c, unavailableError("This webhook is not in service"))
		return
	case err != nil:
		s.metrics.inboxItems.WithLabelValues(courierEasyPost, "unauthorized").Inc()
		abortWithDetail(c, http.StatusUnauthorized, "The signature is missing or wrong")
		return
	}
	sum := sha256.Sum256(payload)
	r := store.NewInboxItem{
		Partner: courierEasyPost, Kind: kindTracker, DedupKey: hex.EncodeToString(sum[:]),
		BodyHash: hex.EncodeToString(sum[:]),
		Body:     payload, Headers: storableHeaders(c.Request), ReceivedAt: now,
	}
	u, err := easypost.DecodeEvent(payload)
	switch {
	case errors.Is(err, easypost.ErrIgnored): // about something else than a parcel
		s.metrics.inboxItems.WithLabelValues(courierEasyPost, "ignored").Inc()
		c.JSON(http.StatusOK, gin.H{"status": "ignored"})
		return
	case err != nil:
		r.State = store.InboxQuarantined
		s.storeAndAnswerItem(c, r, nil, http.StatusBadRequest)
		return
	}
	r.DedupKey, r.TrackingNumber = u.Key, u.Number
	r.BodyHash = u.Key // the same report again, however its estimates have changed
	r.FactByLeg = func(leg string) *order.Fact { return courierFact(u, couriers.Leg(leg), now) }
	s.storeAndAnswerItem(c, r, nil, http.StatusOK)
}

// courierFact is what an update means on a leg: nil when nobody has seen the parcel, for a printed label proves no
// movement.
func courierFact(u easypost.TrackerUpdate, leg couriers.Leg, receivedAt time.Time) *order.Fact {
	target, ok := couriers.StatusFor(leg, u.Status, u.StatusDetail)
	delivered := u.Status == statusDelivered
	if !ok && !delivered {
		return nil
	}
	return &order.Fact{
		Kind: order.FactCourierReport, SentAt: u.OccurredAt, ReceivedAt: receivedAt, TargetStatus: target,
		LegEnded: delivered,
	}
}
