package api

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"

	"github.com/aliquot-labs/aliquot/internal/documents"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

// labelsInput asks for labels. documents.Labels has the same limit of their number.
type labelsInput struct {
	OrderPath
	NumberOfLabels int    `query:"number_of_labels" minimum:"1" maximum:"50" default:"3" doc:"One page per label."`
	CollectionDate string `query:"collection_date" required:"true" maxLength:"64" doc:"A time, with its zone, or a date."`
}

// Resolve checks what a schema cannot say.
func (in *labelsInput) Resolve(huma.Context) []error {
	if in.CollectionDate == "" {
		return nil // the schema reports it
	}
	collected, ok := parseCollection(in.CollectionDate)
	switch {
	case !ok:
		return []error{newProblem("datetime_parsing", "Input should be a valid datetime or date", "query.collection_date")}
	case !isWritable(collected.At):
		return []error{newProblem("value_error", outsideCalendar, "query.collection_date")}
	}
	return nil
}

// parseCollection parses the time of a collection with its zone, or its date. A plus sign that a client has not escaped
// is a blank.
func parseCollection(text string) (documents.Collection, bool) {
	text = strings.TrimSpace(text)
	if d, err := order.ParseDate(text); err == nil {
		return documents.Collection{At: d.Start(time.UTC), DateOnly: true}, true
	}
	at, err := time.Parse(time.RFC3339, strings.Replace(text, " ", "+", 1))
	return documents.Collection{At: at}, err == nil
}

// requisitionLinkRoutes serve requisitions at the URL that orders contain. They need no API key, because the URL is
// signed.
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
	o, err := s.Store.CurrentOrder(ctx, team, id)
	if err != nil {
		return nil, mapNotFound(err, "Requisition")
	}
	if !isPatientKnown(o) || o.Imported {
		return nil, notFoundError("Requisition")
	}
	if err := s.appendReadAudit(ctx, "order.read_requisition", team, id, "by=signed_address"); err != nil {
		return nil, err
	}
	pdf, err := s.renderRequisition(ctx, *o)
	return pdf, mapUnprintable(err)
}

// renderRequisition renders the requisition with the names of the team and of its account at the lab. The account may
// have been removed since.
func (s *server) renderRequisition(ctx context.Context, o order.Order) ([]byte, error) {
	team, err := s.Store.Team(ctx, o.TeamID)
	if err != nil {
		return nil, err
	}
	parties := documents.Parties{OrderedBy: team.Name}
	account, err := s.Store.LabAccount(ctx, o.LabAccountID)
	switch {
	case err == nil:
		parties.Account = account.Profile.ProviderAccountID
		if account.Profile.Name != nil {
			parties.AccountName = *account.Profile.Name
		}
		if parties.Account == "" && parties.AccountName == "" {
			parties.Account = account.ID
		}
	case !errors.Is(err, store.ErrNotFound):
		return nil, err
	}
	return documents.Requisition(o, parties)
}

// notFoundInstructions is what the 404 answer names when a lab test has no collection instructions.
const notFoundInstructions = "Collection instructions"

func (s *server) documentPDFRoutes() {
	registerOperation(s, scopeOwnRead, huma.Operation{
		OperationID: "get-requisition-pdf", Method: http.MethodGet, Path: "/v3/order/{order_id}/requisition/pdf",
		Tags:    []string{tagOrders},
		Summary: "Read the requisition", Errors: []int{http.StatusNotFound}, Responses: pdfResponse("The requisition."),
		Description: "404 until the lab has accepted the order, and for imported orders, whose requisition was created " +
			"elsewhere.",
	}, s.getRequisitionPDF)
	registerOperation(s, scopeOwnRead, huma.Operation{
		OperationID: "get-labels-pdf", Method: http.MethodGet, Path: "/v3/order/{order_id}/labels/pdf",
		Tags:    []string{tagOrders},
		Summary: "Read labels for the tubes", Errors: []int{http.StatusNotFound},
		Responses:   pdfResponse("The labels, three by two inches each."),
		Description: "404 until the order has a sample id and a patient.",
	}, s.getLabelsPDF)
	registerOperation(s, scopeOwnRead, huma.Operation{
		OperationID: "get-abn-pdf", Method: http.MethodGet, Path: "/v3/order/{order_id}/abn_pdf", Tags: []string{tagOrders},
		Summary: "Read the advance beneficiary notice", Errors: []int{http.StatusNotFound},
		Responses:   pdfResponse("The notice."),
		Description: "404 unless the order's `has_abn` is true, which it is for orders that are billed to Medicare.",
	}, s.getABNPDF)
	op := huma.Operation{
		OperationID: "get-order-collection-instructions-pdf", Method: http.MethodGet,
		Path: "/v3/order/{order_id}/collection_instruction_pdf",
		Tags: []string{tagOrders}, Summary: "Read the collection instructions of an order",
		Errors:      []int{http.StatusNotFound},
		Responses:   pdfResponse("The instructions."),
		Description: "404 unless the lab test's `has_collection_instructions` is true.",
	}
	registerOperation(s, scopeOwnRead, op, s.getOrderInstructionsPDF)
	op.OperationID, op.Path = "get-lab-test-collection-instructions-pdf",
		"/v3/lab_test/{lab_test_id}/collection_instruction_pdf"
	op.Tags, op.Summary = []string{tagLabTests}, "Read the collection instructions of a lab test"
	registerOperation(s, scopeOwnRead, op, s.getLabTestInstructionsPDF)
}

// pdfResponse documents the 200 answer of an operation whose handler writes a PDF.
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
	return s.renderOrderPDF(ctx, in.OrderID, "Requisition", "order.read_requisition", exists,
		func(o order.Order) ([]byte, error) { return s.renderRequisition(ctx, o) })
}

func (s *server) getLabelsPDF(ctx context.Context, in *labelsInput) (*rawAnswer, error) {
	return s.renderOrderPDF(ctx, in.OrderID, "Labels", "order.read_labels", isPatientKnown,
		func(o order.Order) ([]byte, error) {
			collected, _ := parseCollection(in.CollectionDate)
			return documents.Labels(o, in.NumberOfLabels, collected)
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

// isPatientKnown reports whether the order has a patient and a sample id.
func isPatientKnown(o *order.Order) bool { return o.SampleID != "" && o.Patient != nil }

// renderOrderPDF renders a document of an order of the caller's team and adds the reading to the audit. It answers 404
// with the document's name where exists is false.
func (s *server) renderOrderPDF(
	ctx context.Context, id, name, action string, exists func(*order.Order) bool, render func(order.Order) ([]byte, error),
) (*rawAnswer, error) {
	o, err := s.Store.CurrentOrder(ctx, callerOf(ctx).team.ID, canonicalUUID(id))
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
		return nil, mapUnprintable(err)
	}
	return newPDFAnswer(pdf), nil
}

// mapUnprintable returns the 422 answer for a document whose patient has a name that cannot be printed.
func mapUnprintable(err error) error {
	if unprintable := (*documents.UnprintableError)(nil); errors.As(err, &unprintable) {
		return newError(http.StatusUnprocessableEntity, unprintable.Error())
	}
	return err
}

// reportPDF returns the lab's report of an order. Where the lab sent no PDF, or what is none, it renders one from the
// newest results. The error is store.ErrNotFound when there are no results.
func (s *server) reportPDF(ctx context.Context, o order.Order) ([]byte, error) {
	pdf, err := s.Store.ResultPDF(ctx, o.TeamID, o.ID)
	if err == nil && isPDF(pdf) {
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

// isPDF reports whether a stored document of a lab is a PDF. Anything else is never served as one.
func isPDF(document []byte) bool {
	return bytes.Contains(document[:min(len(document), 1024)], []byte("%PDF"))
}
