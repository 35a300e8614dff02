package store

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/aliquot-labs/aliquot/order"
)

// requisitionLinkPurpose is what texts are signed for that let a requisition be read without a key.
const requisitionLinkPurpose = "requisition without a key"

// RequisitionPath is where the API serves them, below its public address.
const RequisitionPath = "/requisitions/"

// requisitionLinkDays is how many whole days, after this one, such an address is good (client-api#16-shared-schemas). It
// changes once a day, so that an order that is read twice is mostly the same.
const requisitionLinkDays = 7

// requisitionLink is what the address carries.
type requisitionLink struct {
	TeamID  string `json:"team"`
	OrderID string `json:"order"`
	Until   int64  `json:"until"` // seconds since 1970
}

// requisitionURL is where the requisition of an order can be read without a key; empty while there is none, and for a server without a
// public address.
func (s *Store) requisitionURL(o *order.Order) (string, error) {
	if s.publicURL == "" || o.SampleID == "" || o.Patient == nil || o.Imported {
		return "", nil
	}
	until := s.now().Truncate(24*time.Hour).AddDate(0, 0, requisitionLinkDays+1)
	ticket, err := json.Marshal(requisitionLink{TeamID: o.TeamID, OrderID: o.ID, Until: until.Unix()})
	if err != nil {
		return "", fmt.Errorf("writing the address of the requisition of order %s: %w", o.ID, err)
	}
	return s.publicURL + RequisitionPath + s.Sign(requisitionLinkPurpose, ticket), nil
}

// RequisitionOrder is the order whose requisition an address is of, by the address's last part. The error is ErrNotFound when it is none
// of ours, or not good any more.
func (s *Store) RequisitionOrder(signed string) (teamID, orderID string, err error) {
	b, err := s.Verify(requisitionLinkPurpose, signed)
	if err != nil {
		return "", "", ErrNotFound
	}
	var t requisitionLink
	if err := json.Unmarshal(b, &t); err != nil || s.now().Unix() >= t.Until {
		return "", "", ErrNotFound
	}
	return t.TeamID, t.OrderID, nil
}
