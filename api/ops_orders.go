package api

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/aliquot-labs/aliquot/internal/junction"
	"github.com/aliquot-labs/aliquot/lifecycle"
	"github.com/aliquot-labs/aliquot/order"
)

// OpsOrder is an order as operations see it: as the client sees it, and the state of its workflow.
type OpsOrder struct {
	Order        junction.ClientFacingOrder `json:"order"`
	Number       string                     `json:"order_number" doc:"The order's number at the lab."`
	Accession    string                     `json:"accession_number" doc:"The lab's own number; empty until it is known."`
	LabAccountID string                     `json:"lab_account_id"`
	FullStatus   lifecycle.Status           `json:"full_status"`
	Attention    []order.Attention          `json:"attention" nullable:"false"`
	Deadlines    []order.Deadline           `json:"deadlines" nullable:"false"`
	Policy       json.RawMessage            `json:"policy" doc:"As resolved when the order was created."`
}

// OpsAnswer is the answer to a demand of operations.
type OpsAnswer struct {
	Order         OpsOrder `json:"order"`
	ReplacementID string   `json:"child_id,omitempty" doc:"The replacement order, where one was created."`
}

type recoverInput struct {
	OrderPath
	Body struct {
		PatientDetails *PatientDetailsWithValidation `json:"patient_details,omitempty" doc:"Replaces the patient's details."`
		PatientAddress *PatientAddressWithValidation `json:"patient_address,omitempty" doc:"Replaces the patient's address."`
		Note           *string                       `json:"note,omitempty" maxLength:"4000" doc:"Stored encrypted."`
		ConfirmedByLab *bool                         `json:"confirmed_by_lab,omitempty"`
	}
}

// Resolve checks what a schema cannot say.
func (in *recoverInput) Resolve(ctx huma.Context) []error {
	var errs []error
	if p := in.Body.PatientDetails; p != nil {
		errs = p.check(callerOf(ctx.Context()).today)
	}
	if a := in.Body.PatientAddress; a != nil {
		errs = append(errs, a.check("body.patient_address")...)
	}
	return errs
}

type doNotProcessInput struct {
	OrderPath
	Body struct {
		Reason string  `json:"reason" pattern:"^[a-z][a-z0-9_]{0,63}$" doc:"A code, such as patient_withdrew."`
		Note   *string `json:"note,omitempty" maxLength:"4000" doc:"Stored encrypted."`
	}
}

type acknowledgeInput struct {
	OrderPath
	Reason string `path:"reason" pattern:"^[a-z][a-z0-9_]{0,63}$"`
}

func (s *server) opsOrderRoutes() {
	s.opsSearchRoutes()
	s.opsPlaceRefusedRoutes()
	op := huma.Operation{
		Method: http.MethodGet, Path: "/ops/orders/{order_id}", OperationID: "ops-get-order",
		Tags: []string{tagOperations}, Summary: "Read an order with the state of its workflow",
		Errors: []int{http.StatusNotFound},
	}
	registerOperation(s, scopeAllRead, op, s.opsGetOrder)

	op.Method, op.Errors = http.MethodPost, []int{http.StatusBadRequest, http.StatusNotFound,
		http.StatusServiceUnavailable}
	op.OperationID, op.Path, op.Summary = "ops-place", "/ops/orders/{order_id}/place",
		"Place an order at its lab again after a refusal"
	registerOperation(s, scopeAllChange, op, s.demandWithoutBody(order.DemandPlace))
	op.OperationID, op.Path, op.Summary = "ops-cancel", "/ops/orders/{order_id}/cancel", "Cancel an order"
	registerOperation(s, scopeAllChange, op, s.demandWithoutBody(order.DemandCancel))
	op.OperationID, op.Path, op.Summary = "ops-replace", "/ops/orders/{order_id}/replace",
		"Create a replacement order for a kit that failed"
	registerOperation(s, scopeAllChange, op, s.demandWithoutBody(order.DemandReplace))
	op.OperationID, op.Path, op.Summary = "ops-recover", "/ops/orders/{order_id}/recover",
		"Recover a rejected kit with corrected patient data or a confirmation of the lab"
	registerOperation(s, scopeAllChange, op, s.opsRecover)
	op.OperationID, op.Path, op.Summary = "ops-do-not-process", "/ops/orders/{order_id}/do-not-process",
		"Stop an order permanently (do_not_process)"
	registerOperation(s, scopeAllChange, op, s.opsDoNotProcess)
	op.OperationID, op.Path = "ops-acknowledge", "/ops/orders/{order_id}/attention/{reason}/acknowledge"
	op.Summary = "Clear an attention mark"
	registerOperation(s, scopeAllChange, op, s.opsAcknowledge)
}

func (s *server) opsGetOrder(ctx context.Context, in *OrderPath) (*body[OpsOrder], error) {
	o, err := s.readOrderAudited(ctx, "", in.OrderID, "ops.order.read")
	if err != nil {
		return nil, err
	}
	out, err := opsOrder(o)
	if err != nil {
		return nil, err
	}
	return newAnswer(out), nil
}

// demandWithoutBody returns the handler of a demand that has no parameters but its order.
func (s *server) demandWithoutBody(kind order.DemandKind) func(context.Context, *OrderPath) (*body[OpsAnswer], error) {
	return func(ctx context.Context, in *OrderPath) (*body[OpsAnswer], error) {
		return s.demandAsOperations(ctx, in.OrderID, order.Demand{Kind: kind}, nil)
	}
}

func (s *server) opsRecover(ctx context.Context, in *recoverInput) (*body[OpsAnswer], error) {
	d := order.Demand{Kind: order.DemandRecover}
	if in.Body.ConfirmedByLab != nil {
		d.Confirmed = *in.Body.ConfirmedByLab
	}
	var c order.Correction
	var err error
	if in.Body.PatientDetails != nil {
		if c.Patient, err = in.Body.PatientDetails.toPatient(); err != nil {
			return nil, err
		}
	}
	if in.Body.PatientAddress != nil {
		c.Address = in.Body.PatientAddress.toOrderAddress()
	}
	if in.Body.Note != nil {
		c.Note = *in.Body.Note
	}
	if c == (order.Correction{}) {
		return s.demandAsOperations(ctx, in.OrderID, d, nil)
	}
	return s.demandAsOperations(ctx, in.OrderID, d, c)
}

func (s *server) opsDoNotProcess(ctx context.Context, in *doNotProcessInput) (*body[OpsAnswer], error) {
	d := order.Demand{Kind: order.DemandDoNotProcess, Reason: in.Body.Reason}
	if in.Body.Note == nil {
		return s.demandAsOperations(ctx, in.OrderID, d, nil)
	}
	return s.demandAsOperations(ctx, in.OrderID, d, map[string]string{"note": *in.Body.Note})
}

func (s *server) opsAcknowledge(ctx context.Context, in *acknowledgeInput) (*body[OpsAnswer], error) {
	return s.demandAsOperations(ctx, in.OrderID, order.Demand{Kind: order.DemandAcknowledgeMark, Reason: in.Reason}, nil)
}

// demandAsOperations submits a demand of operations on an order of any team. The document, if there is one, is the
// demand's sealed body.
func (s *server) demandAsOperations(ctx context.Context, orderID string, d order.Demand,
	document any) (*body[OpsAnswer], error) {
	var sealed []byte
	if document != nil {
		b, err := json.Marshal(document)
		if err != nil {
			return nil, err
		}
		sealed = b
	}
	d.By = lifecycle.Operations
	o, a, err := s.submitDemand(ctx, "", orderID, d, sealed)
	if err != nil {
		return nil, err
	}
	out, err := opsOrder(o)
	if err != nil {
		return nil, err
	}
	return newAnswer(OpsAnswer{Order: out, ReplacementID: a.ReplacementID}), nil
}

func opsOrder(o *order.Order) (OpsOrder, error) {
	policy, err := json.Marshal(o.State.Policy)
	if err != nil {
		return OpsOrder{}, err
	}
	return OpsOrder{
		Order:        junction.FromOrder(*o),
		Number:       o.Number,
		Accession:    o.Accession,
		LabAccountID: o.LabAccountID,
		FullStatus:   lifecycle.MustFullStatus(o.Modality, o.Status),
		Attention:    append([]order.Attention{}, o.State.Attention...),
		Deadlines:    append([]order.Deadline{}, o.State.Deadlines...),
		Policy:       policy,
	}, nil
}

// nilIfZero returns nil for the zero time.
func nilIfZero(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
