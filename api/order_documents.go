package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"

	"github.com/aliquot-labs/aliquot/internal/documents"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

// labelsInput asks for labels. The bounds of their number are those of the drawing (paper.MostLabels).
type labelsInput struct {
	OrderPath
	NumberOfLabels int       `query:"number_of_labels" minimum:"1" maximum:"50" default:"3" doc:"Copies; a page each."`
	CollectionDate time.Time `query:"collection_date" required:"true" doc:"Printed on the label as it is given, in its own zone."`
}

// requisitionLinkRoutes serve requisitions at the address that orders name, without a key: the address itself is signed.
func (s *server) requisitionLinkRoutes(e *gin.Engine) {
	e.GET(store.RequisitionPath+":signed", func(c *gin.Context) {
		ctx := context.WithValue(c.Request.Context(), callerKey{}, caller{requestID: requestID(c), address: c.ClientIP()})
		pdf, err := s.requisitionOfLink(ctx, c.Param("signed"))
		var refused *Error
		switch {
		case err == nil:
			c.Data(http.StatusOK, contentPDF, pdf)
		case errors.As(err, &refused):
			abortWithError(c, refused)
		default:
			_ = c.Error(err)
			abortWithError(c, internalError([]error{err}))
		}
	})
}

func (s *server) requisitionOfLink(ctx context.Context, signed string) ([]byte, error) {
	team, id, err := s.Store.RequisitionOrder(signed)
	if err != nil {
		return nil, mapNotFound(err, "Requisition")
	}
	o, err := s.Store.Order(ctx, team, id)
	if err != nil {
		return nil, mapNotFound(err, "Requisition")
	}
	if !isPatientKnown(o) || o.Imported {
		return nil, notFoundError("Requisition")
	}
	if err := s.appendReadAudit(ctx, "order.read_requisition", team, id, "by=signed_address"); err != nil {
		return nil, err
	}
	return documents.Requisition(*o)
}

// notFoundInstructions are what is not found where a test has none.
const notFoundInstructions = "Collection instructions"

func (s *server) documentPDFRoutes() {
	registerOperation(s, scopeOwnRead, huma.Operation{
		OperationID: "get-requisition-pdf", Method: http.MethodGet, Path: "/v3/order/{order_id}/requisition/pdf",
		Tags:    []string{tagOrders},
		Summary: "Read the requisition", Errors: []int{http.StatusNotFound}, Responses: pdfResponse("The requisition."),
		Description: "There is none before the requisition was made, and none for orders that were imported, whose requisition was made elsewhere.",
	}, s.getRequisitionPDF)
	registerOperation(s, scopeOwnRead, huma.Operation{
		OperationID: "get-labels-pdf", Method: http.MethodGet, Path: "/v3/order/{order_id}/labels/pdf",
		Tags:    []string{tagOrders},
		Summary: "Read labels for the tubes", Errors: []int{http.StatusNotFound},
		Responses:   pdfResponse("The labels, of three by two inches."),
		Description: "There are none before the order has a sample id and a patient.",
	}, s.getLabelsPDF)
	registerOperation(s, scopeOwnRead, huma.Operation{
		OperationID: "get-abn-pdf", Method: http.MethodGet, Path: "/v3/order/{order_id}/abn_pdf", Tags: []string{tagOrders},
		Summary: "Read the advance beneficiary notice", Errors: []int{http.StatusNotFound},
		Responses:   pdfResponse("The notice."),
		Description: "There is none where the order's `has_abn` is false. It is true of orders that Medicare is billed for.",
	}, s.getABNPDF)
	op := huma.Operation{
		OperationID: "get-order-collection-instructions-pdf", Method: http.MethodGet,
		Path: "/v3/order/{order_id}/collection_instruction_pdf",
		Tags: []string{tagOrders}, Summary: "Read how the sample of an order is taken", Errors: []int{http.StatusNotFound},
		Responses:   pdfResponse("The instructions."),
		Description: "There are none unless the lab test says `has_collection_instructions`.",
	}
	registerOperation(s, scopeOwnRead, op, s.getOrderInstructionsPDF)
	op.OperationID, op.Path = "get-lab-test-collection-instructions-pdf",
		"/v3/lab_test/{lab_test_id}/collection_instruction_pdf"
	op.Tags, op.Summary = []string{tagLabTests}, "Read how the sample of a lab test is taken"
	registerOperation(s, scopeOwnRead, op, s.getLabTestInstructionsPDF)
}

// pdfResponse is the 200 answer of an operation whose handler writes a PDF.
func pdfResponse(description string) map[string]*huma.Response {
	return map[string]*huma.Response{"200": {
		Description: description,
		Content:     map[string]*huma.MediaType{contentPDF: {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}},
	}}
}

func newPDFAnswer(pdf []byte) *rawAnswer {
	return &rawAnswer{Status: http.StatusOK, ContentType: contentPDF, Body: pdf}
}

func (s *server) getRequisitionPDF(ctx context.Context, in *OrderPath) (*rawAnswer, error) {
	exists := func(o *order.Order) bool { return isPatientKnown(o) && !o.Imported }
	return s.renderOrderPDF(ctx, in.OrderID, "Requisition", "order.read_requisition", exists, documents.Requisition)
}

func (s *server) getLabelsPDF(ctx context.Context, in *labelsInput) (*rawAnswer, error) {
	return s.renderOrderPDF(ctx, in.OrderID, "Labels", "order.read_labels", isPatientKnown,
		func(o order.Order) ([]byte, error) {
			return documents.Labels(o, in.NumberOfLabels, in.CollectionDate)
		})
}

func (s *server) getABNPDF(ctx context.Context, in *OrderPath) (*rawAnswer, error) {
	exists := func(o *order.Order) bool { return o.HasABN() && o.Patient != nil }
	return s.renderOrderPDF(ctx, in.OrderID, "Advance beneficiary notice", "order.read_abn", exists, documents.ABN)
}

func (s *server) getOrderInstructionsPDF(ctx context.Context, in *OrderPath) (*rawAnswer, error) {
	exists := func(o *order.Order) bool { return o.LabTest.HasInstructions }
	return s.renderOrderPDF(ctx, in.OrderID, notFoundInstructions, "order.read_instructions", exists,
		func(o order.Order) ([]byte, error) {
			return documents.Instructions(o.LabTest, o.CreatedAt)
		})
}

func (s *server) getLabTestInstructionsPDF(ctx context.Context, in *LabTestPath) (*rawAnswer, error) {
	t, err := s.Store.LabTest(ctx, callerOf(ctx).team.ID, canonicalUUID(in.LabTestID))
	if err != nil {
		return nil, mapNotFound(err, "Lab test")
	}
	if !t.HasInstructions {
		return nil, notFoundError(notFoundInstructions)
	}
	pdf, err := documents.Instructions(t, s.Now())
	if err != nil {
		return nil, err
	}
	return newPDFAnswer(pdf), nil
}

// isPatientKnown reports whether it is known whose sample it is, and what it is called.
func isPatientKnown(o *order.Order) bool { return o.SampleID != "" && o.Patient != nil }

// renderOrderPDF is what is drawn of an order of the caller's team, where there is such a paper of it. The audit notes who reads it.
func (s *server) renderOrderPDF(
	ctx context.Context, id, name, action string, exists func(*order.Order) bool, render func(order.Order) ([]byte, error),
) (*rawAnswer, error) {
	o, err := s.Store.Order(ctx, callerOf(ctx).team.ID, canonicalUUID(id))
	if err != nil {
		return nil, mapNotFound(err, "Order")
	}
	if !exists(o) {
		return nil, notFoundError(name)
	}
	if err := s.appendReadAudit(ctx, action, o.TeamID, o.ID, ""); err != nil {
		return nil, err
	}
	pdf, err := render(*o)
	if err != nil {
		return nil, err
	}
	return newPDFAnswer(pdf), nil
}

// reportPDF is the lab's own report on an order or, where it sent none, ours of the results that it sent. The error is
// store.ErrNotFound when there are no results.
func (s *server) reportPDF(ctx context.Context, o order.Order) ([]byte, error) {
	pdf, err := s.Store.ResultPDF(ctx, o.TeamID, o.ID)
	if err == nil && len(pdf) > 0 {
		return pdf, nil
	}
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	v, err := s.Store.NewestResult(ctx, o.TeamID, o.ID)
	if err != nil {
		return nil, err
	}
	return documents.Report(o, v)
}
