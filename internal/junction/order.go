package junction

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
)

// defaultBilling is the billing type of an order that has none.
const defaultBilling = "client_bill"

// ClientFacingOrder is an order in API responses and in webhook messages.
type ClientFacingOrder struct {
	UserID string `json:"user_id" format:"uuid"`
	ID     string `json:"id" format:"uuid"`
	TeamID string `json:"team_id" format:"uuid"`

	PatientDetails *PatientDetails `json:"patient_details" doc:"Null until a registrable kit is registered."`
	PatientAddress *PatientAddress `json:"patient_address" doc:"Null until a registrable kit is registered."`

	LabTest           ClientFacingLabTest      `json:"lab_test"`
	Details           Details                  `json:"details"`
	SampleID          *string                  `json:"sample_id" doc:"Null until the requisition exists."`
	Notes             *string                  `json:"notes"`
	ClinicalNotes     *string                  `json:"clinical_notes"`
	CreatedAt         time.Time                `json:"created_at"`
	UpdatedAt         time.Time                `json:"updated_at"`
	Events            []ClientFacingOrderEvent `json:"events" nullable:"false" doc:"Oldest first."`
	Status            lifecycle.TopStatus      `json:"status" doc:"The top-level part of the last event's status."`
	LastEvent         ClientFacingOrderEvent   `json:"last_event"`
	Physician         *ClientFacingPhysician   `json:"physician"`
	HealthInsuranceID *string                  `json:"health_insurance_id" format:"uuid"`

	// RequisitionFormURL is null before the requisition exists, and where the server has no public address.
	RequisitionFormURL *string `json:"requisition_form_url" doc:"Needs no API key, for 7 days. Null until it exists."`

	Priority        bool             `json:"priority"`
	ShippingDetails *ShippingAddress `json:"shipping_details" doc:"Registrable kits only."`
	ActivateBy      *order.Date      `json:"activate_by"`
	Passthrough     *string          `json:"passthrough"`
	BillingType     string           `json:"billing_type"`
	ICDCodes        []string         `json:"icd_codes"`

	HasABN bool `json:"has_abn" doc:"Medicare is billed, so the patient gets an advance beneficiary notice."`

	Interpretation    *string                       `json:"interpretation" doc:"Null before results."`
	HasMissingResults *bool                         `json:"has_missing_results" doc:"Null before results."`
	ExpectedResultBy  *order.Date                   `json:"expected_result_by_date"`
	WorstCaseResultBy *order.Date                   `json:"worst_case_result_by_date"`
	Origin            order.Origin                  `json:"origin"`
	OrderTransaction  *ClientFacingOrderTransaction `json:"order_transaction"`

	Sequence int64 `json:"sequence" doc:"Number of the last event; rises by one per event."`
}

// ClientFacingOrderEvent is one event of an order.
type ClientFacingOrderEvent struct {
	ID           int64             `json:"id" doc:"The event's number in its order, from 1."`
	CreatedAt    time.Time         `json:"created_at"`
	Status       lifecycle.Status  `json:"status"`
	StatusDetail *lifecycle.Detail `json:"status_detail"`
}

// ClientFacingPhysician is the physician who orders the lab test.
type ClientFacingPhysician struct {
	FirstName string `json:"first_name"`
	LastName  string `json:"last_name"`
	NPI       string `json:"npi"`
}

// ClientFacingOrderTransaction groups an initial order with its redraws and replacements.
type ClientFacingOrderTransaction struct {
	ID     string                           `json:"id" format:"uuid"`
	Status order.TransactionStatus          `json:"status"`
	Orders []ClientFacingOrderInTransaction `json:"orders" nullable:"false" doc:"Oldest first."`
}

// ClientFacingOrderInTransaction is one order of an order transaction.
type ClientFacingOrderInTransaction struct {
	ID                      string              `json:"id" format:"uuid"`
	LowLevelStatus          lifecycle.LowStatus `json:"low_level_status"`
	LowLevelStatusCreatedAt time.Time           `json:"low_level_status_created_at"`
	Origin                  order.Origin        `json:"origin"`
	ParentID                *string             `json:"parent_id" format:"uuid"`
	CreatedAt               time.Time           `json:"created_at"`
	UpdatedAt               time.Time           `json:"updated_at"`
}

// RenderOrder returns the JSON of an order. It is an error when the order has no events, because clients rely on
// last_event.
func RenderOrder(o order.Order) ([]byte, error) {
	if len(o.Events) == 0 {
		return nil, errors.New("rendering an order: it has no events")
	}
	return renderJSON("an order", FromOrder(o))
}

// renderJSON encodes a document as JSON. It does not escape <, > and &, because the JSON is never part of an HTML page.
// The error names what the document is.
func renderJSON(what string, document any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(document); err != nil {
		return nil, fmt.Errorf("rendering %s: %w", what, err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// FromOrder returns the client-facing form of an order after its newest event.
func FromOrder(o order.Order) ClientFacingOrder {
	c := ClientFacingOrder{
		UserID:           o.UserID,
		ID:               o.ID,
		TeamID:           o.TeamID,
		PatientDetails:   fromPatient(o.Patient),
		PatientAddress:   fromAddress(o.Address),
		LabTest:          fromLabTestInOrder(o.LabTest),
		Details:          fromDetails(o),
		SampleID:         nilIfEmpty(o.SampleID),
		Notes:            o.Notes,
		ClinicalNotes:    o.ClinicalNotes,
		CreatedAt:        o.CreatedAt.UTC(),
		UpdatedAt:        o.UpdatedAt.UTC(),
		Events:           fromEvents(o.Events),
		Physician:        fromPhysician(o.Physician),
		Priority:         o.Priority,
		ShippingDetails:  fromShipping(o.Shipping),
		ActivateBy:       o.ActivateBy,
		Passthrough:      o.Passthrough,
		BillingType:      o.BillingType,
		ICDCodes:         o.ICDCodes,
		HasABN:           o.HasABN(),
		Origin:           o.Origin,
		OrderTransaction: fromTransaction(o.Transaction),
		Sequence:         o.Sequence,
	}
	if n := len(c.Events); n > 0 {
		c.LastEvent = c.Events[n-1]
		c.Status = c.LastEvent.Status.Top()
	}
	if c.BillingType == "" {
		c.BillingType = defaultBilling
	}
	if o.Results != nil {
		c.Interpretation = nilIfEmpty(string(o.Results.Interpretation))
		c.HasMissingResults = &o.Results.HasMissing
	}
	c.HealthInsuranceID, c.RequisitionFormURL = nilIfEmpty(o.InsuranceID), nilIfEmpty(o.RequisitionURL)
	c.ExpectedResultBy = expectedResultDay(o, o.LabTest.CommonTATDays)
	c.WorstCaseResultBy = expectedResultDay(o, o.LabTest.WorstCaseTATDays)
	return c
}

func fromEvents(events []order.Event) []ClientFacingOrderEvent {
	out := make([]ClientFacingOrderEvent, len(events))
	for i, e := range events {
		out[i] = ClientFacingOrderEvent{ID: e.Sequence, CreatedAt: e.RecordedAt.UTC(), Status: e.Status}
		if e.Detail != "" {
			out[i].StatusDetail = &e.Detail
		}
	}
	return out
}

func fromPhysician(p *order.Physician) *ClientFacingPhysician {
	if p == nil {
		return nil
	}
	return &ClientFacingPhysician{FirstName: p.FirstName, LastName: p.LastName, NPI: p.NPI}
}

// fromTransaction returns nil when the order's transaction has not been loaded.
func fromTransaction(t order.Transaction) *ClientFacingOrderTransaction {
	if t.ID == "" {
		return nil
	}
	out := &ClientFacingOrderTransaction{ID: t.ID, Status: t.Status,
		Orders: make([]ClientFacingOrderInTransaction, len(t.Orders))}
	for i, o := range t.Orders {
		out.Orders[i] = ClientFacingOrderInTransaction{
			ID:                      o.ID,
			LowLevelStatus:          o.Status,
			LowLevelStatusCreatedAt: o.StatusAt.UTC(),
			Origin:                  o.Origin,
			ParentID:                nilIfEmpty(o.ParentID),
			CreatedAt:               o.CreatedAt.UTC(),
			UpdatedAt:               o.UpdatedAt.UTC(),
		}
	}
	return out
}

// expectedResultDay returns the day that is the given number of days after the sample's collection, in UTC. It is nil
// without a number of days or before the collection is known.
func expectedResultDay(o order.Order, days *int) *order.Date {
	at := collectedAt(o)
	if days == nil || at.IsZero() {
		return nil
	}
	d := order.DateOf(at.UTC().AddDate(0, 0, *days))
	return &d
}

// collectedAt returns when the sample was collected: the time that a partner reported, or else the time of the draw, or
// else, for a kit, when it was first seen on its way back or at the lab. It is zero while none of them is known.
func collectedAt(o order.Order) time.Time {
	if !o.State.CollectedAt.IsZero() {
		return o.State.CollectedAt
	}
	for _, e := range o.Events {
		low := e.Status.Low()
		if low == lifecycle.DrawCompleted || o.Modality == lifecycle.Testkit && low.Leg() == lifecycle.Inbound {
			return e.OccurredAt
		}
	}
	return time.Time{}
}

// nilIfEmpty returns nil for an empty text.
func nilIfEmpty[T ~string](s T) *T {
	if s == "" {
		return nil
	}
	return &s
}
