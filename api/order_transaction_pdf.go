package api

import (
	"context"
	"errors"
	"log/slog"

	"github.com/aliquot-labs/aliquot/internal/documents"
	"github.com/aliquot-labs/aliquot/order"
	"github.com/aliquot-labs/aliquot/store"
)

// orderReport is the PDF of an order's results.
type orderReport struct {
	order order.Order
	pdf   []byte
}

func (s *server) getTransactionPDF(ctx context.Context, in *TransactionPath) (*rawAnswer, error) {
	orders, err := s.readTransactionAudited(ctx, in.TransactionID, "transaction.read_pdf")
	if err != nil {
		return nil, err
	}
	var reports []orderReport
	for _, o := range orders {
		pdf, err := s.reportPDF(ctx, o)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		reports = append(reports, orderReport{o, pdf})
	}
	if len(reports) == 0 {
		return nil, notFoundError("Result")
	}
	combined, err := s.combineReports(ctx, reports)
	if err != nil {
		return nil, err
	}
	return newPDFAnswer(combined), nil
}

// combineReports merges the reports of several orders. A lab's PDF that cannot be merged is replaced by one that is
// drawn from the results: first those that fail on their own, then those that fail with the others.
func (s *server) combineReports(ctx context.Context, reports []orderReport) ([]byte, error) {
	combined, err := documents.Merge(pdfsOf(reports))
	if err == nil {
		return combined, nil
	}
	for i, r := range reports {
		if documents.CanMerge(r.pdf) {
			continue
		}
		if reports[i], err = s.replaceUnmergeable(ctx, r); err != nil {
			return nil, err
		}
	}
	for i := 1; i < len(reports); i++ {
		if combined, err = documents.Merge(pdfsOf(reports[:i+1])); err == nil {
			continue
		}
		if reports[i], err = s.replaceUnmergeable(ctx, reports[i]); err != nil {
			return nil, err
		}
		if combined, err = documents.Merge(pdfsOf(reports[:i+1])); err != nil {
			return s.combineDrawn(ctx, reports)
		}
	}
	return combined, nil
}

// combineDrawn merges reports that are all drawn from the results.
func (s *server) combineDrawn(ctx context.Context, reports []orderReport) ([]byte, error) {
	for i := range reports {
		var err error
		if reports[i], err = s.replaceUnmergeable(ctx, reports[i]); err != nil {
			return nil, err
		}
	}
	return documents.Merge(pdfsOf(reports))
}

// replaceUnmergeable returns the report with a PDF that is drawn from the results, or a page that says that the lab's
// PDF is not included where there are no results.
func (s *server) replaceUnmergeable(ctx context.Context, r orderReport) (orderReport, error) {
	s.Logger.LogAttrs(ctx, slog.LevelWarn, "a lab's PDF is damaged or locked and cannot be merged with others",
		slog.String("order_id", r.order.ID))
	v, err := s.Store.NewestResult(ctx, r.order.TeamID, r.order.ID)
	switch {
	case err == nil:
		r.pdf, err = documents.Report(r.order, v)
	case errors.Is(err, store.ErrNotFound):
		r.pdf, err = documents.Unmergeable(r.order)
	}
	return r, err
}

func pdfsOf(reports []orderReport) [][]byte {
	out := make([][]byte, len(reports))
	for i, r := range reports {
		out[i] = r.pdf
	}
	return out
}
