package api

import (
	"encoding/json"
	"fmt"

	"github.com/aliquot-labs/aliquot/order"
)

// Booking keys are ours: a text that carries the slot, its provider's key in it, signed for the team that asked for it. So nothing
// has to be kept of what was offered, and nobody books what was offered to others or to nobody.

func bookingKeyPurpose(teamID string) string { return "booking key of team " + teamID }

// bookingKey is the text by which the team books the slot.
func (s *server) bookingKey(teamID string, slot order.Slot) (string, error) {
	b, err := json.Marshal(slot)
	if err != nil {
		return "", fmt.Errorf("writing a booking key: %w", err)
	}
	return s.Store.Sign(bookingKeyPurpose(teamID), b), nil
}

// openBookingKey is what a booking key stands for.
func (s *server) openBookingKey(teamID, key string, t order.AppointmentType) (order.Slot, error) {
	var slot order.Slot
	b, err := s.Store.Verify(bookingKeyPurpose(teamID), key)
	if err != nil || json.Unmarshal(b, &slot) != nil {
		return order.Slot{}, badRequest("booking_key is not valid")
	}
	if slot.Type != t {
		return order.Slot{}, badRequest("booking_key is for another kind of appointment")
	}
	return slot, nil
}
