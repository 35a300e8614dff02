package order

import "time"

// Shipment is a kit's way to the patient and back.
type Shipment struct {
	ID          string      `json:"id"`
	Outbound    ShipmentLeg `json:"outbound"`
	Inbound     ShipmentLeg `json:"inbound"`
	KitRegCode  string      `json:"kit_reg_code,omitempty"`
	OraQuickLot string      `json:"oraquick_lot_exp,omitempty"`
	Notes       *string     `json:"notes,omitempty"`
	ShippedAt   time.Time   `json:"shipped_at"` // of the fact that the data is from: the newest wins
	CreatedAt   time.Time   `json:"created_at"`
	UpdatedAt   time.Time   `json:"updated_at"`
}

// ShipmentLeg is one direction of a shipment. Number is empty when the lab gave none.
type ShipmentLeg struct {
	Number    string `json:"number,omitempty"`
	Courier   string `json:"courier,omitempty"` // usps, fedex; empty: not known
	URL       string `json:"url,omitempty"`
	TrackerID string `json:"tracker_id,omitempty"` // at the courier aggregator; empty: none yet
}
