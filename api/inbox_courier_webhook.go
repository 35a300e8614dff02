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

// handleEasyPostWebhook receives tracking updates. They are matched to orders by tracking number; what they mean
// depends on the leg of the parcel.
func (s *server) handleEasyPostWebhook(c *gin.Context) {
	now := s.now()
	payload, ok := s.readPartnerBody(c, courierEasyPost, maxCourierWebhook)
	if !ok {
		return
	}
	defer limitRequest(c, partnerLimit)()
	switch err := easypost.VerifySignature(s.CourierSecrets, c.GetHeader(easypost.SignatureHeader), payload); {
	case errors.Is(err, easypost.ErrNoSecret):
		s.metrics.inboxItems.WithLabelValues(courierEasyPost, "not_configured").Inc()
		abortWithError(c, unavailableError("This webhook is not configured"))
		return
	case err != nil:
		s.metrics.inboxItems.WithLabelValues(courierEasyPost, "unauthorized").Inc()
		abortWithDetail(c, http.StatusUnauthorized, "The signature is missing or wrong")
		return
	}
	sum := sha256.Sum256(payload)
	r := store.NewInboxItem{
		Partner: courierEasyPost, Kind: kindTracker, DedupKey: hex.EncodeToString(sum[:]),
		BodyHash: hex.EncodeToString(sum[:]), Body: payload, Headers: storableHeaders(c.Request), ReceivedAt: now,
	}
	u, err := easypost.DecodeEvent(payload)
	switch {
	case errors.Is(err, easypost.ErrIgnored): // not about a parcel
		s.metrics.inboxItems.WithLabelValues(courierEasyPost, "ignored").Inc()
		c.JSON(http.StatusOK, gin.H{"status": "ignored"})
		return
	case err != nil:
		r.State = store.InboxQuarantined
		s.storeAndAnswerItem(c, r, nil, http.StatusBadRequest)
		return
	}
	r.DedupKey, r.TrackingNumber = u.Key, u.Number
	r.BodyHash = u.Key // estimates may differ when the same update is sent again
	r.FactByLeg = func(leg string) *order.Fact { return courierFact(u, couriers.Leg(leg), now) }
	s.storeAndAnswerItem(c, r, nil, http.StatusOK)
}

// courierFact returns the fact of an update on a leg. It returns nil for an update that proves no movement, such as a
// printed label.
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
