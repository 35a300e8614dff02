package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/aliquot-labs/aliquot/internal/junction"
)

func (s *server) resultRoutes() {
	op := huma.Operation{
		OperationID: "get-result", Method: http.MethodGet, Path: "/v3/order/{order_id}/result", Tags: []string{tagResults},
		Summary: "Read an order's newest results", Errors: []int{http.StatusNotFound},
	}
	registerOperation(s, scopeOwnRead, op, s.getResult)
	op.OperationID, op.Path, op.Summary = "get-result-metadata", op.Path+"/metadata",
		"Read the metadata of an order's newest results"
	registerOperation(s, scopeOwnRead, op, s.getResultMetadata)
	op.OperationID, op.Path, op.Summary = "get-result-pdf", "/v3/order/{order_id}/result/pdf",
		"Read the lab's report as PDF, or one that Aliquot rendered where the lab sent none"
	op.Responses = pdfResponse("The report.")
	registerOperation(s, scopeOwnRead, op, s.getResultPDF)
}

func (s *server) getResult(ctx context.Context, in *OrderPath) (*body[junction.LabResultsRaw], error) {
	r, err := s.clientResult(ctx, in.OrderID)
	if err != nil {
		return nil, err
	}
	return newAnswer(*r), nil
}

func (s *server) getResultMetadata(ctx context.Context, in *OrderPath) (*body[junction.LabResultsMetadata], error) {
	r, err := s.clientResult(ctx, in.OrderID)
	if err != nil {
		return nil, err
	}
	return newAnswer(r.Metadata), nil
}

// clientResult returns the newest results of an order of the caller's team, and adds the reading to the audit.
func (s *server) clientResult(ctx context.Context, id string) (*junction.LabResultsRaw, error) {
	team := callerOf(ctx).team.ID
	o, v, err := s.Store.CurrentOrderAndResult(ctx, team, canonicalUUID(id))
	if o == nil && err != nil {
		return nil, mapNotFound(err, "Order")
	}
	if err != nil {
		return nil, mapNotFound(err, "Result")
	}
	if err := s.appendReadAudit(ctx, "result.read", team, o.ID, "result="+v.ID); err != nil {
		return nil, err
	}
	r := junction.FromResultVersion(*o, v)
	return &r, nil
}

func (s *server) getResultPDF(ctx context.Context, in *OrderPath) (*rawAnswer, error) {
	team := callerOf(ctx).team.ID
	o, err := s.Store.CurrentOrder(ctx, team, canonicalUUID(in.OrderID))
	if err != nil {
		return nil, mapNotFound(err, "Order")
	}
	pdf, err := s.reportPDF(ctx, *o)
	if err != nil {
		return nil, mapNotFound(err, "Result")
	}
	if err := s.appendReadAudit(ctx, "result.read_pdf", team, o.ID, ""); err != nil {
		return nil, err
	}
	return newPDFAnswer(pdf), nil
}
